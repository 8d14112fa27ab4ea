# SPDX-License-Identifier: GPL-3.0-or-later
"""A PDF file whose pages are written one by one, so that many pages take no more memory than one."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Protocol, Sequence

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from occupy_core.files import open_new

_PdfPages: Any = PdfPages  # some versions of matplotlib have no types for this class


class AddPage(Protocol):
    """Adds a figure to a PDF as its next page; with `in_front`, before all pages that were not added in front."""

    def __call__(self, figure: Figure, *, in_front: bool = False) -> None: ...


@contextmanager
def pdf_pages(path: Path) -> Iterator[AddPage]:
    """Give a function that adds a figure to a PDF as a page; the file is complete when the block ends.

    Parameters
    ----------
    path : Path
        File to write.
    """
    # Without dates, so that a job that is repeated writes the same bytes.
    with open_new(path) as file, _PdfPages(file, metadata={"CreationDate": None, "ModDate": None}) as pdf:
        written: Dict[int, Any] = {}

        pages_in_front: List[bool] = []

        def add_page(figure: Figure, *, in_front: bool = False) -> None:
            pdf.savefig(figure)
            pages_in_front.append(in_front)
            _write_pictures(pdf, written)
            figure.clear()
            gc.collect(1)  # what is left refers to itself, and would stay in memory for some pages

        yield add_page
        _list_pictures(pdf, written)
        _sort_pages(pdf, pages_in_front)


def _write_pictures(pdf: Any, written: Dict[int, Any]) -> None:
    """Write the pictures of the last page to the file, and forget their pixels.

    matplotlib (3.7 to 3.11) keeps the pixels of all pages until the file is closed, about 1 MB a page. It has no public
    way to write them earlier. A version that keeps them elsewhere is left to do so.
    """
    file: Any = getattr(pdf, "_file", None)
    pictures = getattr(file, "_images", None)
    if not isinstance(pictures, dict) or not hasattr(file, "writeImages"):
        return
    file.writeImages()
    for _, name, place in pictures.values():
        written[len(written)] = (None, name, place)
    pictures.clear()


def _list_pictures(pdf: Any, written: Dict[int, Any]) -> None:
    """Restore the list of all pictures, which the end of the file needs, without writing them again."""
    if written:
        pdf._file._images.update(written)
        pdf._file.writeImages = lambda: None


def _sort_pages(pdf: Any, in_front: Sequence[bool]) -> None:
    """Put some pages before the others; `in_front` has a value for each page in the order in which they were drawn.

    matplotlib (3.7 to 3.11) has no public way to do so. In a version that lists pages elsewhere they keep their order.
    """
    pages = getattr(getattr(pdf, "_file", None), "pageList", None)
    if isinstance(pages, list) and len(pages) == len(in_front):
        first, others = ([page for page, is_first in zip(pages, in_front) if is_first == chosen] for chosen in (1, 0))
        pages[:] = [*first, *others]
