# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from occupy_core.reporting.pdf.frames import Frame
from occupy_core.reporting.pdf.text import Sheet


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_a_picture_lies_as_what_is_drawn_over_it(interpolation):
    image = np.zeros((8, 10), dtype=np.float32)
    image[1:3, 6:9] = 1  # below and on the right
    sheet = Sheet(3.0, 2.5)
    frame = Frame(sheet, 0.3, 0.2, 2.0, 1.6, x=(-0.5, 9.5), y=(-0.5, 7.5))
    frame.picture(image, "gray", (0, 1), interpolation=interpolation)
    frame.line([1.6, 2.4], [5.5, 5.5], color="red", lw=4)
    canvas = FigureCanvasAgg(sheet.figure)
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())

    def at(x, y):
        left, above = 0.3 + 2.0 * (x + 0.5) / 10, 0.2 + 1.6 * (1 - (y + 0.5) / 8)
        return drawn[int(above * sheet.figure.dpi), int(left * sheet.figure.dpi)].tolist()[:3]

    assert at(7, 1.5) == [255, 255, 255]
    assert at(7, 5.5) == at(2, 1.5) == [0, 0, 0]
    assert at(2, 5.5) == [255, 0, 0]
