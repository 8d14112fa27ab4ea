# SPDX-License-Identifier: GPL-3.0-or-later
"""Which regions are sure, and what is said of the others."""

import numpy as np
import pytest
from scipy import special

from occupy_core.comparing.limits import FALSE_ALARM, NOISE_MARGIN
from occupy_core.comparing.verdict import doubt, sure_sigmas

NAMES = ("class 1", "class 2", "class 3")


@pytest.mark.parametrize("places, pairs", [(1, 1), (80, 3), (80, 45)])
def test_noise_makes_a_sure_region_anywhere_in_one_of_a_thousand_comparisons(places, pairs):
    sigmas = sure_sigmas(places, pairs) / NOISE_MARGIN
    assert 2 * special.ndtr(-sigmas) * places * pairs == pytest.approx(FALSE_ALARM)


@pytest.mark.parametrize("places, pairs, sigmas", [(1, 1, 4.61), (100, 3, 6.51), (1000, 10, 7.46)])
def test_limits_that_the_published_measurements_were_made_with(places, pairs, sigmas):
    assert sure_sigmas(places, pairs) == pytest.approx(sigmas, abs=0.005)


def test_smaller_regions_and_more_classes_need_more():
    values = [sure_sigmas(*item) for item in ((5, 1), (80, 1), (80, 10))]
    assert np.all(np.diff(values) > 0.3)


def test_reason_names_the_classes_and_what_makes_the_region_unsure():
    assert doubt(7.0, 6.0, 1.0, (2, 0), NAMES) == ""
    faint = doubt(4.5, 6.0, 1.2, (2, 0), NAMES)
    assert "class 1 and class 3" in faint and "4.5" in faint and "6.0" in faint and "small or faint" in faint
    poor = doubt(4.5, 6.0, 3.4, (1, 0), NAMES)
    assert "class 1 and class 2 differ all over the molecule by more than the noise in solvent" in poor
    assert "badly aligned" in poor and "tight mask" in poor and "4.5 times" in poor and "6.0 is sure" in poor
    assert "all over the molecule" not in doubt(4.5, 6.0, 1.9, (1, 0), NAMES)
