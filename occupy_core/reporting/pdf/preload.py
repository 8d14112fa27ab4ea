# SPDX-License-Identifier: GPL-3.0-or-later
"""Load matplotlib for logfile.pdf: early, without messages, and without parts that no page needs."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager, suppress
from importlib import import_module
from types import ModuleType
from typing import Any, Iterator

_FONT_SUBSETS = "fontTools.subset"
_AXES = ("matplotlib.axes", "matplotlib.projections")


def load_drawing(*, axes: bool = True) -> str:
    """Load matplotlib before the figures are drawn; return the reason when it is missing, otherwise an empty text.

    Parameters
    ----------
    axes : bool
        Whether to load matplotlib's axes. Pages have none, and loading them takes a fifth of the time (0.04 of 0.21 s);
        but no other figure of this process can then have any.
    """
    try:
        with suppress(Exception):  # a version of matplotlib that cannot do without
            if not axes and "matplotlib" not in sys.modules:
                with _no_axes():
                    load_matplotlib()
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
    with quiet_matplotlib(), _own_backend():
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
def _own_backend() -> Iterator[None]:
    """Hide MPLBACKEND while matplotlib is imported: a notebook names a backend there that may not be installed.

    Pages are drawn by the backend for PDF, whatever the variable says. A program that draws itself, such as a notebook
    that runs a job, gets the backend of the variable afterwards.
    """
    wanted = None if "matplotlib" in sys.modules else os.environ.pop("MPLBACKEND", None)
    try:
        yield
    finally:
        if wanted is not None:
            os.environ["MPLBACKEND"] = wanted
            with suppress(Exception):  # no backend of this name
                sys.modules["matplotlib"].rcParams["backend"] = wanted


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


@contextmanager
def _no_axes() -> Iterator[None]:
    """Replace matplotlib's axes and projections by empty modules; an error in the block brings the real ones back."""
    artist: Any = import_module("matplotlib.artist")
    stand_ins = {name: ModuleType(name) for name in _AXES}
    stand_ins[_AXES[0]].Axes = type("Axes", (artist.Artist,), {})  # type: ignore[attr-defined]
    sys.modules.update(stand_ins)
    for name, module in stand_ins.items():
        setattr(sys.modules["matplotlib"], name.rpartition(".")[2], module)
    try:
        yield
    except BaseException:
        for name in stand_ins:
            del sys.modules[name]
            delattr(sys.modules["matplotlib"], name.rpartition(".")[2])
        raise


class _LazyModule(ModuleType):
    """Stand-in for a module, which is loaded when one of its attributes is used."""

    def __getattr__(self, name: str) -> Any:
        self.remove()
        return getattr(import_module(self.__name__), name)

    def remove(self) -> None:
        """Remove the stand-in from the loaded modules, so that the next import loads the module."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
