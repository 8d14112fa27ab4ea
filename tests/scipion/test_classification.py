# SPDX-License-Identifier: GPL-3.0-or-later
"""What RELION's STAR files say about the classes of a Scipion project: numbers of each class, and the mask."""

import gzip
import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from demo.particles import VOXEL_SIZE
from occupy_core.settings.job_spec import read_job
from occupy_scipion.classification import focus_mask_of, with_class_numbers
from occupy_scipion.report import read_report
from occupy_scipion.sources import source_of_file, sources_of
from occupy_scipion.star_files import optimiser_star_of
from relion_files.class_numbers import model_star_of_map, read_class_numbers
from relion_files.model_star import solvent_mask_name
from tests.conftest import skip_or_fail
from tests.scipion import relion
from tests.scipion.conftest import write_map
from tests.star_text import write_iteration

MASK = "Mask/mask.mrc"


@pytest.fixture
def iteration(tmp_path, monkeypatch):
    """Write an iteration with two small classes in a mask; return its stem."""
    monkeypatch.chdir(tmp_path)
    return written(tmp_path)


def written(folder):
    """Write a RELION project into the current folder; return the stem of its iteration."""
    write_iteration("Class3D/run_it001", np.random.default_rng(1), mask=MASK)
    Path("Mask").mkdir()
    shutil.copy("Class3D/run_it001_class001.mrc", MASK)
    return f"{folder}/Class3D/run_it001"


def change(path, old, new):
    text = Path(path).read_text()
    assert old in text
    Path(path).write_text(text.replace(old, new))


# --------------------------- the STAR files ---------------------------


def test_numbers_are_those_of_the_model_file(iteration):
    assert model_star_of_map(f"{iteration}_class002.mrc") == (f"{iteration}_model.star", 2)
    found = read_class_numbers(f"{iteration}_model.star")
    assert {number: (item.resolution, item.ssnr) for number, item in found.items()} == {
        1: (20.0, (200.0, 2.5, 0.25)),
        2: (40.0, (400.0, 5.0, 0.5)),
    }
    assert solvent_mask_name(f"{iteration}_optimiser.star") == MASK


@pytest.mark.parametrize(
    ("old", "new", "resolutions", "known"),
    [
        ("10.000000 1.0", "inf 1.0", [20.0, 40.0], [False, True]),
        ("10.000000 1.0", "nan 1.0", [20.0, 40.0], [False, True]),
        ("_rlnSsnrMap #2", "_rlnOther #2", [20.0, 40.0], [False, False]),
        # The reader alone would take the table of class 12 for that of class 1.
        ("data_model_class_1", "data_model_class_12", [20.0, 40.0], [False, True]),
        ("_rlnTau2FudgeFactor 4.0\n", "", [20.0, 40.0], [False, False]),
        ("_rlnTau2FudgeFactor 4.0", "_rlnTau2FudgeFactor nan", [20.0, 40.0], [False, False]),
        ("_rlnEstimatedResolution #3", "_rlnOther #3", [None, None], [True, True]),
        ("0.25 20.000000", "0.25 inf", [None, 40.0], [True, True]),
        ("1 10.000000", "5 10.000000", [20.0, 40.0], [False, True]),
    ],
)
def test_what_is_missing_is_unknown_and_no_error(iteration, old, new, resolutions, known):
    change(f"{iteration}_model.star", old, new)
    found = read_class_numbers(f"{iteration}_model.star")
    assert [found[number].resolution for number in (1, 2)] == resolutions
    assert [found[number].ssnr is not None for number in (1, 2)] == known


def test_files_that_say_nothing_are_no_error(iteration):
    assert model_star_of_map("elsewhere_class001.mrc") is None and model_star_of_map(f"{iteration}_data.star") is None
    assert read_class_numbers("gone_model.star") == {}
    Path("broken_model.star").write_bytes(b"\xff\xfedata_model_classes\n\nloop_\n")
    assert read_class_numbers("broken_model.star") == {}
    for name in ("None", '""'):
        shutil.copy(f"{iteration}_optimiser.star", "other_optimiser.star")
        change("other_optimiser.star", MASK, name)
        assert solvent_mask_name("other_optimiser.star") is None


def test_optimiser_file_that_does_not_name_a_mask_is_a_warning(iteration):
    maps = [source_of_file(f"{iteration}_class00{number}.mrc", 4.0) for number in (1, 2)]
    change(f"{iteration}_optimiser.star", f"_rlnSolventMaskName {MASK}", "")
    mask, (warning,) = focus_mask_of(maps, None)
    assert mask is None and "run_it001_optimiser.star: has no rlnSolventMaskName" in warning
    os.remove(f"{iteration}_optimiser.star")
    mask, (warning,) = focus_mask_of(maps, None)
    assert mask is None and "run_it001_optimiser.star does not exist" in warning and "only inside that mask" in warning


def test_mask_of_the_project_of_the_classes_is_taken(iteration, tmp_path, monkeypatch):
    """The working folder, another project, has a mask of the same name."""
    other = tmp_path / "Other"
    (other / "Mask").mkdir(parents=True)
    shutil.copy(MASK, other / MASK)
    monkeypatch.chdir(other)
    maps = [source_of_file(f"{iteration}_class00{number}.mrc", 4.0) for number in (1, 2)]
    assert focus_mask_of(maps, None)[0].path == str(tmp_path / MASK)
    os.remove(tmp_path / MASK)
    os.rename(other / MASK, other / "Mask/other.mrc")
    mask, (warning,) = focus_mask_of(maps, None)
    assert mask is None and "does not exist" in warning
    os.rename(other / "Mask/other.mrc", other / MASK)
    assert focus_mask_of(maps, None)[0] is None


@pytest.mark.parametrize("version", ["3.1.3/Class3D/job003/run_it010", "5.0.1/Class3D/job003/run_it008"])
def test_both_readers_agree_on_real_runs(shared_data, version):
    from relion_external.classification import read_classification

    stem = shared_data / "relion_projects" / version
    expected = read_classification(f"{stem}_data.star")
    found = read_class_numbers(f"{stem}_model.star")
    assert {number: (item.resolution, item.ssnr) for number, item in found.items()} == {
        item.number: (item.resolution, item.ssnr) for item in expected.classes
    }
    assert all(item.ssnr for item in found.values())


def test_mask_of_a_real_focused_run_is_named(shared_data):
    star = shared_data / "relion_runs/r5_focused_box40/run_it004_optimiser.star"
    assert solvent_mask_name(str(star)) == "External/job002/region001_mask.mrc"


# --------------------------- classes of a RELION run in Scipion ---------------------------


def infos_of(lab, protocol):
    """Return the job of a run as its process reads it."""
    return read_job(str(lab.folder / protocol._getExtraPath("job.json")))


def test_classes_of_a_run_have_their_numbers(lab, class3d):
    (classes,) = (output for name, output in class3d[0].iterOutputAttributes() if name == "outputClasses")
    sources = with_class_numbers(sources_of(classes))
    model_star, _ = model_star_of_map(sources[0].path)
    assert model_star == class3d[0]._getExtraPath("relion_it012_model.star")
    expected = read_class_numbers(model_star)
    for source in sources:
        assert source.resolution == expected[source.item_id].resolution > 2 * VOXEL_SIZE
        assert len(source.ssnr) == 21 and source.ssnr[1] > 1 > source.ssnr[-1]
        assert source.class_info.ssnr == source.ssnr
    # Arguments of a step are compared as JSON text.
    again = with_class_numbers(sources_of(classes))
    assert json.dumps([asdict(item) for item in again]) == json.dumps([asdict(item) for item in sources])
    assert focus_mask_of(sources, lab.project) == (None, [])


@pytest.fixture(scope="module")
def mask(laboratory, class3d, tmp_path_factory):
    """A mask around the domain, in the project."""
    path = tmp_path_factory.mktemp("focus") / "focus.mrc"
    write_map(path, class3d[1].domain.astype("f4"), voxel_size=VOXEL_SIZE)
    with laboratory.inside():
        return laboratory.import_mask(path, sampling=VOXEL_SIZE)


@pytest.fixture(scope="module")
def focused(laboratory, class3d, mask):
    """A classification within the mask."""
    with laboratory.inside():
        return laboratory.classification_within(mask, class3d[0])


def test_mask_of_a_finished_run_is_the_one_on_its_form(lab, mask, focused):
    """Scipion gives RELION a copy in the folder for temporary files, and empties that folder at the end of the run."""
    sources = sources_of(focused.outputClasses)
    model_star, _ = model_star_of_map(sources[0].path)
    name = solvent_mask_name(optimiser_star_of(model_star))
    assert name.startswith(focused._getTmpPath()) and not os.path.exists(name)
    found, warnings = focus_mask_of(sources, lab.project)
    assert warnings == [] and os.path.samefile(found.path, mask.outputMask.getFileName())
    assert found.voxel_size == VOXEL_SIZE
    # While the run's temporary folder exists, or where the mask is in its extra folder, that file is taken.
    os.makedirs(focused._getTmpPath(), exist_ok=True)
    for place in (name, focused._getExtraPath(os.path.basename(name))):
        shutil.copy(found.path, place)
        try:
            assert focus_mask_of(sources, lab.project)[0].path == place
        finally:
            os.remove(place)


@pytest.mark.parametrize("output", ["outputClasses", "outputVolumes"])
def test_job_on_a_focused_classification_has_its_mask(lab, mask, focused, output):
    protocol = lab.launch(lab.compare(focused, output))
    assert protocol.isFinished(), protocol.getErrorMessage()
    job = infos_of(lab, protocol)
    assert os.path.basename(job.focus_mask) == os.path.basename(mask.outputMask.getFileName())
    assert job.input_warnings == ()
    known = [(item.class_info.share, item.class_info.resolution, item.class_info.ssnr) for item in job.maps]
    if output == "outputClasses":
        assert all(None not in values for values in known)
    else:
        assert all(share is None and resolution and ssnr for share, resolution, ssnr in known)
    report = read_report(lab.folder / protocol._getExtraPath())
    assert report["job"]["focus_mask"] == job.focus_mask and report["job"]["sha256"][job.focus_mask]


def test_subset_of_the_maps_keeps_the_mask(lab, focused):
    sources = sources_of(focused.outputVolumes)
    assert focus_mask_of(sources[:1], lab.project)[0] is not None


def test_mask_on_another_grid_is_not_used(lab, class3d, focused, mask, tmp_path):
    """RELION's protocol brings such a mask to the box of the particles; the file on its form has another box."""
    path = mask.outputMask.getFileName()
    kept = tmp_path / "kept.mrc"
    shutil.copy(path, kept)
    real = os.path.realpath(path)
    try:
        write_map(real, np.ones((20, 20, 20), "f4"), voxel_size=VOXEL_SIZE)
        found, (warning,) = focus_mask_of(sources_of(focused.outputClasses), lab.project)
    finally:
        shutil.copy(kept, real)
    assert found is None
    assert (
        "found a box of 20" in warning and "put the mask back" in warning and "relion_it002_optimiser.star" in warning
    )


def test_continue_runs_again_only_for_another_mask(lab, focused, mask):
    protocol = lab.launch(lab.compare(focused))
    report = Path(protocol._getExtraPath("report.json"))
    first = report.stat().st_mtime_ns
    lab.launch(protocol)
    assert protocol.isFinished() and report.stat().st_mtime_ns == first
    path = os.path.realpath(mask.outputMask.getFileName())
    os.utime(path)
    lab.launch(protocol)
    assert protocol.isFinished() and report.stat().st_mtime_ns > first


# --------------------------- classes imported from a RELION project ---------------------------


@pytest.fixture(scope="module")
def imported(laboratory, tmp_path_factory):
    """A RELION project in another folder, and its classes imported by links and by copies."""
    if relion.reason_missing():
        skip_or_fail(relion.reason_missing())
    folder = tmp_path_factory.mktemp("relion_project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        stem = written(folder)
    with laboratory.inside():
        links, copies = (laboratory.imported_classes(f"{stem}_data.star", sampling=4.0, copy=copy) for copy in (0, 1))
    return stem, links, copies


def test_imported_classes_have_the_numbers_of_their_project(lab, imported):
    stem, links, copies = imported
    sources = with_class_numbers(sources_of(links.outputClasses))
    assert [(item.resolution, item.ssnr) for item in sources] == [
        (20.0, (200.0, 2.5, 0.25)),
        (40.0, (400.0, 5.0, 0.5)),
    ]
    mask, warnings = focus_mask_of(sources, lab.project)
    assert warnings == [] and os.path.samefile(mask.path, Path(stem).parents[1] / MASK)
    copied = with_class_numbers(sources_of(copies.outputClasses))
    assert [item.resolution for item in copied] == [None, None]
    assert focus_mask_of(copied, lab.project) == (None, [])


@pytest.mark.parametrize("place", ["mask.mrc", "Mask/other.mrc", "Class3D/beside.mrc", "Mask/packed.mrc.gz"])
def test_mask_of_an_imported_project_is_found_in_its_folders(lab, imported, place):
    stem, links, _ = imported
    root = Path(stem).parents[1]
    name = {"Class3D/beside.mrc": "Gone/beside.mrc"}.get(place, place.replace(".gz", ""))
    star = f"{stem}_optimiser.star"
    shutil.copy(root / MASK, root / place)
    try:
        if place.endswith(".gz"):
            (root / place).write_bytes(gzip.compress((root / MASK).read_bytes()))
        change(star, f" {MASK}", f" {name}")
        mask, warnings = focus_mask_of(sources_of(links.outputClasses), lab.project)
    finally:
        change(star, f" {name}", f" {MASK}")
        (root / place).unlink()
    assert warnings == [] and os.path.realpath(mask.path) == os.path.realpath(root / place)


def test_run_of_another_project_is_not_taken_for_one_of_this_project(lab, imported, focused):
    """Two Scipion projects may have runs of the same name; only this project's has its mask on a form here."""
    stem, links, _ = imported
    name = focused._getTmpPath("focus.mrc")
    change(f"{stem}_optimiser.star", f" {MASK}", f" {name}")
    try:
        mask, (warning,) = focus_mask_of(sources_of(links.outputClasses), lab.project)
    finally:
        change(f"{stem}_optimiser.star", f" {name}", f" {MASK}")
    assert mask is None and f"{name} of the classification" in warning and "does not exist" in warning


def test_missing_mask_is_a_warning_of_the_run(lab, imported):
    stem, links, _ = imported
    mask = Path(stem).parents[1] / MASK
    mask.rename(mask.with_name("hidden.mrc"))
    try:
        protocol = lab.compare(links)
        (before_the_run,) = protocol.warnings()
        lab.launch(protocol)
    finally:
        mask.with_name("hidden.mrc").rename(mask)
    assert protocol.isFinished(), protocol.getErrorMessage()
    job = infos_of(lab, protocol)
    assert job.focus_mask is None
    (warning,) = job.input_warnings
    assert MASK in warning and f"{stem}_optimiser.star" in warning and "put the mask back" in warning
    assert before_the_run == f"*Input classes*: {warning}"
    assert any(warning in line for line in lab.read_back(protocol)["summary"])
    assert warning in read_report(lab.folder / protocol._getExtraPath())["warnings"]


def test_maps_of_different_iterations_have_no_mask_in_common(lab, imported, class3d):
    sources = [*sources_of(imported[1].outputClasses), *sources_of(class3d[0].outputClasses)]
    assert focus_mask_of(sources, lab.project) == (None, [])


def test_header_of_the_mask_gets_the_voxel_size_of_the_classes(lab, imported):
    """Scipion's converters write 1 Å; the core compares the grids of map and mask."""
    stem, links, _ = imported
    path = Path(stem).parents[1] / MASK
    with mrcfile.open(path, "r+") as mrc:
        mrc.voxel_size = 1.0
    protocol = lab.launch(lab.compare(links))
    assert protocol.isFinished(), protocol.getErrorMessage()
    job = infos_of(lab, protocol)
    assert "focus_mask" in job.focus_mask and os.path.basename(job.focus_mask) == "mask.mrc"
