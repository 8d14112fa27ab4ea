# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up Scipion for the tests, before its import: home, hosts and projects in a temporary folder."""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import tempfile
import warnings
from pathlib import Path

import pytest

from demo.particles import write_particles
from demo.scipion_project import prepare_environment
from tests.conftest import skip_or_fail
from tests.scipion import relion

_HERE = Path(__file__).parent

# A queue that hides, as real queues do, whether a job failed: it runs the job and always prints a job number.
_HOSTS = """[localhost]
PARALLEL_COMMAND = mpirun -np %_(JOB_NODES)d %_(COMMAND)s
NAME = NOSTATUS
MANDATORY = False
SUBMIT_COMMAND = sh -c "sh %_(JOB_SCRIPT)s > %_(JOB_LOGS)s.out 2>&1; echo 1"
SUBMIT_TEMPLATE = %_(JOB_COMMAND)s
CANCEL_COMMAND = true
CHECK_COMMAND = echo DONE
JOB_DONE_REGEX = DONE
QUEUES = { "short": [["QUEUE_FOR_JOBS", "Y", "Use queue for jobs", "Send each job on its own"]] }
QUEUES_DEFAULT = {}
"""


def _reason_missing() -> str:
    if importlib.util.find_spec("pwem") is None:
        return 'Scipion is not installed; install it with: pip install -e ".[scipion,test]"'
    import importlib_metadata  # Scipion finds its plugins with this library

    if "occupy_scipion" not in importlib_metadata.entry_points(group="pyworkflow.plugin").names:
        return 'the plugin is not installed; install it with: pip install -e ".[scipion,test]"'
    return ""


def _set_up() -> None:
    home = Path(tempfile.mkdtemp(prefix="scipion_home_"))
    atexit.register(shutil.rmtree, str(home), ignore_errors=True)
    prepare_environment(home, hosts=_HOSTS)
    relion.make_home(home)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Scipion itself warns at import
        import pyworkflow

        pyworkflow.Config.getDomain().getProtocols()
        pyworkflow.Config.getDomain().getViewers()


REASON_MISSING = _reason_missing()
if not REASON_MISSING:
    _set_up()


class _SkippedModule(pytest.Module):
    def collect(self):
        skip_or_fail(REASON_MISSING)


def pytest_pycollect_makemodule(module_path, parent):
    return _SkippedModule.from_parent(parent, path=module_path) if REASON_MISSING else None


def pytest_collection_modifyitems(items):
    """Treat warnings of this project as errors, and ignore those of Scipion and its libraries.

    These differ between versions, and Scipion leaves files and database connections open.
    """
    ours = ("ignore", "error:::occupy_.*", "error:::tests.*")
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(*ours))


@pytest.fixture(scope="session")
def laboratory():
    """The project of all tests, with methods for the actions of users."""
    from tests.scipion.laboratory import Laboratory

    here = os.getcwd()
    made = Laboratory("occupy")
    os.chdir(here)
    return made


@pytest.fixture
def lab(laboratory, monkeypatch):
    """The project, with its folder as the working folder: Scipion's paths are relative to it."""
    monkeypatch.chdir(laboratory.folder)
    return laboratory


@pytest.fixture(scope="session")
def map_file(tmp_path_factory, three_parts):
    """The path of the simulated complex as a file whose header has an origin."""
    path = tmp_path_factory.mktemp("maps") / "phantom.mrc"
    return write_map(path, three_parts.volume, origin=(3.0, -6.0, 9.0))


@pytest.fixture(scope="session")
def a_map(laboratory, map_file):
    """A protocol whose output is the simulated complex, with another origin in Scipion than the default."""
    with laboratory.inside():
        imported = laboratory.import_maps(map_file)
        return laboratory.moved(imported, 10.0, 20.0, 30.0)


@pytest.fixture(scope="session")
def class3d(laboratory, tmp_path_factory):
    """A RELION 3D classification in the project, and its simulated particles: with and without a domain."""
    if relion.reason_missing():
        skip_or_fail(relion.reason_missing())
    folder = tmp_path_factory.mktemp("particles")
    simulated = write_particles(folder)
    with laboratory.inside():
        return laboratory.classification(folder), simulated


def write_map(path, values, *, voxel_size=3.0, origin=None):
    """Write values as a map and return its path; NaN values are allowed."""
    import mrcfile

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with mrcfile.new(str(path), overwrite=True) as mrc:
            mrc.set_data(values.astype("float32"))
            mrc.set_volume()
            mrc.voxel_size = voxel_size
            if origin is not None:
                mrc.header.origin = origin
    return path
