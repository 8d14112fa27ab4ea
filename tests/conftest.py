# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for all tests: simulated and real maps, missing programs, default signal handling."""

from __future__ import annotations

import os
import signal
import warnings
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from benchmarks.real_data import real_data
from demo.simulate import phantom

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_configure():
    """Give child processes default signal handling, also when the tests run in the background or under `nohup`.

    A signal that is ignored when the tests start would stay ignored in every child process. A handler that does nothing
    protects the test process just as well, and a child process starts with the default again.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: None)


def skip_or_fail(reason: str) -> None:
    """Skip the test, because a program or a data set is missing; fail instead if OCCUPY_REQUIRE_HOSTS is 1."""
    if os.environ.get("OCCUPY_REQUIRE_HOSTS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def geometry(path):
    """Return the header fields of an MRC file that define its grid: box, start, axis order, cell and origin."""
    words = ("nx", "ny", "nz", "nxstart", "nystart", "nzstart", "mx", "my", "mz", "mapc", "mapr", "maps")
    with mrcfile.open(path, permissive=True, header_only=True) as mrc:
        header = mrc.header
        return [int(header[name]) for name in words] + [
            tuple(round(float(header[group][part]), 3) for part in header[group].dtype.names)
            for group in ("cella", "cellb", "origin")
        ]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real maps and projects, which are not in the repository."""
    folder = real_data()
    if not folder.is_dir():
        pytest.skip("no real maps found (they are not in the repository); set OCCUPY_SHARED_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def three_parts():
    """A simulated complex in noise, with parts of occupancy 1, 0.6 and 0.3."""
    return phantom()


@pytest.fixture
def write_mrc(tmp_path):
    """A function that writes an array as an MRC file and returns its path; header fields by keyword."""

    def write(data, name="map.mrc", voxel_size=3.0, **header):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with mrcfile.new(str(path), overwrite=True) as mrc:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # about NaN, which some tests write on purpose
                mrc.set_data(np.asarray(data))
            if mrc.data.ndim == 3:
                mrc.set_volume()
            if voxel_size:
                mrc.voxel_size = voxel_size
            for item, value in header.items():
                mrc.header[item] = value
        return str(path)

    return write


@pytest.fixture
def phantom_file(three_parts, write_mrc):
    """The path of the simulated complex as an MRC file."""
    return write_mrc(three_parts.volume, "phantom.mrc", three_parts.voxel_size)
