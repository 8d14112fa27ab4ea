# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs that another program changes while a job reads them: an error, and nothing is put in place."""

import os
from pathlib import Path

import numpy as np
import pytest

from occupy_core import compare
from occupy_core.errors import ChangedInputError
from occupy_core.job.run import run_job
from occupy_core.settings.job_spec import ClassInfo, Job, MapInput
from occupy_core.settings.settings import Settings


def rewrite(path):
    """Write NaN over the values, in place."""
    with open(path, "r+b") as file:
        file.seek(1024)
        file.write(np.full(64**3, np.nan, "f4").tobytes())


def replace(path, end=b"\1"):
    content = Path(path).read_bytes()
    Path(f"{path}.new").write_bytes(content[: len(content) - len(end)] + end)
    os.replace(f"{path}.new", path)


def cut_by_a_voxel(path):
    os.truncate(path, os.path.getsize(path) - 4)


def run_with_change(job, line, change):
    """Run a job; call change() when it says a line with some words."""
    waiting = [change]

    def say(text):
        if line in text and waiting:
            waiting.pop()()

    run_job(job, progress=say)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (rewrite, "changed while"),
        (replace, "replaced by another file"),
        (cut_by_a_voxel, "changed from 1049600 to 1049596 bytes"),
        (lambda path: os.truncate(path, 0), "changed from 1049600 to 0 bytes"),
        (os.unlink, "removed"),
    ],
)
@pytest.mark.parametrize("line", ["Map 1 of 1", "Writing report.json"])
def test_a_map_that_changes_ends_the_job(phantom_file, tmp_path, line, change, words):
    job = Job((MapInput(phantom_file),), str(tmp_path / "out"), Settings(amplify=3.0, figures=False))
    with pytest.raises(ChangedInputError, match=f"^{phantom_file}: was {words}"):
        run_with_change(job, line, lambda: change(phantom_file))
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("change", [os.utime, lambda path: replace(path, b"")])
@pytest.mark.parametrize("line", ["median scale", "Writing report.json"])
def test_a_map_of_the_same_content_has_not_changed(phantom_file, tmp_path, line, change):
    job = Job((MapInput(phantom_file),), str(tmp_path / "out"), Settings(figures=False))
    run_with_change(job, line, lambda: change(phantom_file))
    assert (tmp_path / "out" / "report.json").exists()
    with pytest.raises(ChangedInputError):  # the content of a moment counts too
        run_with_change(job, line, lambda: (change(phantom_file), replace(phantom_file)))


@pytest.mark.parametrize("line", ["Map 1 of 2", "Map 2 of 2", "Comparing"])
def test_a_class_that_is_replaced_between_two_readings_ends_the_job(three_parts, write_mrc, tmp_path, line):
    paths = [write_mrc(three_parts.volume * factor, f"class{factor}.mrc") for factor in (1, 2)]
    maps = tuple(
        MapInput(path, f"class{number:03d}_", class_info=ClassInfo(number, 0.5)) for number, path in enumerate(paths, 1)
    )
    job = Job(maps, str(tmp_path / "out"), Settings(figures=False), compare=True)
    with pytest.raises(ChangedInputError, match="class1.mrc: was replaced"):
        run_with_change(job, line, lambda: replace(paths[0]))
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("name", ["solvent_def", "target_mask"])
def test_a_mask_that_changes_before_it_is_read_ends_the_job(phantom_file, three_parts, write_mrc, tmp_path, name):
    mask = write_mrc(three_parts.parts[0].astype("f4"), "m.mrc")
    value = mask if name == "solvent_def" else (mask,)
    job = Job((MapInput(phantom_file),), str(tmp_path / "out"), Settings(figures=False, **{name: value}))
    with pytest.raises(ChangedInputError, match="m.mrc: was replaced"):
        run_with_change(job, "Map 1 of 1", lambda: replace(mask))
    assert list((tmp_path / "out").iterdir()) == []


class Replaced(os.PathLike):
    """A path whose file is replaced when it is asked for the n-th time."""

    def __init__(self, path, time):
        self.path, self.times = path, time

    def __fspath__(self):
        self.times -= 1
        if not self.times:
            replace(self.path)
        return self.path


def test_a_comparison_in_python_refuses_a_map_that_is_replaced_between_two_readings(three_parts, write_mrc):
    paths = [write_mrc(three_parts.volume * factor, f"class{factor}.mrc") for factor in (1, 2)]
    with pytest.raises(ChangedInputError, match="class1.mrc: was replaced"):
        compare([Replaced(paths[0], 3), paths[1]])
