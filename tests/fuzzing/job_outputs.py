# SPDX-License-Identifier: GPL-3.0-or-later
"""Check what is promised of the outputs of every job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

import mrcfile
import numpy as np

from occupy_core.maps.header import read_header

# Kinds of outputs that lie between 0 and 1.
_FROM_0_TO_1 = ("scale", "confidence", "mask", "definition", "spread")


def check_outputs(folder: Path) -> None:
    """Raise AssertionError unless the report can be read, and all maps are whole, finite and on their input's grid."""
    report = read_report(folder)
    maps = {name: item for item in report["maps"] for name in item["outputs"].values()}
    assert maps, "the report names no outputs"
    grids = {item["input"]: _geometry(item["input"]) for item in report["maps"]}
    for name, item in maps.items():
        values, grid = _read(folder / name)
        assert grid == grids[item["input"]], f"{name}: the grid is {grid}, expected {grids[item['input']]}"
        check_values(name, values)


def check_values(name: str, values: Any) -> None:
    """Raise AssertionError unless all values of an output are finite, and from 0 to 1 where its kind says so."""
    assert np.isfinite(values).all(), f"{name} has values that are not finite"
    if any(kind in name for kind in _FROM_0_TO_1):
        low, high = float(values.min()), float(values.max())
        assert low >= 0 and high <= 1, f"{name} has values from {low} to {high}"


def read_report(folder: Path) -> Any:
    """Return report.json, which must not have NaN or infinite numbers, which JSON does not have."""
    return json.loads((folder / "report.json").read_text(encoding="utf-8"), parse_constant=_refuse)


def _refuse(word: str) -> NoReturn:
    raise AssertionError(f"report.json has {word}")


def _read(path: Path) -> Any:
    with mrcfile.open(path) as mrc:
        return np.array(mrc.data), _geometry_of(mrc.header)


def _geometry(path: str) -> Any:
    return _geometry_of(read_header(path).header)  # which takes the usual axis order for an impossible one


def _geometry_of(header: Any) -> Any:
    return [int(header[name]) for name in ("nx", "ny", "nz", "nxstart", "nystart", "nzstart", "mapc", "mapr", "maps")]
