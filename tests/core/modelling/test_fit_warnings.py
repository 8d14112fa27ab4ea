# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings about what counts as 1."""

from types import SimpleNamespace

import numpy as np

from occupy_core.modelling.fit_warnings import above_one, small_whole_parts
from occupy_core.modelling.full_occupancy import Scale


def groups(**masses):
    return [SimpleNamespace(name=name, mass=mass) for name, mass in masses.items()]


def test_small_parts_that_set_1_are_named():
    parts = groups(A=40.0, B=40.0, C=6.0)
    (text,) = small_whole_parts(parts, Scale(1.0, (2,), (1.0,)))
    assert text.startswith("1 is set by C alone, 7 % of the model's mass. ") and "model_whole" in text
    assert small_whole_parts(parts, Scale(1.0, (0, 2), (1.0,))) == []


def test_parts_too_small_to_set_1_are_no_reason_to_doubt_it():
    fit = SimpleNamespace(occupancies=np.array([1.0, 1.42]), errors=np.full(2, 0.02))
    scale = Scale(1.0, (0,), (1.0,))
    assert above_one(groups(A=40.0, CLR=0.3), [fit], scale, [0.03], ["map"]) == []
    assert len(above_one(groups(A=40.0, B=30.0), [fit], scale, [0.03], ["map"])) == 1
