# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows that need neither Xmipp's Java viewer nor ChimeraX."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any, Optional

from pyworkflow.viewer import View

_DOCUMENT_PROGRAMS = ("xdg-open", "evince", "okular", "atril", "xpdf", "mupdf", "open")
# Of a page that is scrolled.
_PAGE_DPI = 100
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


class PageView(FigureView):
    """A page in a window as wide as the page that is scrolled, so that its letters can be read on any screen."""

    def show(self) -> None:
        import tkinter

        from matplotlib.backends.backend_tkagg import FigureCanvasTkAgg

        window = tkinter.Toplevel(self._parent)
        window.title(self._title)
        dpi = min(_PAGE_DPI, _WIDEST * window.winfo_screenwidth() / self._figure.get_figwidth())
        self._figure.set_dpi(dpi)
        bar = tkinter.Scrollbar(window)
        bar.pack(side=tkinter.RIGHT, fill=tkinter.Y)
        width, height = (int(inches * dpi) for inches in self._figure.get_size_inches())
        area = tkinter.Canvas(window, width=width, height=min(height, _HIGHEST * window.winfo_screenheight()))
        area.pack(side=tkinter.LEFT, fill=tkinter.BOTH, expand=True)
        canvas = FigureCanvasTkAgg(self._figure, master=area)
        page = canvas.get_tk_widget()
        area.create_window(0, 0, anchor=tkinter.NW, window=page, width=width, height=height)
        area.configure(scrollregion=(0, 0, width, height), yscrollcommand=bar.set)
        bar.configure(command=area.yview)
        for button, step in (("<Button-4>", -1), ("<Button-5>", 1)):
            page.bind(button, lambda _event, step=step: area.yview_scroll(step, "units"))
        canvas.draw()


class DocumentView(View):
    """A file in the program that the desktop has for it."""

    def __init__(self, program: str, path: str) -> None:
        View.__init__(self)
        self._command = [program, os.path.abspath(path)]

    def show(self) -> None:
        subprocess.Popen(self._command)


def document_program() -> Optional[str]:
    """What opens a PDF here; None where there is nothing."""
    return next((found for found in map(shutil.which, _DOCUMENT_PROGRAMS) if found), None)
