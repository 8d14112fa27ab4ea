# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the published program (`occupy` on the package index) in its own virtual environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Tuple

import mrcfile
import numpy as np

from benchmarks.real_data import REPOSITORY

ENVIRONMENT = REPOSITORY / ".venv-published"
MODES = ("resolution", "occupancy")
_REQUIREMENTS = ("occupy", "numpy<2", "scipy<1.12", "setuptools<80", "PyQt5")
# The program's own command imports a window system first. This code runs the same command line without it.
_RUN = (
    "import sys, warnings; warnings.simplefilter('ignore'); import occupy_lib.estimate; "
    "import occupy_lib.args, typer; typer.run(occupy_lib.args.parse_and_run)"
)
# The start of the file names that the program writes: scale map by mode, modified maps by our names.
_SCALE_PREFIX = {"resolution": "scale_res", "occupancy": "scale_occ"}
_MODIFIED_PREFIX = {"amplified": "ampl_", "attenuated": "attn_", "sigmoid": "sigm_"}
_MODE_OPTIONS = {"resolution": (), "occupancy": ("--lp-scale",)}


def install() -> str:
    """Create the environment if it does not exist, and return the version of the published program."""
    python = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / "installed").exists():
        print("Installing the published program in its own environment ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *_REQUIREMENTS], check=True)
        (ENVIRONMENT / "installed").touch()
    code = "from importlib.metadata import version; print(version('occupy'))"
    return subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def command(path: Path, *options: str) -> List[str]:
    """Return the command line for one map, with a tile size of 12; the program writes to its working folder."""
    python = str(ENVIRONMENT / "bin" / "python")
    return [python, "-c", _RUN, "-i", str(path.resolve()), "--tile-size", "12", *options]


def run(path: Path, mode: str, folder: Path) -> Tuple[np.ndarray, np.ndarray]:
    """Estimate the scale and the confidence of a map with the published program, with a tile size of 12.

    Parameters
    ----------
    path : Path
        A cubic map with an even box.
    mode : str
        "resolution" (the program's default) or "occupancy".
    folder : Path
        New folder for the program's files.

    Returns
    -------
    scale, confidence : float32 arrays (z, y, x)
    """
    _execute(path, folder, "--save-all-maps", *_MODE_OPTIONS[mode])
    return read(folder / f"{_SCALE_PREFIX[mode]}_{path.stem}.mrc"), read(folder / f"conf_{path.stem}.mrc")


def modified(path: Path, folder: Path, *options: str, mode: str = "occupancy") -> Dict[str, np.ndarray]:
    """Modify a map with the published program.

    Parameters
    ----------
    path : Path
        A cubic map with an even box.
    folder : Path
        New folder for the program's files.
    *options : str
        Options of the published program that ask for modifications.
    mode : str
        "resolution" or "occupancy".

    Returns
    -------
    dict of str to float32 array (z, y, x)
        "scale", "confidence", and each modified map that was asked for: "amplified", "attenuated", "sigmoid".
    """
    _execute(path, folder, *options, *_MODE_OPTIONS[mode])
    patterns = {"scale": f"{_SCALE_PREFIX[mode]}_{path.stem}.mrc", "confidence": f"conf_{path.stem}.mrc"}
    patterns.update((kind, f"{prefix}*_{path.stem}.mrc") for kind, prefix in _MODIFIED_PREFIX.items())
    return {name: read(file) for name, pattern in patterns.items() for file in folder.glob(pattern)}


def _execute(path: Path, folder: Path, *options: str) -> None:
    folder.mkdir(parents=True)
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    subprocess.run(command(path, *options), check=True, cwd=folder, capture_output=True, env=environment)


def read(path: Path) -> np.ndarray:
    """Return the values (z, y, x) of a map file."""
    with mrcfile.open(str(path), permissive=True) as mrc:
        return np.array(mrc.data)
