# SPDX-License-Identifier: GPL-3.0-or-later
"""The signed difference of two classes, in standard deviations of its noise."""

import json
from dataclasses import replace
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from demo.simulate import phantom
from occupy_core.comparing.class_cache import ClassCache
from occupy_core.comparing.difference import signed_difference
from occupy_core.comparing.each_map import estimate_settings
from occupy_core.errors import SettingsError
from occupy_core.job.run import run_job
from occupy_core.settings.job_spec import ClassInfo, Job, MapInput
from occupy_core.settings.output_names import is_output_name
from occupy_core.settings.settings import Settings

SHARES = (0.5, 0.3, 0.2)


@pytest.fixture
def job(write_mrc, tmp_path):
    """A function that makes a job on class maps; the keywords are its settings."""

    def make(volumes, *, particles=(500, 300, 200), **settings):
        maps = tuple(
            MapInput(write_mrc(volume, f"c{n}.mrc"), f"class{n:03d}_", None, ClassInfo(n, share, count))
            for n, (volume, share, count) in enumerate(zip(volumes, SHARES, particles), start=1)
        )
        return Job(maps, str(tmp_path / "out"), Settings(figures=False, **settings), threads=2, compare=True)

    return make


def simulated(occupancies, seed=0, noise=0.1):
    return phantom(occupancies=occupancies, noise=noise, noise_seed=seed)


def difference_of(job, first, second, **more):
    """Return the difference of two classes of a job, by index, and its values on the coarse grid of these maps."""
    settings = replace(estimate_settings(job.settings), mode="occupancy", normalisation="calibrated", lowpass=9.0)
    entries, _ = ClassCache().get(job.maps, settings, 2)
    data = [entries[index].data for index in (first, second)]
    found = signed_difference((data[0], data[1]), ("A", "B"), entries[0].data, threads=2, **more)
    return found, found.values.load()


@pytest.mark.slow
def test_each_part_has_the_sign_of_the_class_that_has_more(job):
    made = [simulated((1.0, 0.2, 0.9), 1), simulated((1.0, 0.9, 0.2), 2)]
    assert run_job(job([item.volume for item in made], difference="1,2")).comparison["difference"]
    folder = Path(job([item.volume for item in made]).output_dir)
    values, report = mrcfile.read(folder / "difference001_002.mrc"), json.loads((folder / "report.json").read_text())
    whole, second, third = made[0].parts
    assert np.median(values[second]) < -8 and np.median(values[third]) > 8
    assert abs(np.median(values[whole])) < 0.5 and 0.5 < values[whole].std() < 1.5
    found = report["comparison"]["difference"]
    assert found["classes"] == ["class 1", "class 2"] and found["map"] == "difference001_002.mrc"
    assert (found["lowest"], found["highest"]) == (pytest.approx(values.min()), pytest.approx(values.max()))
    volume = 27 * sum((values > 4).ravel())
    assert found["volumes_cubic_angstrom"][0] == pytest.approx(volume, rel=0.1)
    assert abs(values[0]).max() == 0  # far from the molecule


@pytest.mark.slow
def test_order_of_the_classes_only_changes_the_sign(job):
    made = job([simulated((1.0, 0.2, 0.9), 1).volume, simulated((1.0, 0.9, 0.2), 2).volume])
    (one, forward), (other, backward) = difference_of(made, 0, 1), difference_of(made, 1, 0)
    assert np.corrcoef(forward.ravel(), -backward.ravel())[0, 1] > 0.999
    assert forward.max() == pytest.approx(-backward.min(), rel=0.03)
    assert one.volumes == pytest.approx(other.volumes[::-1], rel=0.1)


@pytest.mark.slow
def test_classes_that_do_not_differ_stay_below_four_sigma(job):
    for seed in range(10, 16):
        made = job([simulated((1.0, 0.6, 0.6), 2 * seed).volume, simulated((1.0, 0.6, 0.6), 2 * seed + 1).volume])
        found, values = difference_of(made, 0, 1)
        assert max(found.volumes) <= 1000 and abs(values).max() < 5.5
        assert 0.6 < values[values != 0].std() < 1.3


@pytest.mark.slow
def test_grey_scale_and_resolution_are_matched(job):
    """A class of another grey scale and of less detail differs nowhere; without the matching it differs all over.

    What differs all over the molecule counts as noise, so the matching shows in the standard deviation.
    """
    one, other = simulated((1.0, 0.6, 0.6), 3, noise=0.02), simulated((1.0, 0.6, 0.6), 4, noise=0.02)
    found, values = difference_of(job([one.volume, 3 * other.volume]), 0, 1)
    assert max(found.volumes) == 0 and found.warnings == ()
    blurred = job([one.volume, gaussian_filter(other.volume, 1.5)])
    found, values = difference_of(blurred, 0, 1)
    raw, unmatched = difference_of(blurred, 0, 1, focused=True)
    assert found.sigma < 0.25 * raw.sigma
    assert np.percentile(abs(values), 99.9) * found.sigma < 0.5 * np.percentile(abs(unmatched), 99.9) * raw.sigma


def test_a_class_in_another_pose_is_brought_into_that_of_the_reference(job):
    made = simulated((1.0, 0.6, 0.6), 5, noise=0.02)
    moved = np.roll(simulated((1.0, 0.6, 0.6), 6, noise=0.02).volume, 1, axis=2)
    found, _ = difference_of(job([made.volume, moved]), 0, 1)
    still, _ = difference_of(job([made.volume, moved]), 0, 1, focused=True)
    assert found.sigma < 0.5 * still.sigma and max(found.volumes) == 0


def test_focused_classes_are_not_matched_and_a_warning_says_so(job):
    made = job([simulated((1.0, 0.2, 0.9), 1).volume, simulated((1.0, 0.9, 0.2), 2).volume])
    found, _ = difference_of(made, 0, 1, focused=True)
    assert "they were not matched" in found.warnings[0]


@pytest.mark.slow
def test_a_class_that_is_left_out_has_no_difference_and_the_next_job_removes_the_map(job):
    volumes = [simulated((1.0, 0.2, 0.9), 1).volume, simulated((1.0, 0.9, 0.2), 2).volume]
    volumes.append(simulated((1.0, 0.9, 0.2), 3).volume)
    made = job(volumes, difference="3,1")
    run_job(made)
    map_file = Path(made.output_dir, "difference003_001.mrc")
    assert map_file.exists() and is_output_name(map_file.name)
    outputs = run_job(job(volumes, particles=(500, 300, 20), difference="3,1"))
    assert not map_file.exists() and outputs.comparison["difference"] is None
    assert "no difference of classes is written, since class 3 could not be compared" in outputs.warnings


@pytest.mark.parametrize("text", ["1", "1,1", "1,2,3", "a,b", "0,1", "1;2"])
def test_the_setting_takes_two_different_numbers(text):
    with pytest.raises(SettingsError, match="expected two different class numbers, such as 1,2"):
        Settings(difference=text)
    assert Settings(difference="12,3").difference == "12,3"


def test_numbers_that_no_class_has_and_a_single_map_end_the_job_before_the_work(job):
    made = job([simulated((1.0, 0.2, 0.9), 1).volume, simulated((1.0, 0.9, 0.2), 2).volume], difference="1,7")
    lines = []
    with pytest.raises(SettingsError, match="got 1,7, expected two of the maps' numbers: 1, 2"):
        run_job(made, progress=lines.append)
    with pytest.raises(SettingsError, match="found one map, .*c1.mrc, expected classes to compare"):
        run_job(replace(made, maps=made.maps[:1]), progress=lines.append)
    assert not lines
