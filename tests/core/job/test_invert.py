# SPDX-License-Identifier: GPL-3.0-or-later
"""The setting `invert`: a job on a map of inverted contrast gives what the job on the map itself gives."""

import json
import re
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from demo.classification import classes
from occupy_core import MapError, Settings, process_map, read_map
from occupy_core.job.repeat import read_job_record
from occupy_core.job.run import run_job
from occupy_core.maps.density_map import map_from_array
from occupy_core.settings.job_spec import ClassInfo, Job, MapInput


def outputs_of(folder):
    return {path.name: mrcfile.read(path) for path in sorted(Path(folder).glob("*.mrc"))}


@pytest.mark.parametrize("normalisation", ["tiled", "calibrated"])
def test_outputs_are_those_of_the_map_itself(three_parts, write_mrc, tmp_path, normalisation):
    plain = write_mrc(three_parts.volume, "plain.mrc", 3.0)
    negative = write_mrc(-three_parts.volume, "negative.mrc", 3.0)
    values = {"normalisation": normalisation, "attenuate": 3.0, "amplify": 2.0}
    run_job(Job((MapInput(plain),), str(tmp_path / "plain"), Settings(**values)))
    run_job(Job((MapInput(negative),), str(tmp_path / "negative"), Settings(**values, invert=True)))
    expected, found = outputs_of(tmp_path / "plain"), outputs_of(tmp_path / "negative")
    assert list(expected) == list(found) == ["amplified.mrc", "attenuated.mrc", "confidence.mrc", "scale.mrc"]
    for name, volume in expected.items():
        np.testing.assert_array_equal(found[name], volume)
    (item,) = json.loads((tmp_path / "negative" / "report.json").read_text())["maps"]
    assert not any("inverted" in text for text in item["warnings"])
    # In ChimeraX, the file of the input has a surface at the negative level.
    text = (tmp_path / "negative" / "occupy.cxc").read_text()
    level = re.search(r"^volume #1 .* level (\S+)$", text, flags=re.M)[1]
    assert float(level) == pytest.approx(-item["surface_level"], rel=1e-5)
    assert f"volume #1 level {level}\n" in text and f"volume #4,5 level {level[1:]}\n" in text


def test_without_it_the_job_says_what_to_change(three_parts, write_mrc, tmp_path):
    path = write_mrc(-three_parts.volume, "negative.mrc", 3.0)
    with pytest.raises(MapError, match="inverted") as caught:
        run_job(Job((MapInput(path),), str(tmp_path / "out"), Settings(normalisation="calibrated")))
    warned = process_map(read_map(path), Settings()).warnings
    assert any("change the setting invert" in text for text in warned) or "invert" in str(caught.value)


def test_regions_are_those_of_the_classes_themselves(write_mrc, tmp_path):
    reports = []
    for sign in (1, -1):
        maps = tuple(
            MapInput(write_mrc(sign * made.volume, f"{sign}_{number}.mrc", 3.0), f"class00{number}_", None, info)
            for number, made in enumerate(classes()[:2], start=1)
            for info in [ClassInfo(number, 0.5)]
        )
        folder = tmp_path / f"of_{sign}"
        run_job(Job(maps, str(folder), Settings(invert=sign < 0, figures=False), compare=True))
        reports.append(json.loads((folder / "report.json").read_text())["comparison"])
    plain, inverted = reports
    assert plain["regions"] and plain["regions"] == inverted["regions"]


def test_report_repeats_it_and_the_setting_wins(three_parts, write_mrc, tmp_path):
    path = write_mrc(-three_parts.volume, "negative.mrc", 3.0)
    run_job(Job((MapInput(path),), str(tmp_path / "out"), Settings(invert=True, figures=False)))
    recorded = read_job_record(str(tmp_path / "out" / "report.json"))
    assert recorded.settings.invert
    again = Job(recorded.maps, str(tmp_path / "again"), Settings(invert=False))
    assert not again.maps[0].invert


def test_an_array_is_inverted_once_and_stays_as_it_is(three_parts):
    volume = -three_parts.volume
    source = map_from_array(volume, voxel_size=3.0)
    found = process_map(source, Settings(invert=True))
    expected = process_map(map_from_array(three_parts.volume, voxel_size=3.0), Settings())
    np.testing.assert_array_equal(found.scale, expected.scale)
    np.testing.assert_array_equal(volume, -three_parts.volume)


def test_released_values_are_read_inverted_again(three_parts, write_mrc):
    source = read_map(write_mrc(three_parts.volume, "plain.mrc", 3.0), invert=True, releasable=True)
    first = source.data.copy()
    np.testing.assert_array_equal(first, -three_parts.volume)
    assert source.limits == (first.min(), first.max())
    source.release()
    np.testing.assert_array_equal(source.data, first)
