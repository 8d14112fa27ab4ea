# SPDX-License-Identifier: GPL-3.0-or-later
"""Find texts, pictures and named artists in matplotlib figures."""

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import AxesImage, BboxImage
from matplotlib.text import Text


def text_of(figures):
    """Return all texts of some figures, joined by spaces."""
    texts = [item.get_text() for figure in figures for item in figure.findobj(Text)]
    return " ".join(" ".join(texts).split())


def artists_by_label(figure):
    return {artist.get_label(): artist for artist in figure.artists}


def images_of(figure):
    return [*figure.findobj(AxesImage), *figure.findobj(BboxImage)]


def check_texts_fit(figure):
    """Check that every text of a figure lies on the page and that texts on one line do not overlap."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    width, height = figure.bbox.size
    boxes = [item.get_window_extent(renderer) for item in figure.texts if item.get_text()]
    for box in boxes:
        assert box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height
    for index, one in enumerate(boxes):
        for other in boxes[index + 1 :]:
            on_one_line = min(one.y1, other.y1) - max(one.y0, other.y0) > 0.3 * min(one.height, other.height)
            assert not on_one_line or min(one.x1, other.x1) <= max(one.x0, other.x0), "texts overlap"
