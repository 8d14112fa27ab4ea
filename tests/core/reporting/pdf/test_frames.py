# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from occupy_core.reporting.pdf.frames import Frame
from occupy_core.reporting.pdf.sheets import Sheet


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_pictures_and_curves_in_a_frame_are_aligned(interpolation):
    image = np.zeros((8, 10), dtype=np.float32)
    image[1:3, 6:9] = 1  # in the lower right part
    sheet = Sheet(3.0, 2.5)
    frame = Frame(sheet, 0.3, 0.2, 2.0, 1.6, x=(-0.5, 9.5), y=(-0.5, 7.5))
    frame.picture(image, "gray", (0, 1), interpolation=interpolation)
    frame.line([1.6, 2.4], [5.5, 5.5], color="red", lw=4)
    canvas = FigureCanvasAgg(sheet.figure)
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())

    def colour_at(x, y):
        left, above = 0.3 + 2.0 * (x + 0.5) / 10, 0.2 + 1.6 * (1 - (y + 0.5) / 8)
        return drawn[int(above * sheet.figure.dpi), int(left * sheet.figure.dpi)].tolist()[:3]

    assert colour_at(7, 1.5) == [255, 255, 255]
    assert colour_at(7, 5.5) == colour_at(2, 1.5) == [0, 0, 0]
    assert colour_at(2, 5.5) == [255, 0, 0]
