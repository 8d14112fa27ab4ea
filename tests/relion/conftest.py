# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for tests with RELION."""

import linecache
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import skip_or_fail


@pytest.fixture(autouse=True)
def files_are_read_anew():
    """Let starfile read each file: it reads through a cache, which has the files of other tests under the same name."""
    linecache.clearcache()


@pytest.fixture(scope="session")
def relion():
    """Skip tests if RELION is not installed."""
    if shutil.which("relion_pipeliner") is None:
        skip_or_fail("no relion_pipeliner on the path; on Debian or Ubuntu: apt-get install relion")


def require_beside_pipeliner(program):
    """Skip a test unless the RELION on the path, of which only one version is needed, has a program."""
    pipeliner = shutil.which("relion_pipeliner")
    if pipeliner is None or not Path(pipeliner).with_name(program).exists():
        pytest.skip(f"needs the RELION that has {program}: RELION 3.1 has relion_scheduler, 4 and 5 relion_schemer")


@pytest.fixture(scope="session")
def job_command(tmp_path_factory):
    """A folder with a command relion_external_occupy that runs the code under test."""
    folder = tmp_path_factory.mktemp("bin")
    command = folder / "relion_external_occupy"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m relion_external "$@"\n')
    command.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def relion_path(relion, job_command):
    """Let RELION find the command relion_external_occupy, in all tests of a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{job_command}:{os.environ['PATH']}")
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        yield
