# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of files with letters of all kinds, and locales without UTF-8."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from relion_external.job import run
from tests.conftest import REPOSITORY

BARE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(REPOSITORY)}


@pytest.fixture
def folder(phantom_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def job(*words, **environment):
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "relion_external", "--o", "job/", "--figures", "no", *words]
    return subprocess.run(
        command, capture_output=True, text=True, errors="surrogateescape", env={**os.environ, **environment}
    )


@pytest.mark.parametrize("name", ["wörter \"in\" 'quotes'.mrc", "日本 #1; $x > y.mrc", "it's.mrc", "-map.mrc"])
def test_names_with_quotes_blanks_and_letters_of_any_language_work(folder, phantom_file, name):
    shutil.copy(phantom_file, folder / name)
    assert run(["--o", "job ü/", "--figures", "no", f"--in_3dref={name}"]) == 0
    assert json.loads((folder / "job ü/report.json").read_text())["maps"][0]["input"] == name
    assert name[1:-5] in (folder / "job ü/occupy.cxc").read_text().replace("\\", "") or name.startswith("-")


@pytest.mark.parametrize(
    ("name", "finding"),
    [(b"\xfcml.mrc", "the name is not in UTF-8"), (b"two\nlines.mrc", "the name has a control character")],
)
def test_other_names_are_refused_before_the_work(folder, phantom_file, name, finding, capsys):
    name = os.fsdecode(name)
    shutil.copy(phantom_file, folder / name)
    for words in (["--in_3dref", name], ["--in_3dref", phantom_file, "--target_mask", name]):
        assert run(["--o", "job/", *words]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert finding in line and "rename the file" in line
    assert not (folder / "job").exists()


def test_a_locale_without_utf_8_is_enough_for_usual_names(folder, phantom_file):
    done = job("--in_3dref", phantom_file, "--lowpass", "12 Å", **BARE)
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "job/report.json").read_text())["settings"]["lowpass"] == 12


def test_letters_that_the_locale_cannot_hold_are_told_early(folder, phantom_file):
    shutil.copy(phantom_file, folder / "märz.mrc")
    done = job("--in_3dref", "märz.mrc", **BARE)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "letters that this locale cannot hold" in done.stderr and "set LC_ALL=C.UTF-8" in done.stderr
    assert "Map 1" not in done.stdout
