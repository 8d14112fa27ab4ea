# SPDX-License-Identifier: GPL-3.0-or-later
"""Load matplotlib for logfile.pdf: early, without messages, and without parts that no page needs."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any, Iterator

_FONT_SUBSETS = "fontTools.subset"


def load_drawing() -> str:
    """Load matplotlib before the figures are drawn; return the reason when it is missing, otherwise an empty text."""
    try:
        load_matplotlib()
    except ImportError as error:
        return f"matplotlib is missing ({error})"
    return ""


def load_matplotlib() -> None:
    """Load the parts of matplotlib that logfile.pdf needs, in two thirds of the usual time.

    Two parts are left out. One is the help text that matplotlib composes for each of its classes. The other is
    fontTools, needed only for PDF files with fonts of another type; it is still loaded as soon as it is used.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    """
    with quiet_matplotlib():
        artist: Any = import_module("matplotlib.artist")
        compose_help = artist.kwdoc
        artist.kwdoc = lambda _class: ""
        stand_in = _LazyModule(_FONT_SUBSETS)
        sys.modules.setdefault(_FONT_SUBSETS, stand_in)
        try:
            import_module("matplotlib.backends.backend_pdf")
        finally:
            artist.kwdoc = compose_help
            stand_in.remove()


@contextmanager
def quiet_matplotlib() -> Iterator[None]:
    """Suppress matplotlib's log messages, such as those about fonts and caches, except errors."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


class _LazyModule(ModuleType):
    """Stand-in for a module, which is loaded when one of its attributes is used."""

    def __getattr__(self, name: str) -> Any:
        self.remove()
        return getattr(import_module(self.__name__), name)

    def remove(self) -> None:
        """Remove the stand-in from the loaded modules, so that the next import loads the module."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
