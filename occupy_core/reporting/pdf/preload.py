# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads matplotlib for a job: sooner, and without a word on standard error."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any, Iterator

_SUBSETS = "fontTools.subset"


def load_matplotlib() -> None:
    """Load what logfile.pdf needs, in two thirds of the time.

    Left out is what no page needs: texts of help, which matplotlib makes for each of its classes, and fontTools, which
    only PDFs with another type of fonts need, and which is still loaded where something asks for it.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    """
    with silent():
        artist: Any = import_module("matplotlib.artist")
        help_of = artist.kwdoc
        artist.kwdoc = lambda _class: ""
        later = _Later(_SUBSETS)
        sys.modules.setdefault(_SUBSETS, later)
        try:
            import_module("matplotlib.backends.backend_pdf")
        finally:
            artist.kwdoc = help_of
            later.leave()


@contextmanager
def silent() -> Iterator[None]:
    """Nothing from matplotlib of fonts and caches, except errors."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


class _Later(ModuleType):
    """Stands for a module until something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        self.leave()
        return getattr(import_module(self.__name__), name)

    def leave(self) -> None:
        """Make room for the module itself."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]


def load_drawing() -> str:
    """Load all that figures are drawn with, before they are; why not, where it is missing."""
    try:
        from occupy_core.reporting.pdf.preload import load_matplotlib

        load_matplotlib()
    except ImportError as error:
        return f"matplotlib is missing ({error})"
    return ""
