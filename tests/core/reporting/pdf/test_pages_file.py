# SPDX-License-Identifier: GPL-3.0-or-later
"""A PDF with many pages."""

import re
import tracemalloc

import numpy as np
from matplotlib.figure import Figure

from occupy_core.reporting.pdf.pages_file import pdf_pages

SIDE, PAGES = 256, 24


def write(path, pages):
    """Write a PDF with one picture a page, and return the peak of the memory that this takes, bytes."""
    tracemalloc.start()
    try:
        with pdf_pages(path) as add_page:
            for number in range(pages):
                figure = Figure()
                pixels = np.full((SIDE, SIDE, 4), 255, np.uint8)
                pixels[..., 0] = number
                pixels[0, 0] = (1, 2, 3, 255)
                figure.figimage(pixels)
                add_page(figure)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_pixels_of_earlier_pages_are_not_kept(tmp_path):
    write(tmp_path / "first.pdf", 1)  # loads what drawing needs
    few, many = write(tmp_path / "few.pdf", 4), write(tmp_path / "many.pdf", PAGES)
    assert many - few < 8 * SIDE * SIDE * 4, "eight pictures of twenty are kept"


def test_every_page_has_its_picture_once(tmp_path):
    path = tmp_path / "pages.pdf"
    write(path, PAGES)
    content = path.read_bytes()
    assert len(re.findall(rb"/Type /Page\b(?!s)", content)) == PAGES
    names = set(re.findall(rb"/(I\d+) \d+ 0 R", content))
    assert len(names) == content.count(b"/Subtype /Image") == PAGES
    objects = re.findall(rb"(?m)^(\d+) 0 obj", content)
    assert len(objects) == len(set(objects))
