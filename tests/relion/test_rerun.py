# SPDX-License-Identifier: GPL-3.0-or-later
"""Repeat a job from its report with --settings, to the same bytes."""

import json
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from occupy_core import __version__
from occupy_core.errors import JobError, SettingsError
from occupy_core.job.background import record_in_background
from occupy_core.job.repeat import read_job_record
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.settings import Settings
from relion_external.options import OptionError, parse
from relion_external.supervisor import main

OPTIONS = "--attenuate 2.5 --sigmoid --pivot 0.4 --lowpass 11 --seed 9 --scale_limit 0.1".split()


def maps_in(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.suffix == ".mrc"}


@pytest.fixture
def project(tmp_path, phantom_file, three_parts, write_mrc, monkeypatch):
    """A project with a finished job on a map, with a solvent definition and target masks."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path(phantom_file).rename("map.mrc")
    for number, part in enumerate(three_parts.parts):
        Path(write_mrc(part.astype("f4"), f"part{number}.mrc")).rename(f"part{number}.mrc")
    solvent = np.any(three_parts.parts, axis=0).astype("f4")
    Path(write_mrc(solvent, "solvent.mrc")).rename("solvent.mrc")
    words = ["--in_3dref", "map.mrc", "--in_mask", "solvent.mrc", "--target_mask", "part0.mrc,part1.mrc", *OPTIONS]
    assert main(["--o", "External/job001/", *words]) == 0
    return folder


def test_repeated_job_writes_the_same_bytes_from_any_folder(project, tmp_path, monkeypatch, capfd):
    first = maps_in("External/job001")
    assert len(first) == 4
    assert main(["--o", "again/", "--settings", "External/job001/report.json"]) == 0
    assert maps_in("again") == first
    for name in ("report.json", "logfile.pdf"):
        same = Path("again", name).read_bytes() == Path("External/job001", name).read_bytes()
        assert same == (name == "logfile.pdf")  # the report contains the path to its own folder
    repeated, before = (json.loads(Path(folder, "report.json").read_text()) for folder in ("again", "External/job001"))
    assert repeated["job"].pop("folder_of_paths") == ".." and before["job"].pop("folder_of_paths") == "../.."
    assert repeated == before
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert main(["--o", "out/", "--settings", f"{project}/External/job001/report.json"]) == 0
    assert maps_in("out") == first
    moved = tmp_path / "moved"
    shutil.move(str(project), moved)
    assert main(["--o", "out2/", "--settings", "../moved/External/job001/report.json"]) == 0
    assert maps_in("out2") == first
    assert "WARNING" not in capfd.readouterr().out


def test_checksums_are_cancelled_at_the_end_of_the_job(tmp_path):
    endless = tmp_path / "endless.mrc"
    with endless.open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk, and minutes to read
    job = Job((MapInput(str(endless), ""),), str(tmp_path), Settings(), 1)
    before = threading.active_count()
    with record_in_background(job) as record:
        assert threading.active_count() == before + 1
    assert record()["sha256"] == {str(endless): None} and threading.active_count() == before


@pytest.mark.slow
def test_each_recorded_setting_changes_the_maps(project):
    """The maps would be equal if the setting were not read from the report."""
    for name in ("attenuate", "sigmoid", "lowpass", "seed", "scale_limit"):
        default = {"attenuate": "3", "sigmoid": "3", "lowpass": "14", "seed": "0", "scale_limit": "0.3"}[name]
        assert main(["--o", "other/", "--settings", "External/job001/report.json", f"--{name}", default]) == 0
        assert maps_in("other") != maps_in("External/job001"), name


def test_options_replace_values_of_the_report(project):
    options = parse(["--o", "x/", "--settings", "External/job001/report.json", "--sigmoid", "no", "--pivot", "0.5"])
    settings = options.settings
    assert (settings.attenuate, settings.sigmoid, settings.pivot, settings.seed) == (2.5, None, 0.5, 9)
    assert settings.solvent_def == "solvent.mrc" and settings.target_mask == ("part0.mrc", "part1.mrc")
    assert options.earlier_job.maps[0].path == "map.mrc"
    shutil.copy("map.mrc", "second.mrc")
    assert main(["--o", "x/", "--settings", "External/job001/report.json", "--in_3dref", "second.mrc"]) == 0
    assert json.loads(Path("x/report.json").read_text())["maps"][0]["input"] == "second.mrc"
    with pytest.raises(OptionError, match="--classes beside --settings"):
        parse(["--o", "x/", "--settings", "External/job001/report.json", "--classes", "1"])
    with pytest.raises(OptionError, match="no output folder"):
        parse(["--settings", "External/job001/report.json"])


def test_missing_and_changed_files_are_reported(project, three_parts, capfd):
    report = "External/job001/report.json"
    shutil.copy("solvent.mrc", "kept.mrc")
    Path("solvent.mrc").write_bytes(Path("part2.mrc").read_bytes())
    (note,) = read_job_record(report).warnings
    assert note.startswith("solvent.mrc: has changed since External/job001/report.json was written")
    shutil.copy("kept.mrc", "solvent.mrc")
    os.rename("map.mrc", "other.mrc")
    assert main(["--o", "x/", "--settings", report]) == 1
    message = capfd.readouterr().err
    assert message.count("\n") == 1
    assert (
        "map.mrc: no such file, but External/job001/report.json names it as a map" in message
        and "--in_3dref" in message
    )
    assert not Path("x/scale.mrc").exists()
    os.remove("part1.mrc")
    assert main(["--o", "x/", "--settings", report, "--in_3dref", "other.mrc"]) == 1
    assert "part1.mrc: no such file" in capfd.readouterr().err


def test_reports_of_other_versions_and_wrong_files_are_reported(project, tmp_path):
    path = Path("External/job001/report.json")
    report = json.loads(path.read_text())

    def changed(**values):
        (tmp_path / "report.json").write_text(json.dumps({**report, **values}))
        return str(tmp_path / "report.json")

    notes = read_job_record(changed(version="0.0.9", versions={**report["versions"], "numpy": "1.0"})).warnings
    assert f"was written by version 0.0.9, this is {__version__}: the outcome may differ" in notes[0]
    assert "numpy 1.0, but " in notes[1]
    with pytest.raises(SettingsError, match="(?s)wonder.*version 0.0.9, this is"):
        read_job_record(changed(version="0.0.9", settings={**report["settings"], "wonder": 3}))
    with pytest.raises(JobError, match="is not a report from which a job can be repeated"):
        read_job_record(changed(job=None))
    (recorded_map,) = report["job"]["maps"]
    for change in (
        {"maps": [{**recorded_map, "prefix": "../../out_"}]},
        {"maps": [{**recorded_map, "prefix": None}]},
        {"maps": [{**recorded_map, "path": 3}]},
        {"maps": [{**recorded_map, "voxel_size": 0}]},
        {"maps": [{**recorded_map, "voxel_size": "wide"}]},
        {"maps": [{**recorded_map, "class_info": {"number": "x", "share": 0.5, "particles": 1}}]},
        {"maps": [recorded_map, recorded_map]},
        {"compare": "false"},
    ):
        with pytest.raises(JobError, match="is not a report from which a job can be repeated"):
            read_job_record(changed(job={**report["job"], **change}))
    (tmp_path / "report.json").write_text("[" * 100_000)
    with pytest.raises(JobError, match="cannot be read as a report.json"):
        read_job_record(str(tmp_path / "report.json"))
    (tmp_path / "report.json").write_bytes(b"\xc0\x80")
    with pytest.raises(JobError, match=r"cannot be read as a report.json \(it is no text in UTF-8\), expected"):
        read_job_record(str(tmp_path / "report.json"))
    with pytest.raises(JobError, match="is not a report of this program"):
        read_job_record(changed(program="another"))
    with pytest.raises(JobError, match=r"gone.json: no such file, expected the report.json of a job"):
        read_job_record("gone.json")
    with pytest.raises(JobError, match=r"map.mrc: cannot be read"):
        read_job_record("map.mrc")


def test_repeated_job_on_classes_writes_the_same_regions(shared_data, tmp_path, monkeypatch):
    shutil.copytree(shared_data / "relion_projects" / "3.1.3", tmp_path / "project")
    for path in [tmp_path / "project", *(tmp_path / "project").rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    monkeypatch.chdir(tmp_path / "project")
    assert main(["--o", "External/job004/", "--in_parts", "Class3D/job003/run_it010_data.star", "--amplify"]) == 0
    assert main(["--o", "External/job005/", "--settings", "External/job004/report.json"]) == 0
    first = maps_in("External/job004")
    assert "class002_amplified.mrc" in first and "region001_mask.mrc" in first
    assert maps_in("External/job005") == first
    tables = [
        Path(f"External/{job}/occupancy_regions.star").read_text().replace(job, "") for job in ("job004", "job005")
    ]
    assert tables[0].splitlines()[2:] == tables[1].splitlines()[2:]
