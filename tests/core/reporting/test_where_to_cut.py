# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from occupy_core.reporting.where_to_cut import cut_through_molecule, middle_cut
from tests.core.reporting.balls import ball


def box(shape, *sides, value=1.0):
    volume = np.zeros(shape, "f4")
    volume[tuple(slice(*side) for side in sides)] = value
    return volume


def test_a_molecule_beside_the_middle_is_cut_through_its_middle_with_a_margin():
    cut = cut_through_molecule(box((60, 50, 40), (4, 15), (20, 31), (18, 29)))
    assert cut.planes == (9, 25, 23)
    for part, first, last in zip(cut.window, (4, 20, 18), (14, 30, 28)):
        assert first - 2 <= part.start < first and last < part.stop - 1 <= last + 2
    assert cut.longest == 13


def test_specks_change_neither_planes_nor_window():
    molecule = box((60, 50, 40), (4, 15), (20, 31), (18, 29))
    specks = molecule.copy()
    specks[50, 5:7, 38] = 1
    assert cut_through_molecule(specks) == cut_through_molecule(molecule)


def test_a_mask_is_cut_where_it_is_largest_and_the_window_shows_molecule_and_mask():
    molecule = box((60, 60, 60), (10, 50), (10, 50), (10, 50))
    mask = np.zeros((60, 60, 60), "f4")
    mask[40:58, 20:24, 30:34] = 1
    mask[52:55, 16:28, 26:38] = 1
    cut = cut_through_molecule(molecule, masks=[mask])
    assert cut.planes[0] in (52, 53, 54) and 20 <= cut.planes[1] < 24 and 30 <= cut.planes[2] < 34
    assert cut.window[0].stop >= 58


@pytest.mark.parametrize("factor", [2, 3])
def test_a_coarser_working_box_gives_the_cut_on_the_input_grid(factor):
    coarse = box((50, 50, 50), (5, 20), (30, 45), (22, 30))
    cut = cut_through_molecule(coarse, (50 * factor,) * 3)
    for plane, part, (first, last) in zip(cut.planes, cut.window, ((5, 19), (30, 44), (22, 29))):
        assert first * factor <= plane <= (last + 1) * factor
        assert part.start <= first * factor and part.stop >= last * factor
        assert plane == pytest.approx((first + last) / 2 * factor, abs=factor + 2)


def test_a_flat_box_has_a_flat_window():
    cut = cut_through_molecule(box((5, 40, 50), (1, 4), (10, 30), (10, 40)))
    assert cut.window[0] == slice(0, 5) and cut.longest == 35
    assert cut.section(np.zeros((5, 40, 50)), 1).shape == (5, 35)


def test_without_a_molecule_the_middle_of_the_box_is_shown():
    confidence = np.zeros((9, 8, 7), "f4")
    assert cut_through_molecule(confidence) == middle_cut((9, 8, 7))
    assert middle_cut((9, 8, 7)).planes == (4, 4, 3)
    whole = cut_through_molecule(np.zeros((32, 32, 32), "f4"), masks=[ball(10, side=32)])
    assert whole.planes == (10, 16, 16)
