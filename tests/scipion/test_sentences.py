# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of the log become sentences of Scipion's summary."""

import pytest

from occupy_scipion.sentences import sentence


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("region 1: 20 Å^3", "Region 1: 20 Å^3."),
        ("to look: open it.", "To look: open it."),
        ("occupancy_volumes.csv has all", "occupancy_volumes.csv has all."),
        ("map_1.mrc: no particles", "map_1.mrc: no particles."),
        ("1 is the density of A", "1 is the density of A."),
    ],
)
def test_names_of_files_keep_their_letters(line, expected):
    assert sentence(line) == expected
