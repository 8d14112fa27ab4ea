# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the time of a job goes, and the two kernels beside scipy's.

`python -m benchmarks.performance.parts stages FOLDER OPTION...` and `... kernels MAP`
print what they measured as JSON; each is a process of its own, so that none has another's memory and caches.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import time
from typing import Any, Callable, Dict, List, Sequence

import numpy as np
import scipy.fft

from benchmarks.performance.processes import THREADS
from benchmarks.real_data import REPOSITORY

Seconds = Dict[str, float]


def measured(*words: str) -> Seconds:
    """What a process of this module measures."""
    return told_by([sys.executable, "-m", "benchmarks.performance.parts", *words])


def told_by(command: Sequence[str]) -> Seconds:
    """What a process prints as JSON in its last line."""
    done = subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True)
    found: Seconds = json.loads(done.stdout.splitlines()[-1])
    return found


def stages(folder: str, *words: str) -> Seconds:
    """Seconds in each stage of a job; the stages do not overlap."""
    begun = time.perf_counter()
    from occupy_core import process
    from occupy_core.estimate import calibration, prepare
    from occupy_core.job import run
    from occupy_core.modify.to_input_grid import OutputResampler
    from occupy_core.solvent.model import SolventModel
    from relion_external.job import run as run_external_job

    imported = time.perf_counter() - begun
    spent: Seconds = {}
    # Each function in the module that calls it.
    places = [
        ("reading", run, "read_map"),
        ("low-pass", prepare, "low_pass"),
        ("change of box", prepare, "resize"),
        ("solvent region", prepare, "flat_areas"),
        ("solvent region", prepare, "solvent_region"),
        ("solvent model", process, "fit_solvent"),
        ("kernel maximum", prepare, "ball_maximum"),
        ("reference value", prepare, "tiled_reference"),
        ("reference value", calibration, "calibrate"),
        ("local scale", process, "local_scale"),
        ("local scale", process, "variability_limit"),
        ("confidence", SolventModel, "confidence_map"),
        ("filler", process, "pure_solvent"),
        ("filler", process, "solvent_noise"),
        ("modified maps, made and written", OutputResampler, "send_modified"),
        ("scale and confidence, written", OutputResampler, "send_fraction"),
    ]
    for name, home, function in places:
        setattr(home, function, _clocked(getattr(home, function), name, spent))
    begun = time.perf_counter()
    if run_external_job(["--o", folder, "--j", str(THREADS), *words]):
        raise SystemExit(1)
    whole = time.perf_counter() - begun
    return {"imports": imported, **spent, "the rest": whole - sum(spent.values())}


def _clocked(function: Callable[..., Any], name: str, spent: Seconds) -> Callable[..., Any]:
    @functools.wraps(function)
    def clocked(*args: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        try:
            return function(*args, **named)
        finally:
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - begun

    return clocked


def kernels(path: str) -> Seconds:
    """The ball maximum and the low-pass of a map beside what scipy has for them, and how often ours is faster."""
    from scipy.ndimage import maximum_filter

    from occupy_core.estimate.kernel import ball_mask, ball_maximum
    from occupy_core.fourier.filters import low_pass
    from occupy_core.maps.reading import read_map

    source = read_map(path)
    volume, ball_of_nine = source.data, ball_mask(9, 4.0)

    def transforms() -> None:
        scipy.fft.irfftn(scipy.fft.rfftn(volume, workers=THREADS), volume.shape, workers=THREADS)

    def ours() -> None:
        low_pass(volume, voxel_size=source.grid.voxel_size, cutoff_angstrom=8.0, threads=THREADS)

    spent = {
        "ball maximum, scipy": _medians([lambda: maximum_filter(volume, footprint=ball_of_nine)], 1)[0],
        "ball maximum": _medians([lambda: ball_maximum(volume, ball_of_nine, threads=THREADS)], 5)[0],
    }
    spent["transforms, scipy"], spent["low-pass"] = _medians([transforms, ours], 7)
    return spent


def _medians(functions: Sequence[Callable[[], object]], rounds: int) -> List[float]:
    """The median time of each, in turns."""
    spent: List[List[float]] = [[] for _ in functions]
    for _ in range(rounds):
        for own, function in zip(spent, functions):
            begun = time.perf_counter()
            function()
            own.append(time.perf_counter() - begun)
    return [float(np.median(own)) for own in spent]


if __name__ == "__main__":
    what = {"stages": stages, "kernels": kernels}[sys.argv[1]]
    print(json.dumps(what(*sys.argv[2:])))
