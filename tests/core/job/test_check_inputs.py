# SPDX-License-Identifier: GPL-3.0-or-later
"""Input files are checked before the work."""

import json

import numpy as np
import pytest

from occupy_core.errors import JobError, MapError, SettingsError
from occupy_core.job.run import run_job
from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.reporting.pdf.logfile import summary_pages
from occupy_core.reporting.pdf.messages import has_several_maps
from occupy_core.settings.job_spec import ClassInfo, Job, MapInput
from occupy_core.settings.settings import Settings


@pytest.fixture
def small(write_mrc):
    """A function that writes a map of noise, or a mask, of a few voxels."""

    def write(name, side=32, **header):
        return write_mrc(np.random.default_rng(side).standard_normal((side,) * 3).astype("f4"), name, **header)

    return write


def lines_of(folder, paths, classes=False, **settings):
    """Run a job that fails, and return its lines and its error."""
    infos = [ClassInfo(number, 1 / len(paths), 100) if classes else None for number in range(1, len(paths) + 1)]
    maps = tuple(
        MapInput(path, f"map{number:03d}_" if len(paths) > 1 else "", class_info=info)
        for number, (path, info) in enumerate(zip(paths, infos), 1)
    )
    lines = []
    with pytest.raises((JobError, MapError)) as caught:
        run_job(Job(maps, str(folder), Settings(**settings), compare=classes), progress=lines.append)
    return lines, str(caught.value)


def test_a_missing_mask_is_found_before_any_map_is_processed(small, tmp_path):
    paths = [small(f"class{number}.mrc") for number in range(3)]
    lines, error = lines_of(tmp_path / "out", paths, classes=True, target_mask=(str(tmp_path / "gone.mrc"),))
    assert "gone.mrc: no such file" in error
    assert lines == []


def test_all_problems_are_in_one_error(small, tmp_path):
    coarse = small("coarse.mrc", voxel_size=4.0)
    masks = (str(tmp_path / "gone.mrc"), small("large.mrc", side=40), coarse)
    (tmp_path / "text.mrc").write_text("no map")
    lines, error = lines_of(
        tmp_path / "out",
        [small("map.mrc")],
        target_mask=masks,
        solvent_def=str(tmp_path / "text.mrc"),
        model=str(tmp_path / "gone.cif"),
        model_groups="chian",
    )
    assert error.startswith("6 problems with the input files: (1) ")
    for text in (
        "text.mrc: cannot be read as an MRC or CCP4 map",
        "gone.mrc: no such file",
        "large.mrc: the target mask has box 40 x 40 x 40 instead of 32 x 32 x 32 voxels, expected the grid of",
        "coarse.mrc: the target mask has voxel size 4 instead of 3 Å",
        "gone.cif: no such file, expected an atomic model",
        "model_groups: found 'chian', which is no file, expected chain, entity, or a text file; did you mean chain?",
    ):
        assert text in error, error
    assert lines == []


def test_more_than_eight_problems_are_counted(small, tmp_path):
    masks = tuple(str(tmp_path / f"gone{number}.mrc") for number in range(12))
    _, error = lines_of(tmp_path / "out", [small("map.mrc")], target_mask=masks)
    assert "12 problems" in error and "(8) " in error and "(9) " not in error and error.endswith("; and 4 more")


def test_maps_that_will_be_left_out_are_named_first(small, tmp_path):
    lines = []
    maps = (MapInput(small("map.mrc"), "map001_"), MapInput("gone.mrc", "map002_"), MapInput(small("b.mrc"), "map003_"))
    done = run_job(Job(maps, str(tmp_path / "out"), Settings(figures=False)), progress=lines.append)
    assert lines[0].startswith("WARNING: this map will be left out: gone.mrc: no such file")
    assert len(done.maps) == 2


def test_names_that_no_report_can_hold_are_refused(tmp_path):
    _, error = lines_of(tmp_path / "out", [str(tmp_path / "\udcfcml.mrc")])
    assert "\\udcfcml.mrc: the name is not in UTF-8" in error and "rename" in error


def test_classes_on_another_grid_are_all_named_before_the_work(small, tmp_path):
    paths = [small("a.mrc"), small("b.mrc", side=36), small("c.mrc"), small("d.mrc", voxel_size=2.0)]
    lines, error = lines_of(tmp_path / "out", paths, classes=True)
    assert error.startswith("2 problems with the input files") and lines == []
    assert "b.mrc: has box 36 x 36 x 36 instead of 32 x 32 x 32 voxels" in error and "d.mrc: has voxel size 2" in error


def test_a_reference_that_is_no_class_is_found_before_the_work(small, tmp_path):
    with pytest.raises(SettingsError, match="got 9, expected one of the maps' numbers: 1, 2"):
        run_job(
            Job(
                tuple(MapInput(small(f"{n}.mrc"), f"map00{n}_", class_info=ClassInfo(n, 0.5, 100)) for n in (1, 2)),
                str(tmp_path / "out"),
                Settings(reference="9"),
            ),
            progress=lambda line: pytest.fail(line),
        )


def test_python_finds_a_bad_mask_before_the_estimate(small, tmp_path):
    masks = [str(tmp_path / "gone.mrc"), small("large.mrc", side=40)]
    source = read_map(small("map.mrc"))
    with pytest.raises(MapError, match="gone.mrc: no such file"):
        process_map(source, Settings(target_mask=tuple(masks)), step=lambda fraction, text: pytest.fail(text))
    with pytest.raises(MapError, match="large.mrc: the target mask has box 40"):
        process_map(source, Settings(target_mask=(masks[1],)), step=lambda fraction, text: pytest.fail(text))


def test_a_focus_mask_that_cannot_be_used_is_told_first(small, tmp_path):
    lines = []
    maps = tuple(MapInput(small(f"{n}.mrc"), f"map00{n}_", class_info=ClassInfo(n, 0.5, 100)) for n in (1, 2))
    job = Job(maps, str(tmp_path / "out"), Settings(figures=False), focus_mask=small("mask.mrc", side=20))
    run_job(job, progress=lines.append)
    assert lines[0].startswith("WARNING: the mask of the classification cannot be used: ")
    assert "mask.mrc: the mask of the classification has box 20 x 20 x 20 instead of 32 x 32 x 32" in lines[0]


def test_masks_with_nan_are_named_with_all_other_problems(small, write_mrc, tmp_path):
    values = np.random.default_rng(1).random((32,) * 3).astype("f4")
    values[3, 4, 5] = np.nan
    masks = (write_mrc(values, "nan.mrc", 3.0), str(tmp_path / "gone.mrc"))
    _, error = lines_of(tmp_path / "out", [small("map.mrc")], target_mask=masks)
    assert error.startswith("2 problems with the input files")
    assert "nan.mrc: found 1 of 32768 values NaN or infinite" in error and "gone.mrc: no such file" in error


@pytest.mark.parametrize("compare", [False, True])
def test_a_class_without_particles_has_no_outputs_and_is_no_failure(small, tmp_path, compare):
    maps = tuple(
        MapInput(path, f"class00{number}_", class_info=ClassInfo(number, share, particles))
        for number, (path, share, particles) in enumerate(
            [(small("a.mrc"), 0.6, 60), ("gone.mrc", 0.0, 0), (small("b.mrc"), 0.4, 40)], 1
        )
    )
    lines = []
    out = tmp_path / "out"
    done = run_job(
        Job(maps, str(out), Settings(figures=False, reference="own"), compare=compare), progress=lines.append
    )
    assert [item.source.name for item in done.maps] == ["class 1", "class 3"]
    assert not list(out.glob("class002*"))
    assert sum("class 2" in text and "no particles" in text for text in done.warnings) == 1
    assert not any("FAILED" in line or "gone.mrc" in line for line in lines)


def test_an_empty_class_that_is_chosen_alone_is_named(small, tmp_path):
    chosen = MapInput(small("a.mrc"), class_info=ClassInfo(2, 0.0, 0))
    done = run_job(Job((chosen,), str(tmp_path / "out"), Settings(figures=False)))
    assert any(text.startswith("class 2: has no particles, expected some") for text in done.warnings)


def test_the_report_says_so_where_one_class_with_particles_is_left(small, tmp_path):
    maps = (
        MapInput(small("a.mrc"), "class001_", class_info=ClassInfo(1, 1.0, 90)),
        MapInput(small("b.mrc"), "class002_", class_info=ClassInfo(2, 0.0, 0)),
    )
    run_job(Job(maps, str(tmp_path / "out"), Settings(), compare=True))
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert has_several_maps(report)  # so that a page about all maps has the result and the warnings
    text = "".join(item.get_text() for figure in summary_pages(report, []) for item in figure.texts)
    assert "Local scale of 1 map" in text and "class 2 is left out of the comparison" in text
