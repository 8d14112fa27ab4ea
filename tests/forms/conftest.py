# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment with CCP-EM Pipeliner and himena-relion, whose requirements are not those of Scipion."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, skip_or_fail

FOLDER = REPOSITORY / ".venv-forms"


@pytest.fixture(scope="session")
def programs() -> Path:
    """The folder of the programs of that environment."""
    folder = FOLDER / "bin"
    if not (folder / "pipeliner").is_file():
        skip_or_fail(
            "CCP-EM Pipeliner and himena-relion are not installed; install them: scripts/environment.sh --with-forms"
        )
    return folder


@pytest.fixture
def run(programs, tmp_path):
    """A function that runs a program of that environment in a folder, and returns what it prints."""

    def run_program(*words, folder=tmp_path, status=0, **more):
        environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", **more}
        environment.pop("PYTHONPATH", None)
        done = subprocess.run(
            words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    return run_program
