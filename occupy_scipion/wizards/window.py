# SPDX-License-Identifier: GPL-3.0-or-later
"""The window of a wizard: its figure, a slider for each value, OK and Cancel."""

from __future__ import annotations

import contextlib
from typing import Any

from occupy_scipion.wizards.previews import Preview

_DELAY = 80  # milliseconds after the last move of a slider before the figure is drawn again


def choose(preview: Preview, title: str, parent: Any) -> bool:
    """Show a preview until the user closes its window.

    Parameters
    ----------
    preview : Preview
        Its sliders follow the user.
    title : str
    parent : Tk window

    Returns
    -------
    bool
        Whether the user chose OK.
    """
    # Imported here: a machine without a display may have no Tk.
    import tkinter

    from matplotlib.backends.backend_tkagg import FigureCanvasTkAgg

    window = tkinter.Toplevel(parent)
    window.title(title)
    window.transient(parent)
    canvas = FigureCanvasTkAgg(preview.figure, master=window)
    chosen = []
    waiting = {}

    def moved(name: str, value: str) -> None:
        if name in waiting:
            window.after_cancel(waiting[name])
        waiting[name] = window.after(_DELAY, draw, name, float(value))

    def draw(name: str, value: float) -> None:
        preview.move(name, value)
        canvas.draw_idle()

    def close(is_ok: bool) -> None:
        if is_ok:
            for name, slider in sliders.items():  # also a move that was not drawn yet
                preview.sliders[name].value = float(slider.get())
            chosen.append(True)
        window.destroy()

    sliders = {}
    buttons = tkinter.Frame(window)
    buttons.pack(side=tkinter.BOTTOM, fill=tkinter.X)
    tkinter.Button(buttons, text="OK", command=lambda: close(True), name="ok").pack(side=tkinter.RIGHT, padx=8, pady=6)
    tkinter.Button(buttons, text="Cancel", command=lambda: close(False), name="cancel").pack(side=tkinter.RIGHT)
    for name, item in reversed(list(preview.sliders.items())):
        slider = tkinter.Scale(
            window, label=item.label, from_=item.low, to=item.high, resolution=item.step, orient=tkinter.HORIZONTAL
        )
        slider.set(item.value)
        slider.configure(command=lambda value, name=name: moved(name, value))
        slider.pack(side=tkinter.BOTTOM, fill=tkinter.X, padx=8)
        sliders[name] = slider
    canvas.get_tk_widget().pack(side=tkinter.TOP, fill=tkinter.BOTH, expand=True)
    canvas.draw()
    window.protocol("WM_DELETE_WINDOW", lambda: close(False))
    window.update()
    with contextlib.suppress(tkinter.TclError):  # a window manager may not show the window yet
        window.grab_set()
    with contextlib.suppress(tkinter.TclError):  # the user may have closed Scipion already, on a slow machine
        if window.winfo_exists():
            window.wait_window()
    return bool(chosen)
