# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows for figures and documents. They need neither Xmipp's Java viewer nor ChimeraX."""

from __future__ import annotations

import os
import shutil
import subprocess
import textwrap
from typing import Any, Optional

from pyworkflow.viewer import View

from occupy_core.reporting.pdf.sections_figure import SectionsFigure
from occupy_core.reporting.sections import AXIS_NAMES

_DOCUMENT_PROGRAMS = ("xdg-open", "evince", "okular", "atril", "xpdf", "mupdf", "open")
# Resolution of a page in a window that scrolls, dots per inch.
_PAGE_DPI = 100
_MESSAGE_WIDTH = 76  # letters in a line of a message
# Largest width and height of a figure, as fractions of the screen: frame and toolbar need the rest.
_MAX_WIDTH, _MAX_HEIGHT = 0.95, 0.85


class FigureView(View):
    """A matplotlib figure in a window of its own. Making the view needs no display; only `show` does."""

    def __init__(self, figure: Any, title: str, parent: Any = None) -> None:
        View.__init__(self)
        self._figure, self._title, self._parent = figure, title, parent

    def getFigure(self) -> Any:
        """Return the matplotlib figure."""
        return self._figure

    def show(self) -> None:
        """Open the window."""
        # Imported here: a machine without a display may have no Tk.
        import tkinter

        from matplotlib.backends.backend_tkagg import FigureCanvasTkAgg, NavigationToolbar2Tk

        window = tkinter.Toplevel(self._parent)
        window.title(self._title)
        self._fit(window.winfo_screenwidth(), window.winfo_screenheight())
        canvas = FigureCanvasTkAgg(self._figure, master=window)
        toolbar = NavigationToolbar2Tk(canvas, window)
        toolbar.pack(side=tkinter.BOTTOM, fill=tkinter.X)
        self._add_controls(window, canvas)
        canvas.get_tk_widget().pack(side=tkinter.TOP, fill=tkinter.BOTH, expand=True)
        canvas.draw()

    def _add_controls(self, window: Any, canvas: Any) -> None:
        """Add what moves the figure, below it; for derived classes."""

    def _fit(self, width: int, height: int) -> None:
        """Reduce the figure's size so that it fits on a screen of this size, pixels."""
        inches, dpi = self._figure.get_size_inches(), self._figure.dpi
        factor = min(1.0, _MAX_WIDTH * width / dpi / inches[0], _MAX_HEIGHT * height / dpi / inches[1])
        self._figure.set_size_inches(inches * factor)


class SectionsView(FigureView):
    """Sections of maps in a window with a slider for each axis, which moves the sections of all maps together."""

    def __init__(self, sections: SectionsFigure, title: str, parent: Any = None) -> None:
        FigureView.__init__(self, sections.figure, title, parent)
        self.sections = sections

    def _add_controls(self, window: Any, canvas: Any) -> None:
        import tkinter

        area = tkinter.Frame(window)
        area.pack(side=tkinter.BOTTOM, fill=tkinter.X)
        for axis in self.sections.planes:
            part = self.sections.cut.window[axis]
            slider = tkinter.Scale(
                area,
                label=AXIS_NAMES[axis],
                from_=part.start,
                to=part.stop - 1,
                orient=tkinter.HORIZONTAL,
                name=f"slider_{AXIS_NAMES[axis]}",
            )
            slider.set(self.sections.cut.planes[axis])
            slider.configure(command=lambda value, axis=axis: self._move(axis, int(value), canvas))
            slider.pack(side=tkinter.LEFT, fill=tkinter.X, expand=True)

    def _move(self, axis: int, index: int, canvas: Any) -> None:
        self.sections.move(axis, index)
        canvas.draw_idle()


class PageView(FigureView):
    """A page in a window that is as wide as the page and scrolls: the text can be read on any screen."""

    def show(self) -> None:
        """Open the window."""
        import tkinter

        from matplotlib.backends.backend_tkagg import FigureCanvasTkAgg

        window = tkinter.Toplevel(self._parent)
        window.title(self._title)
        dpi = min(_PAGE_DPI, _MAX_WIDTH * window.winfo_screenwidth() / self._figure.get_figwidth())
        self._figure.set_dpi(dpi)
        bar = tkinter.Scrollbar(window)
        bar.pack(side=tkinter.RIGHT, fill=tkinter.Y)
        width, height = (int(inches * dpi) for inches in self._figure.get_size_inches())
        area = tkinter.Canvas(window, width=width, height=min(height, _MAX_HEIGHT * window.winfo_screenheight()))
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
    """A file that another program shows."""

    def __init__(self, program: str, path: str) -> None:
        View.__init__(self)
        self._command = [program, os.path.abspath(path)]

    def show(self) -> None:
        """Start the program with the file."""
        subprocess.Popen(self._command)


def document_program() -> Optional[str]:
    """Return the path of a program that opens PDF files; None if none is installed."""
    return next((path for path in map(shutil.which, _DOCUMENT_PROGRAMS) if path), None)


def chimerax_on_path() -> Optional[str]:
    """Return the path of a ChimeraX that is on the PATH; None without one."""
    return next((path for path in map(shutil.which, ("ChimeraX", "chimerax")) if path), None)


def no_chimerax_text(program: str, script: str) -> str:
    """Return the message for a missing ChimeraX.

    Parameters
    ----------
    program : str
        The path at which Scipion expects ChimeraX.
    script : str
        The command file that ChimeraX should open.
    """
    paragraphs = (
        f"ChimeraX was not found: {program} does not exist, and no ChimeraX is on the PATH.",
        "If ChimeraX is installed: put it on the PATH, or install the plugin scipion-em-chimera and set CHIMERA_HOME "
        "in Scipion's config/scipion.conf to the folder that holds bin/ChimeraX; then start Scipion again.",
        "Or open this file in ChimeraX, on any machine that has the project:",
    )
    # Scipion's window is as high as the text has lines, so that longer lines would be hidden below its end.
    lines = [textwrap.fill(text, _MESSAGE_WIDTH, break_long_words=False, break_on_hyphens=False) for text in paragraphs]
    return "\n\n".join(lines) + f"\n{script}"
