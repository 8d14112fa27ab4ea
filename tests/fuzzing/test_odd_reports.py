# SPDX-License-Identifier: GPL-3.0-or-later
"""A report.json with values that no job writes is read right or refused in one line, and removes no other files."""

import json

import pytest

from occupy_core.errors import OccupyError
from occupy_core.job.repeat import read_job_record
from occupy_core.job.staging import _names_of_last_job
from occupy_core.settings.output_names import is_output_name
from relion_external.inputs import find_inputs
from relion_external.job import run
from relion_external.options import parse
from tests.fuzzing.odd_reports import odd_reports, write_report

COUNT = 600


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return json.loads(write_report(tmp_path_factory.mktemp("reports")).read_text())


def test_a_job_that_is_to_be_repeated_is_understood_or_refused(report, tmp_path):
    path = tmp_path / "report.json"
    understood = 0
    parts = ("program", "version", "versions", "job", "settings")
    for name, changed in odd_reports(report, seed=1, count=COUNT, within=parts):
        path.write_text(json.dumps(changed))
        try:
            find_inputs(parse(["--o", str(tmp_path), "--settings", str(path)]))
            understood += 1
        except OccupyError as error:
            assert str(error).isprintable(), name
    assert 0 < understood < COUNT / 2


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("settings.target_mask", "part.mrc"),
        ("settings.target_mask", ""),
        ("settings.solvent_def", ["part.mrc"]),
        ("job.maps", []),
        ("job.maps", ""),
        ("job.maps.0.path", ""),
        ("job.maps.0.class_info", {}),
        ("job.maps.0.class_info", 0),
        ("job.maps.0.class_info.number", None),
        ("job.maps.0.class_info.number", 1.5),
        ("job.maps.0.class_info.number", True),
        ("job.maps.0.class_info.share", 1.5),
        ("job.maps.0.class_info.share", True),
        ("job.maps.0.class_info.particles", 1.5),
        ("job.maps.0.invert", "x"),
        ("job.maps.0.voxel_size", True),
        ("job.sha256", {"map1.mrc": 5}),
    ],
)
def test_a_value_of_the_wrong_type_is_not_believed(report, tmp_path, part, value, capfd):
    changed = json.loads(json.dumps(report))
    *places, last = part.split(".")
    holder = changed
    for place in places:
        holder = holder[int(place) if place.isdigit() else place]
    holder[last] = value
    path = tmp_path / "report.json"
    path.write_text(json.dumps(changed))
    refused = r"is not a report from which a job can be repeated|expected .*\(in .*report.json"
    with pytest.raises(OccupyError, match=refused):
        read_job_record(str(path))
    assert run(["--o", f"{tmp_path}/out/", "--settings", str(path)]) == 1
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_a_report_in_the_output_folder_names_outputs_or_is_refused(report, tmp_path):
    known = 0
    for name, changed in odd_reports(report, seed=2, count=COUNT):
        (tmp_path / "report.json").write_text(json.dumps(changed))
        try:
            assert all(map(is_output_name, _names_of_last_job(tmp_path))), name
            known += 1
        except OccupyError as error:
            assert str(error).isprintable(), name
    assert 0 < known < COUNT
