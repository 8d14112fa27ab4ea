# SPDX-License-Identifier: GPL-3.0-or-later
"""The published program (`occupy` on the package index), in an environment of its own."""

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
# Its command imports a window system first; these are the same options without one.
_RUN = (
    "import sys, warnings; warnings.simplefilter('ignore'); import occupy_lib.estimate; "
    "import occupy_lib.args, typer; typer.run(occupy_lib.args.parse_and_run)"
)
_SCALE = {"resolution": "scale_res", "occupancy": "scale_occ"}
_MODE_WORDS = {"resolution": (), "occupancy": ("--lp-scale",)}
_MODIFIED = {"amplified": "ampl_", "attenuated": "attn_", "sigmoid": "sigm_"}


def install() -> str:
    """Make the environment if it is not there; its version."""
    python = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / "installed").exists():
        print("Installing the published program in an environment of its own ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *_REQUIREMENTS], check=True)
        (ENVIRONMENT / "installed").touch()
    code = "from importlib.metadata import version; print(version('occupy'))"
    return subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def command(path: Path, *words: str) -> List[str]:
    """What runs it on a map, with the tiles that are our default; it writes to the folder that it is run in."""
    python = str(ENVIRONMENT / "bin" / "python")
    return [python, "-c", _RUN, "-i", str(path.resolve()), "--tile-size", "12", *words]


def run(path: Path, mode: str, folder: Path) -> Tuple[np.ndarray, np.ndarray]:
    """Its scale and confidence maps for a cubic map with an even box, with the tiles that are our default.

    Parameters
    ----------
    path : Path
    mode : str
        "resolution" (its default) or "occupancy".
    folder : Path
        Where it writes; made here.
    """
    _execute(path, folder, "--save-all-maps", *_MODE_WORDS[mode])
    return read(folder / f"{_SCALE[mode]}_{path.stem}.mrc"), read(folder / f"conf_{path.stem}.mrc")


def modified(path: Path, folder: Path, *words: str, mode: str = "occupancy") -> Dict[str, np.ndarray]:
    """What it makes of a map with more options, which name a modification: "scale", "confidence" and, by our names,
    the modified maps. Other parameters as of `run`."""
    _execute(path, folder, *words, *_MODE_WORDS[mode])
    names = {"scale": f"{_SCALE[mode]}_", "confidence": "conf_", **_MODIFIED}
    found = {}
    for name, start in names.items():
        for file in folder.glob(f"{start}*_{path.stem}.mrc" if name in _MODIFIED else f"{start}{path.stem}.mrc"):
            found[name] = read(file)
    return found


def _execute(path: Path, folder: Path, *words: str) -> None:
    folder.mkdir(parents=True)
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    subprocess.run(command(path, *words), check=True, cwd=folder, capture_output=True, env=environment)


def read(path: Path) -> np.ndarray:
    """The values of a map, (z, y, x)."""
    with mrcfile.open(str(path), permissive=True) as mrc:
        return np.array(mrc.data)
