# SPDX-License-Identifier: GPL-3.0-or-later
"""The job as JSON, and the numbers that a host reads about a classification."""

import json
from dataclasses import asdict, replace

import pytest

from occupy_core.errors import JobError
from occupy_core.settings.classification import missing_mask_text, resolution_of, signal_to_noise
from occupy_core.settings.job_spec import ClassInfo, Job, MapInput, read_job
from occupy_core.settings.settings import Settings

INFO = ClassInfo(2, 0.25, 40, 12.5, (100.0, 3.5, 0.0))


def a_job(**values):
    settings = Settings(solvent_def="solvent.mrc", target_mask=("target.mrc",))
    maps = (MapInput("a.mrc", "class001_", 4.0, ClassInfo(1)), MapInput("b.mrc", "class002_", 4.0, INFO))
    return Job(maps, "out/", settings, compare=True, **values)


def test_job_is_the_same_after_a_file(tmp_path):
    job = a_job(focus_mask="mask.mrc", input_warnings=("a warning",))
    path = tmp_path / "job.json"
    path.write_text(json.dumps(job.to_dict(), allow_nan=False))
    assert read_job(str(path)) == job
    assert read_job(str(path)).maps[1].class_info.ssnr == INFO.ssnr


def test_focus_mask_is_an_input():
    assert a_job(focus_mask="mask.mrc").inputs == ("a.mrc", "b.mrc", "solvent.mrc", "target.mrc", "mask.mrc")
    assert a_job().inputs == ("a.mrc", "b.mrc", "solvent.mrc", "target.mrc")


def test_job_of_an_older_version_has_no_focus_mask():
    values = json.loads(json.dumps(a_job().to_dict()))
    del values["focus_mask"], values["input_warnings"]
    for item in values["maps"]:
        del item["class_info"]["resolution"], item["class_info"]["ssnr"]
    job = Job.from_dict(values)
    assert job.focus_mask is None and job.input_warnings == ()
    assert job.maps[1].class_info == replace(INFO, resolution=None, ssnr=None)


@pytest.mark.parametrize(
    "change",
    [
        {"resolution": -1.0},
        {"resolution": 0},
        {"resolution": float("nan")},
        {"resolution": "12"},
        {"ssnr": [1.0, float("inf")]},
        {"ssnr": [1.0, -0.5]},
        {"ssnr": [1.0, None]},
        {"ssnr": []},
        {"ssnr": "12"},
        {"ssnr": 3.0},
    ],
)
def test_wrong_class_info_is_refused(change):
    values = a_job().to_dict()
    values["maps"][1]["class_info"].update(change)
    with pytest.raises(JobError, match="was not written by this version"):
        Job.from_dict(values)


@pytest.mark.parametrize("change", [{"focus_mask": 3}, {"focus_mask": ""}, {"input_warnings": "text"}])
def test_wrong_focus_mask_is_refused(change):
    with pytest.raises(JobError, match="was not written by this version"):
        Job.from_dict({**a_job().to_dict(), **change})


def test_class_info_is_the_same_after_json():
    assert ClassInfo.from_dict(json.loads(json.dumps(asdict(INFO)))) == INFO


def test_signal_to_noise_is_divided_by_the_factor():
    assert signal_to_noise(["8", 2.0, 0], "4") == (2.0, 0.5, 0.0)
    assert signal_to_noise([8.0], 1.0) == (8.0,)


@pytest.mark.parametrize(
    ("values", "factor"),
    [
        ([], 4.0),
        ([1.0, "nan"], 4.0),
        ([float("inf")], 4.0),
        ([-1.0], 4.0),
        (["<NA>"], 4.0),
        ([1e300], 1e-300),
        *(([1.0], factor) for factor in (None, 0, -4.0, float("nan"), float("inf"), "x")),
    ],
)
def test_signal_to_noise_is_unknown_if_a_value_is(values, factor):
    assert signal_to_noise(values, factor) is None


def test_resolution_is_unknown_if_it_is_no_positive_number():
    assert [resolution_of(value) for value in ("12.5", 3)] == [12.5, 3.0]
    assert all(resolution_of(value) is None for value in (0, -1, "inf", float("nan"), None, "None", [4.0]))


def test_warning_of_a_missing_mask_names_both_files():
    text = missing_mask_text("Masks/mask.mrc", "run_optimiser.star")
    assert "Masks/mask.mrc" in text and "run_optimiser.star" in text and "put the mask back" in text
    assert not text.endswith(".") and ". " not in text
