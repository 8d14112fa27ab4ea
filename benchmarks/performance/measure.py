# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases that are timed, and the bounds that must hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from benchmarks.performance import maps
from benchmarks.performance.parts import Seconds, run_and_read, run_part
from benchmarks.performance.processes import (
    Cost,
    Run,
    core_job,
    floor_command,
    floor_process,
    median_costs,
    published_program,
    relion_job,
)
from occupy_core.settings.job_spec import ClassInfo, MapInput
from occupy_core.settings.settings import Settings

# The same three modifications, as options of our job and of the published program.
OUR_MODIFICATIONS = ("--amplify", "3", "--attenuate", "3", "--sigmoid", "4", "--pivot", "0.3")
PUBLISHED_MODIFICATIONS = (*OUR_MODIFICATIONS, "--lp-scale")
# Voxel sizes of the simulated maps by box, Å; other boxes have 1 Å. The low-pass is 8 Å, or three voxels if larger.
_VOXEL_SIZES = {64: 3.0, 128: 2.0}
_CLASSES, _CLASS_BOX = 10, 128
_WORKING_BOX, _LARGEST_BOX = 256, 512  # the default max_box, and the largest box measured
# The published program draws no figures. Bounds apply to jobs with figures (the default) and to jobs without.
_NO_FIGURES = ("--figures", "no")
_WITH_FIGURES = ", with figures (default)"


@dataclass(frozen=True)
class Row:
    """Costs of both programs in one case.

    Attributes
    ----------
    name : str
        Name of the case.
    ours, theirs : Cost
        Cost of this package and of the published program.
    """

    name: str
    ours: Cost
    theirs: Cost

    @property
    def times_faster(self) -> float:
        """Time of the published program divided by ours."""
        return self.theirs.seconds / self.ours.seconds

    @property
    def memory_ratio(self) -> float:
        """Our memory divided by that of the published program."""
        return self.ours.memory / self.theirs.memory


@dataclass(frozen=True)
class Bound:
    """A bound, the measured value in words, and whether the bound holds."""

    text: str
    measured: str
    holds: bool


@dataclass
class Results:
    """All measurements; attributes that were not measured are empty.

    Attributes
    ----------
    rows : list of Row
        Cases that both programs ran.
    ours_alone : dict of str to Cost
        Cases that only this package ran.
    stages : dict of str to dict of str to float
        For each kind of job, the seconds in each stage.
    floor : dict of str to float
        Seconds in each step of floor.py, and their sum ("floor").
    floor_process : Cost, optional
        Cost of floor.py as a process.
    kernels : dict of str to float
        Seconds of the kernel maximum, the low-pass, and the functions of scipy for the same tasks.
    bounds : list of Bound
        All bounds.
    """

    rows: List[Row] = field(default_factory=list)
    ours_alone: Dict[str, Cost] = field(default_factory=dict)
    stages: Dict[str, Seconds] = field(default_factory=dict)
    floor: Seconds = field(default_factory=dict)
    floor_process: Optional[Cost] = None
    kernels: Seconds = field(default_factory=dict)
    bounds: List[Bound] = field(default_factory=list)


def measure(folder: Path, boxes: Sequence[int], files: Sequence[Path], rounds: int) -> Results:
    """Measure all cases.

    Parameters
    ----------
    folder : Path
        Folder for maps and outputs.
    boxes : sequence of int
        Boxes of the simulated maps, voxels.
    files : sequence of Path
        Further maps: cubic, with an even box.
    rounds : int
        Number of runs of each case, of which the median counts.
    """
    benchmark = _Benchmark(folder, rounds)
    for box in boxes:
        if box == _CLASS_BOX:
            benchmark.measure_classes()
        elif box == _LARGEST_BOX:
            benchmark.measure_growth()
        else:
            benchmark.measure_map(box)
    for path in files:
        benchmark.compare_programs(f"{path.name}, estimate", path, (), ())
        name = f"{path.name}, three modifications"
        benchmark.compare_programs(name, path, OUR_MODIFICATIONS, PUBLISHED_MODIFICATIONS)
    return benchmark.results


@dataclass
class _Benchmark:
    """Measurements in a folder, with the number of runs of each case and the results so far."""

    folder: Path
    rounds: int
    results: Results = field(default_factory=Results)

    def measure_map(self, box: int) -> None:
        """Measure the estimate and the modification of one map."""
        voxel_size = _VOXEL_SIZES.get(box, 1.0)
        path = maps.simulated(self.folder, box, voxel_size)
        lowpass = ("--lowpass", str(max(8.0, 3 * voxel_size)))
        estimates: List[Row] = []
        if box <= _WORKING_BOX:
            others = [floor_process(path)] if box == _WORKING_BOX else []
            estimates, other_costs = self.compare_programs(f"{box}^3, estimate", path, lowpass, lowpass, others)
            if other_costs:
                self.results.floor_process = other_costs[0]
            self.add_bounds(estimates, 3 if box < _WORKING_BOX else 6, with_memory=box >= _WORKING_BOX)
        if box >= _WORKING_BOX:
            cropped = ", max_box 256" if box > _WORKING_BOX else ""
            rows, _ = self.compare_programs(
                f"{box}^3{cropped}, three modifications",
                path,
                (*lowpass, *OUR_MODIFICATIONS),
                (*lowpass, *PUBLISHED_MODIFICATIONS),
            )
            self.add_bounds(rows, 6 if box == _WORKING_BOX else 3, with_memory=True)
        if box == _WORKING_BOX:
            self.measure_parts(path, estimates)

    def measure_parts(self, path: Path, estimates: Sequence[Row]) -> None:
        """Measure the stages of a job, the floor, and the kernels; `estimates` are compared with the floor."""
        results = self.results
        stages = ["stages", f"{self.folder}/stages/", "--in_3dref", str(path)]
        results.stages["estimate"] = run_part(*stages, *_NO_FIGURES)
        results.stages["three modifications"] = run_part(*stages, *_NO_FIGURES, *OUR_MODIFICATIONS)
        results.stages["estimate, with figures"] = run_part(*stages)
        results.floor = run_and_read(floor_command(path, self.folder))
        floors = {"the floor": results.floor["floor"]}
        if results.floor_process is not None:
            floors["the floor as a process"] = results.floor_process.seconds
        for row in estimates:
            for name, seconds in floors.items():
                ratio = row.ours.seconds / seconds
                text = f"{row.name}: at most 3 times {name}"
                results.bounds.append(Bound(text, f"{ratio:.1f} times", ratio <= 3))
        results.kernels = kernels = run_part("kernels", str(path))
        pairs = (("kernel maximum", "kernel maximum, scipy", 15), ("low-pass", "Fourier transforms, scipy", 1.8))
        for name, scipy_name, least in pairs:
            faster = kernels[scipy_name] / kernels[name]
            text = f"{name}: at least {least} times faster than scipy"
            results.bounds.append(Bound(text, f"{faster:.1f} times", faster >= least))

    def measure_classes(self) -> None:
        """Measure a job on ten classes, with and without comparing them."""
        voxel_size = _VOXEL_SIZES[_CLASS_BOX]
        occupancies = [(1.0, number / 10, 1 - number / 10) for number in range(_CLASSES)]
        paths = [maps.simulated(self.folder, _CLASS_BOX, voxel_size, occupancies=values) for values in occupancies]
        star = maps.classification(self.folder, paths)
        lowpass = max(8.0, 3 * voxel_size)
        options = ("--lowpass", str(lowpass))  # our default, and the resolution that the STAR file gives
        inputs = [
            MapInput(str(path), f"class{number:03d}_", None, ClassInfo(number, 1 / len(paths)))
            for number, path in enumerate(paths, start=1)
        ]
        name = f"ten classes of {_CLASS_BOX}^3 in one job"
        runs = {
            name: core_job(inputs, Settings(lowpass=lowpass, figures=False)),
            f"{name}{_WITH_FIGURES}": core_job(inputs, Settings(lowpass=lowpass)),
            f"{name}, and compared": relion_job("--in_3dref", str(star), *_NO_FIGURES),
            f"{name}, and compared{_WITH_FIGURES}": relion_job("--in_3dref", str(star)),
        }
        all_runs = [*runs.values(), published_program(paths, *options)]
        *our_costs, their_cost = median_costs(all_runs, self.rounds, self.folder)
        rows = [Row(case, cost, their_cost) for case, cost in zip(runs, our_costs)]
        self.results.rows += rows
        self.add_bounds(rows, 8, with_memory=False)
        without, compared = our_costs[1].seconds, our_costs[3].seconds
        text = f"{name}, and compared{_WITH_FIGURES}: at most twice the time of the job that does not compare"
        self.results.bounds.append(Bound(text, f"{compared / without:.2f} times", compared <= 2 * without))

    def measure_growth(self) -> None:
        """Measure how time and memory grow with the number of voxels, without Fourier cropping."""
        boxes = (_WORKING_BOX, _LARGEST_BOX)
        names = [f"{box}^3, max_box 0, estimate" for box in boxes]
        paths = [maps.simulated(self.folder, box, 1.0) for box in boxes]
        options = ("--max_box", "0", "--lowpass", "8", *_NO_FIGURES)
        runs = [relion_job("--in_3dref", str(path), *options) for path in paths]
        small, large = median_costs(runs, self.rounds, self.folder)
        self.results.ours_alone.update(zip(names, (small, large)))
        for quantity, ratio in (("time", large.seconds / small.seconds), ("memory", large.memory / small.memory)):
            text = f"{names[1]}: at most 9 times the {quantity} of {_WORKING_BOX}^3"
            self.results.bounds.append(Bound(text, f"{ratio:.1f} times", ratio <= 9))

    def compare_programs(
        self,
        name: str,
        path: Path,
        our_options: Sequence[str],
        their_options: Sequence[str],
        others: Sequence[Run] = (),
    ) -> Tuple[List[Row], List[Cost]]:
        """Measure both programs on one map, alternating with `others`.

        Returns
        -------
        rows : list of Row
            Our job without and with figures.
        other_costs : list of Cost
            Costs of `others`.
        """
        options = ("--in_3dref", str(path), *our_options)
        runs = [
            relion_job(*options, *_NO_FIGURES),
            relion_job(*options),
            published_program([path], *their_options),
            *others,
        ]
        plain, drawn, their_cost, *other_costs = median_costs(runs, self.rounds, self.folder)
        rows = [Row(name, plain, their_cost), Row(f"{name}{_WITH_FIGURES}", drawn, their_cost)]
        self.results.rows += rows
        return rows, other_costs

    def add_bounds(self, rows: Sequence[Row], min_times_faster: float, *, with_memory: bool) -> None:
        """Add the bounds on time and, if asked for, on memory."""
        bounds = self.results.bounds
        for row in rows:
            text = f"{row.name}: at least {min_times_faster} times faster"
            bounds.append(Bound(text, f"{row.times_faster:.1f} times", row.times_faster >= min_times_faster))
            if with_memory:
                text = f"{row.name}: at most half the memory"
                bounds.append(Bound(text, f"{row.memory_ratio:.2f}", row.memory_ratio <= 0.5))
