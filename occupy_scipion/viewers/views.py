# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows that need neither Xmipp's Java viewer nor ChimeraX."""

from __future__ import annotations

from typing import Any

from pyworkflow.viewer import View

# Of the screen; the rest is left to the window's frame and toolbar.
_WIDEST, _HIGHEST = 0.95, 0.85


class FigureView(View):
    """A matplotlib figure in a window of its own; without a display, just the figure."""

    def __init__(self, figure: Any, title: str, parent: Any = None) -> None:
        View.__init__(self)
        self._figure, self._title, self._parent = figure, title, parent

    def getFigure(self) -> Any:
        return self._figure

    def show(self) -> None:
        # Imported here: where there is no display, Tk need not be installed.
        import tkinter

        from matplotlib.backends.backend_tkagg import FigureCanvasTkAgg, NavigationToolbar2Tk

        window = tkinter.Toplevel(self._parent)
        window.title(self._title)
        self._fit(window.winfo_screenwidth(), window.winfo_screenheight())
        canvas = FigureCanvasTkAgg(self._figure, master=window)
        toolbar = NavigationToolbar2Tk(canvas, window)
        toolbar.pack(side=tkinter.BOTTOM, fill=tkinter.X)
        canvas.get_tk_widget().pack(side=tkinter.TOP, fill=tkinter.BOTH, expand=True)
        canvas.draw()

    def _fit(self, width: int, height: int) -> None:
        inches, dpi = self._figure.get_size_inches(), self._figure.dpi
        factor = min(1.0, _WIDEST * width / dpi / inches[0], _HIGHEST * height / dpi / inches[1])
        self._figure.set_size_inches(inches * factor)
