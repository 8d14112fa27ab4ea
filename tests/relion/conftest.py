# SPDX-License-Identifier: GPL-3.0-or-later
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import absent


@pytest.fixture(scope="session")
def relion():
    """RELION's programs are on the path."""
    if shutil.which("relion_pipeliner") is None:
        absent("no relion_pipeliner on the path; on Debian or Ubuntu: apt-get install relion")


@pytest.fixture(scope="session")
def job_command(tmp_path_factory):
    """The folder of a relion_external_occupy that runs the code under test."""
    folder = tmp_path_factory.mktemp("bin")
    command = folder / "relion_external_occupy"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m relion_external "$@"\n')
    command.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def relion_path(relion, job_command):
    """RELION's jobs of a whole module find the job's command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{job_command}:{os.environ['PATH']}")
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        yield
