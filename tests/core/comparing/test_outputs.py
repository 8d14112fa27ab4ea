# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and report of a comparison."""

import json

import numpy as np
import pytest

from occupy_core.comparing.compare_maps import ClassComparison
from occupy_core.comparing.comparison import Comparison, Region
from occupy_core.comparing.occupancies import Interval
from occupy_core.comparing.outputs import occupancy_of_all_particles, write_comparison
from occupy_core.comparing.poses import Pose
from occupy_core.maps.reading import read_map
from occupy_core.settings.job_spec import ClassInfo, MapInput
from tests.core.comparing.reports import DOUBT
from tests.core.reporting.balls import ball

LOW, HIGH = Interval(0.1, 0.2, 0.3), Interval(0.7, 0.8, 0.9)
DIFFERENCE = Interval(0.5, 0.6, 0.7)
MAPS = [
    MapInput(f"{number}.mrc", class_info=ClassInfo(number, share, resolution=9.0, ssnr=(3.0, 1.0)))
    for number, share in ((1, 0.25), (2, 0.75))
]


def region(position, occupancies, **values):
    mask = ball(position) > 0.5
    return Region(mask, float(mask.sum()) * 27, (position * 3.0,) * 3, occupancies, DIFFERENCE, 9.0, **values)


@pytest.fixture
def written(write_mrc, tmp_path_factory):
    """The folder and the report of a comparison with a part that moved and an unsure region."""
    folder = tmp_path_factory.mktemp("comparison")
    grid = read_map(write_mrc(ball(8).astype("f4"), "grid.mrc", 3.0)).grid
    regions = (
        region(8, (LOW, HIGH), moved_with=1),
        region(24, (HIGH, LOW), moved_with=0),
        region(16, (LOW, HIGH), doubt=DOUBT, is_flexible=True),
    )
    poses = (Pose(), Pose(shift=3.5, rotation=2.5, displacement=4.0))
    result = Comparison(regions, np.zeros((32, 32, 32), dtype="f4"), (1.0, 0.9), poses, 1, ())
    comparison = ClassComparison(result, (0, 1), (), grid, 1.0, 9.0, ("a warning",), focused=True)
    return folder, write_comparison(comparison, MAPS, folder)


def test_only_sure_regions_have_a_mask(written):
    folder, report = written
    names = ["occupancy_spread.mrc", "region001_mask.mrc", "region002_mask.mrc"]
    assert report["outputs"] == names == sorted(path.name for path in folder.iterdir())
    assert [item["mask"] for item in report["regions"]] == [*names[1:], None]
    assert [item["sure"] for item in report["regions"]] == [True, True, False]
    assert [item["doubt"] for item in report["regions"]] == [None, None, DOUBT]


def test_report_has_intervals_and_the_changes(written):
    _, report = written
    first, second, third = report["regions"]
    assert [item["number"] for item in report["regions"]] == [1, 2, 3]
    assert (first["moved_with"], second["moved_with"], third["moved_with"]) == (2, 1, None)
    assert (first["flexible"], third["flexible"], first["sigmas"]) == (False, True, 9.0)
    assert [first[f"difference{end}"] for end in ("_low", "", "_high")] == list(DIFFERENCE)
    assert first["occupancies"][0] == {"name": "class 1", "low": 0.1, "occupancy": 0.2, "high": 0.3, "median": 0.2}
    of_all = [first[f"occupancy_of_all_particles{end}"] for end in ("_low", "", "_high")]
    assert of_all[1] == pytest.approx(0.25 * 0.2 + 0.75 * 0.8) and of_all == sorted(of_all)
    assert "quartile" not in json.dumps(report)


def test_report_has_what_one_means_and_the_poses_but_not_the_signal_to_noise_ratios(written):
    _, report = written
    assert report["focused"] is True
    assert report["one_means"].startswith(
        "1 is the density of class 2 within the mask of the classification: all occupancies"
    )
    assert [(item["rotation_degrees"], item["shift_angstrom"]) for item in report["maps"]] == [(0, 0), (2.5, 3.5)]
    assert [item["in_another_pose"] for item in report["maps"]] == [False, True]  # at a displacement of 4 Å
    assert all(item["resolution"] == 9.0 and "ssnr" not in item for item in report["maps"])


def test_occupancy_of_all_particles_needs_all_classes():
    found = region(8, (LOW, HIGH))
    few = [MAPS[0], MapInput("2.mrc", class_info=ClassInfo(2, 0.5))]
    assert occupancy_of_all_particles(found, few) is None
    assert occupancy_of_all_particles(found, [MAPS[0], MapInput("2.mrc")]) is None
