# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps to test with, and what to do where a part of the outside world is absent."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from benchmarks.real_data import real_data
from demo.simulate import phantom

REPOSITORY = Path(__file__).resolve().parents[1]


def absent(reason: str) -> None:
    """Skip, or fail where nothing may be left out (OCCUPY_REQUIRE_HOSTS=1)."""
    if os.environ.get("OCCUPY_REQUIRE_HOSTS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def geometry(path):
    """All that decides where an MRC file's map lies."""
    words = ("nx", "ny", "nz", "nxstart", "nystart", "nzstart", "mx", "my", "mz", "mapc", "mapr", "maps")
    with mrcfile.open(path, permissive=True, header_only=True) as mrc:
        header = mrc.header
        return [int(header[name]) for name in words] + [
            tuple(round(float(header[group][part]), 3) for part in header[group].dtype.names)
            for group in ("cella", "cellb", "origin")
        ]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real maps and projects, which are no part of the repository."""
    folder = real_data()
    if not folder.is_dir():
        pytest.skip("no real maps here (they are no part of the project); OCCUPY_SHARED_DATA names a folder of them")
    return folder


@pytest.fixture(scope="session")
def three_parts():
    """A complex in noise whose parts have occupancies 1, 0.6 and 0.3."""
    return phantom()


@pytest.fixture
def write_mrc(tmp_path):
    """A function that writes an array as an MRC file and returns its path; header fields by keyword."""

    def write(data, name="map.mrc", voxel_size=3.0, **header):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with mrcfile.new(str(path), overwrite=True) as mrc:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # of NaN, which some tests want
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
    return write_mrc(three_parts.volume, "phantom.mrc", three_parts.voxel_size)
