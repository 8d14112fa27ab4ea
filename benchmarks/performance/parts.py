# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the stages of a job, and compare the kernel maximum and the low-pass with scipy.

`python -m benchmarks.performance.parts stages FOLDER OPTION...` and `... kernels MAP` print the seconds as JSON. Each
runs as a separate process, so that memory and caches of one measurement do not affect another.
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


def run_part(*arguments: str) -> Seconds:
    """Run this module as a process with these arguments, and return the seconds that it prints."""
    return run_and_read([sys.executable, "-m", "benchmarks.performance.parts", *arguments])


def run_and_read(command: Sequence[str]) -> Seconds:
    """Run a command, and return the seconds that it prints as JSON in its last line."""
    done = subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True)
    seconds: Seconds = json.loads(done.stdout.splitlines()[-1])
    return seconds


def stages(folder: str, *options: str) -> Seconds:
    """Run a job with output folder `folder`, and measure the seconds in each stage; stages do not overlap."""
    start = time.perf_counter()
    from occupy_core import map_estimate
    from occupy_core.estimate import calibration, molecule, prepare
    from occupy_core.job import one_map
    from occupy_core.modify.to_input_grid import OutputResampler
    from occupy_core.solvent.model import SolventModel
    from relion_external.job import run as run_external_job

    imports = time.perf_counter() - start
    seconds: Seconds = {}
    # Stage, module or class that calls the function, and name of the function there.
    functions = [
        ("reading", one_map, "read_map"),
        ("low-pass", prepare, "low_pass"),
        ("Fourier cropping", prepare, "resize"),
        ("solvent region", prepare, "flat_areas"),
        ("solvent region", prepare, "solvent_region"),
        ("solvent model", map_estimate, "fit_solvent"),
        ("kernel maximum", prepare, "ball_maximum"),
        ("kernel maximum", molecule, "ball_maximum"),
        ("reference value", prepare, "tiled_reference"),
        ("reference value", calibration, "calibrate"),
        ("local scale", map_estimate, "local_scale"),
        ("local scale", map_estimate, "variability_limit"),
        ("confidence", SolventModel, "confidence_map"),
        ("filler noise", map_estimate, "pure_solvent"),
        ("filler noise", map_estimate, "solvent_noise"),
        ("modifying and writing maps", OutputResampler, "send_modified"),
        ("writing scale and confidence", OutputResampler, "send_fraction"),
    ]
    for stage, owner, name in functions:
        setattr(owner, name, _timed(getattr(owner, name), stage, seconds))
    start = time.perf_counter()
    if run_external_job(["--o", folder, "--j", str(THREADS), *options]):
        raise SystemExit(1)
    total = time.perf_counter() - start
    return {"imports": imports, **seconds, "other steps": total - sum(seconds.values())}


def _timed(function: Callable[..., Any], stage: str, seconds: Seconds) -> Callable[..., Any]:
    """Wrap a function so that the time of every call is added to `seconds[stage]`."""

    @functools.wraps(function)
    def timed(*args: Any, **named: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*args, **named)
        finally:
            seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - start

    return timed


def kernels(path: str) -> Seconds:
    """Measure the kernel maximum and the low-pass of a map file, and the functions of scipy for the same tasks."""
    from scipy.ndimage import maximum_filter

    from occupy_core.estimate.kernel import ball_mask, ball_maximum
    from occupy_core.fourier.low_pass import low_pass
    from occupy_core.maps.reading import read_map

    source = read_map(path)
    volume, kernel = source.data, ball_mask(9, 4.0)

    def scipy_transforms() -> None:
        scipy.fft.irfftn(scipy.fft.rfftn(volume, workers=THREADS), volume.shape, workers=THREADS)

    def our_low_pass() -> None:
        low_pass(volume, voxel_size=source.grid.voxel_size, cutoff_angstrom=8.0, threads=THREADS)

    seconds = {
        "kernel maximum, scipy": _median_times([lambda: maximum_filter(volume, footprint=kernel)], 1)[0],
        "kernel maximum": _median_times([lambda: ball_maximum(volume, kernel, threads=THREADS)], 5)[0],
    }
    seconds["Fourier transforms, scipy"], seconds["low-pass"] = _median_times([scipy_transforms, our_low_pass], 7)
    return seconds


def _median_times(functions: Sequence[Callable[[], object]], rounds: int) -> List[float]:
    """Return the median time of each function; every round calls each of them once."""
    times: List[List[float]] = [[] for _ in functions]
    for _ in range(rounds):
        for own_times, function in zip(times, functions):
            start = time.perf_counter()
            function()
            own_times.append(time.perf_counter() - start)
    return [float(np.median(own_times)) for own_times in times]


if __name__ == "__main__":
    part = {"stages": stages, "kernels": kernels}[sys.argv[1]]
    print(json.dumps(part(*sys.argv[2:])))
