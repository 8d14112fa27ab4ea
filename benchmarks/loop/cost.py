# SPDX-License-Identifier: GPL-3.0-or-later
"""Processor time of the program for one class and iteration, beyond the inversion."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np

from demo.simulate import phantom
from occupy_core.fourier.resize import resize
from occupy_core.maps.density_map import map_from_array
from relion_external.loop.inversion import INVERSION
from relion_files.star_writer import write_star

BOXES = {64: 0.4, 256: 3.0}  # side in voxels: most seconds that go unnoticed beside the inversion; ours
_REPEATS = 5
_CLASSES = 4
_SIDE = 192.0  # Å
_NUMPY = "numpy"
_METHODS: Dict[str, Tuple[str, ...]] = {
    "plain": ("--start", "999"),
    "confidence": (),
    "consensus": ("--method", "consensus", "--start", "1"),
}


def measure() -> Dict[Tuple[int, str], float]:
    """Return the least processor time of five runs, seconds, by box and method, for one of four classes.

    The box 0 has the time that Python needs to load numpy: a measure of how busy the machine is.
    """
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        for box in BOXES:
            folder = Path(temporary, str(box))
            write_iteration(folder, box)
            found[0, _NUMPY] = min(_processor_time([sys.executable, "-c", "import numpy"]) for _ in range(_REPEATS))
            for method, options in _METHODS.items():
                found[box, method] = min(_seconds(folder, options) for _ in range(_REPEATS))
    return found


def table(found: Dict[Tuple[int, str], float]) -> str:
    """Return the table: a row for each method, a column for each box."""
    lines = [f"| | {' | '.join(f'box {box}' for box in BOXES)} |", f"| --- |{' --- |' * len(BOXES)}"]
    for method in _METHODS:
        lines.append(f"| {method} | {' | '.join(f'{found[box, method]:.2f} s' for box in BOXES)} |")
    lines.append(f"| Python that loads numpy, nothing else |{f' {found[0, _NUMPY]:.2f} s |' * len(BOXES)}")
    lines.append(f"| limit | {' | '.join(f'{most:g} s' for most in BOXES.values())} |")
    return "\n".join(lines)


def _seconds(folder: Path, options: Tuple[str, ...]) -> float:
    """Run the program once; the inversion is a copy of a finished map."""
    command = [sys.executable, "-m", "relion_external.loop", *options, "run_it002_class001_external_reconstruct.star"]
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(_REPOSITORY)}
    for name in ("data_real", "data_imag", "weight"):
        path = folder / f"run_it002_class001_external_reconstruct_{name}.mrc"
        if not path.exists():
            os.link(folder / "array.mrc", path)
    return _processor_time(command, cwd=folder, env=environment)


def _processor_time(command: List[str], **options: Any) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


_REPOSITORY = Path(__file__).resolve().parents[2]


def write_iteration(folder: Path, box: int) -> None:
    """Write a request for one of four classes, what the iteration before left, and a program that copies a map (`bin`).

    The box is in voxels.
    """
    (folder / "bin").mkdir(parents=True)
    size, names = _SIDE / box, [f"run_it001_class{number:03d}" for number in range(1, _CLASSES + 1)]
    for seed, name in enumerate(["inverted", *(f"{name}_occupy_raw" for name in names)]):
        made = phantom(noise=0.2, noise_seed=seed)
        _write_map(folder / f"{name}.mrc", resize(made.volume, (box,) * 3), size)
    _write_map(folder / "array.mrc", np.zeros((4, 4, 4), np.float32) + np.eye(4, dtype=np.float32), size)
    program = folder / "bin" / INVERSION
    program.write_text("#!/bin/sh\ncp inverted.mrc run_it002_class001_occupy_partial.mrc\n")
    program.chmod(0o755)
    shares: List[Tuple[object, ...]] = [(f"{name}.mrc", 1 / _CLASSES) for name in names]
    general = {"rlnPixelSize": size, "rlnCurrentResolution": 25.0}
    classes = (("rlnReferenceImage", "rlnClassDistribution"), shares)
    write_star(folder / "run_it001_model.star", {"model_general": general, "model_classes": classes})
    run = {"rlnNumberOfIterations": 25, "rlnParticleDiameter": 0.9 * _SIDE}
    write_star(folder / "run_it001_optimiser.star", {"optimiser_general": run})
    root = "run_it002_class001_external_reconstruct"
    labels = {"rlnExtReconsDataReal": "data_real", "rlnExtReconsDataImag": "data_imag", "rlnExtReconsWeight": "weight"}
    request: Dict[str, object] = {label: f"{root}_{name}.mrc" for label, name in labels.items()}
    request.update(rlnExtReconsResult=f"{root}.mrc", rlnOriginalImageSize=box, rlnReferenceDimensionality=3)
    write_star(folder / f"{root}.star", {"external_reconstruct_general": request})


def _write_map(path: Path, values: np.ndarray, size: float) -> None:
    import mrcfile

    source = map_from_array(np.ascontiguousarray(values, np.float32), voxel_size=size)
    with mrcfile.new(path, source.data, overwrite=True) as file:
        file.voxel_size = size
