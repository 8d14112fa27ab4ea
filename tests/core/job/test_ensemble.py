# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs on more than ten maps, which are compared as an ensemble."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from occupy_core.errors import JobError
from occupy_core.job.run import run_job
from occupy_core.settings.job_spec import ClassInfo, Job
from occupy_core.settings.settings import Settings
from tests.core.ensembles.made_volumes import bodies, made_volumes, present_or_absent, write_volumes

COUNT = 14
TRUTH = present_or_absent(COUNT, 3)
PART_MASKS = [f"part{number:03d}_mask.mrc" for number in (1, 2, 3)]
FACTORS = np.random.default_rng(5).uniform(0.6, 1.6, COUNT)


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    return write_volumes(tmp_path_factory.mktemp("maps"), made_volumes(TRUTH, factors=FACTORS))


@pytest.fixture(scope="module")
def done(maps, tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    lines = []
    outputs = run_job(Job(tuple(maps), str(folder), Settings(), compare=True), progress=lines.append)
    return folder, outputs, lines


def report_of(folder):
    return json.loads(Path(folder, "report.json").read_text())


def test_table_has_a_row_for_each_volume(done, maps):
    with open(done[0] / "occupancy_volumes.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [item.path for item in maps]
    assert [int(row["volume"]) for row in rows] == list(range(1, COUNT + 1))
    parts = [np.array([float(row[f"part{number:03d}"]) for row in rows]) for number in (1, 2, 3)]
    for column in TRUTH.T:
        assert max(np.corrcoef(part, column)[0, 1] for part in parts) > 0.98
    for row in rows:
        assert float(row["part001_low"]) <= float(row["part001"]) <= float(row["part001_high"])
    clusters = {row["cluster"]: tuple(truth) for row, truth in zip(rows, TRUTH)}
    assert all(clusters[row["cluster"]] == tuple(truth) for row, truth in zip(rows, TRUTH))


def test_masks_and_mean_maps_are_written(done):
    folder, outputs, _ = done
    names = outputs.ensemble["outputs"]
    assert names[:4] == ["occupancy_volumes.csv", "part001_mask.mrc", "part002_mask.mrc", "part003_mask.mrc"]
    assert names[4] == "cluster001_mean.mrc"
    covered = []
    for number in (1, 2, 3):
        with mrcfile.open(folder / f"part{number:03d}_mask.mrc") as file:
            covered.append([float(file.data[body].mean()) for body in bodies()[1]])
    assert np.array(covered)[:, 1:].max(axis=0).min() > 0.85
    assert np.array(covered)[:, 0].max() < 0.1
    cluster = report_of(folder)["ensemble"]["volumes"][0]["cluster"]
    with mrcfile.open(folder / f"cluster{cluster:03d}_mean.mrc") as file:
        body, core = (file.data[mask].mean() for mask in (bodies()[1][1], bodies()[1][0]))
    assert TRUTH[0].max() == 0
    assert body < 0.15 * core


def test_report_and_lines_tell_what_was_found(done):
    folder, outputs, lines = done
    report = report_of(folder)
    assert (
        report["result"]
        == f"in {COUNT} volumes 3 parts come and go, in {len(outputs.ensemble['clusters'])} compositions"
    )
    assert report["maps"] == []
    assert report["comparison"] is None
    assert any("one grey scale for all volumes" in line for line in lines)
    assert any("motions of less than about 3.4 Å" in line and "low-pass of 9 Å" in line for line in lines)
    assert any(line.startswith("  part 1: ") for line in lines)
    assert any("occupancy_volumes.csv" in text for text in report["next_steps"])
    assert (folder / "logfile.pdf").read_bytes()[:4] == b"%PDF"
    commands = (folder / "occupy.cxc").read_text()
    assert "cluster001_mean.mrc" in commands
    assert "part003_mask.mrc" in commands


def test_settings_of_single_maps_are_without_effect(maps, tmp_path):
    settings = Settings(amplify=3.0, reference="2", figures=False)
    outputs = run_job(Job(tuple(maps), str(tmp_path), settings, compare=True))
    assert any("without effect on 14 maps" in text and "Amplify" in text for text in outputs.warnings)
    assert not list(tmp_path.glob("*amplified*"))
    assert report_of(tmp_path)["settings"]["amplify"] is None


def test_more_than_ten_classes_have_their_scale_maps_too(maps, tmp_path):
    classes = tuple(
        replace(item, prefix=f"class{number:03d}_", class_info=ClassInfo(number, 1 / COUNT, 500))
        for number, item in enumerate(maps, start=1)
    )
    outputs = run_job(Job(classes, str(tmp_path), Settings(figures=False), compare=True))
    assert len(outputs.maps) == COUNT
    assert (tmp_path / "class014_scale.mrc").exists()
    assert len(outputs.ensemble["parts"]) == 3
    assert outputs.comparison is None


def test_ten_maps_are_compared_pair_by_pair(maps, tmp_path):
    job = Job(tuple(maps[:10]), str(tmp_path), Settings(figures=False), compare=True)
    assert not job.is_ensemble
    assert Job(tuple(maps[:11]), "", Settings(), compare=True).is_ensemble


def test_another_grid_is_refused_before_the_work(maps, tmp_path):
    small = write_volumes(tmp_path, [made_volumes(TRUTH[:1])[0][:60, :60, :60]], names="small.mrc")
    lines = []
    with pytest.raises(JobError, match="small.mrc: has .*maps must lie on one grid"):
        run_job(Job((*maps, *small), str(tmp_path / "out"), Settings(), compare=True), progress=lines.append)
    assert not any("Comparing" in line for line in lines)


def test_the_one_map_on_another_grid_is_named_and_no_other(maps, tmp_path):
    (odd,) = write_volumes(tmp_path, [made_volumes(TRUTH[:1])[0][:60, :60, :60]], names="a_odd.mrc")
    with pytest.raises(JobError) as caught:
        run_job(Job((odd, *maps), str(tmp_path / "out"), Settings(), compare=True))
    said = str(caught.value)
    assert said.startswith(f"{odd.path}: has box 60 x 60 x 60 instead of ")
    assert f"unlike {COUNT} other maps, such as {maps[0].path}; maps must lie on one grid" in said
    assert said.endswith(": leave it out") and said.count(".mrc") == 2


def test_next_job_in_the_folder_removes_the_files_of_the_ensemble(maps, tmp_path):
    settings = Settings(figures=False)
    run_job(Job(tuple(maps), str(tmp_path), settings, compare=True))
    run_job(Job((replace(maps[0], prefix="", class_info=None),), str(tmp_path), settings))
    assert not list(tmp_path.glob("part*"))
    assert not list(tmp_path.glob("cluster*"))
    assert not (tmp_path / "occupancy_volumes.csv").exists()


def test_small_classes_are_left_out(maps, tmp_path):
    classes = tuple(
        replace(item, prefix=f"class{number:03d}_", class_info=ClassInfo(number, 1 / COUNT, 20 if number == 3 else 500))
        for number, item in enumerate(maps, start=1)
    )
    mask = str(maps[0].path)
    outputs = run_job(Job(classes, str(tmp_path), Settings(figures=False), compare=True, focus_mask=mask))
    assert [item["number"] for item in outputs.ensemble["volumes"]] == [1, 2, *range(4, COUNT + 1)]
    assert any("class 3 is left out of the comparison: it has 20 particles" in text for text in outputs.warnings)
    assert any("mask of the classification" in text and "is not used" in text for text in outputs.warnings)
    lines = (tmp_path / "occupy.cxc").read_text().splitlines()
    opened = [line.split('"')[1] for line in lines if line.startswith("open ")]
    assert opened[-4:] == [f"cluster{len(outputs.ensemble['clusters']):03d}_mean.mrc", *PART_MASKS]
    first = len(opened) - len(outputs.ensemble["clusters"]) - 2
    assert f"hide #{first} models" in lines  # means of clusters, behind the maps of the classes


def test_copies_of_a_volume_give_one_warning(maps, tmp_path):
    copies = tuple(replace(item, path=maps[0].path) for item in maps)
    outputs = run_job(Job(copies, str(tmp_path), Settings(figures=False), compare=True))
    (text,) = [text for text in outputs.warnings if "copies of one map" in text]
    assert text.endswith(f"so are {COUNT - 2} more")


def test_volumes_have_no_particles_to_divide(maps, tmp_path):
    outputs = run_job(Job(maps, str(tmp_path), Settings(figures=False, particles=True), compare=True))
    assert any("without effect" in text and "Particles of regions" in text for text in outputs.warnings)
    assert not any(part.get("particles") for part in outputs.ensemble["parts"])
