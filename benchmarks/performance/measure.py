# SPDX-License-Identifier: GPL-3.0-or-later
"""What is timed, and what must hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from benchmarks.performance import maps
from benchmarks.performance.parts import Seconds, measured, told_by
from benchmarks.performance.processes import Cost, Run, alternately, floor_command, our_job, ours, the_floor, theirs
from occupy_core.settings.job_spec import ClassInfo, MapInput
from occupy_core.settings.settings import Settings

MODIFICATIONS = {
    "ours": ("--amplify", "3", "--attenuate", "3", "--sigmoid", "4", "--pivot", "0.3"),
    "theirs": ("--amplify", "3", "--attenuate", "3", "--sigmoid", "4", "--pivot", "0.3", "--lp-scale"),
}
# Of the simulated maps, Å; one that is not named has 1 Å. The low-pass is 8 Å, or three voxels.
_VOXEL_SIZES = {64: 3.0, 128: 2.0}
_CLASSES, _CLASS_BOX = 10, 128
_LARGEST, _WHOLE = 512, 256
# The published program draws nothing; bounds are asked of jobs that draw, as by default, and of those that do not.
_NO_FIGURES = ("--figures", "no")
_DRAWN = ", with figures (default)"


@dataclass(frozen=True)
class Row:
    """One case: both programs' costs, and how many times faster ours is and what share of the memory it takes."""

    name: str
    ours: Cost
    theirs: Cost

    @property
    def faster(self) -> float:
        return self.theirs.seconds / self.ours.seconds

    @property
    def memory(self) -> float:
        return self.ours.memory / self.theirs.memory


@dataclass(frozen=True)
class Bound:
    """What must hold, what was found, and whether it does."""

    what: str
    found: str
    holds: bool


@dataclass
class Found:
    """All that was measured: cases, cost by stage (case by name), the floor (and as a process) and the kernels; empty
    where not asked."""

    rows: List[Row] = field(default_factory=list)
    alone: Dict[str, Cost] = field(default_factory=dict)
    stages: Dict[str, Seconds] = field(default_factory=dict)
    floor: Seconds = field(default_factory=dict)
    floor_process: Optional[Cost] = None
    kernels: Seconds = field(default_factory=dict)
    bounds: List[Bound] = field(default_factory=list)


def measure(folder: Path, boxes: Sequence[int], files: Sequence[Path], rounds: int) -> Found:
    """Time everything, the boxes one after the other, each of them in `rounds` rounds."""
    found = Found()
    for box in boxes:
        if box == _CLASS_BOX:
            _classes(found, folder, rounds)
        elif box == _LARGEST:
            _growth(found, folder, rounds)
        else:
            _one_map(found, folder, box, rounds)
    for path in files:
        _beside(found, f"{path.name}, estimate", path, (), (), folder, rounds)
        _beside(found, f"{path.name}, three modifications", path, *MODIFICATIONS.values(), folder, rounds)
    return found


def _one_map(found: Found, folder: Path, box: int, rounds: int) -> None:
    path = maps.simulated(folder, box, _VOXEL_SIZES.get(box, 1.0))
    lowpass = str(max(8.0, 3 * _VOXEL_SIZES.get(box, 1.0)))
    same = ("--lowpass", lowpass)
    estimates: List[Row] = []
    if box <= _WHOLE:
        more = [the_floor(path)] if box == _WHOLE else []
        estimates, others = _beside(found, f"{box}^3, estimate", path, same, same, folder, rounds, more)
        found.floor_process = others[0] if others else found.floor_process
        _bound(found, estimates, 3 if box < _WHOLE else 6, box >= _WHOLE)
    if box >= _WHOLE:
        words = [(*same, *own) for own in MODIFICATIONS.values()]
        cropped = ", max_box 256" if box > _WHOLE else ""
        rows, _ = _beside(found, f"{box}^3{cropped}, three modifications", path, words[0], words[1], folder, rounds)
        _bound(found, rows, 6 if box == _WHOLE else 3, True)
    if box == _WHOLE:
        _parts(found, folder, path, estimates)


def _parts(found: Found, folder: Path, path: Path, estimates: Sequence[Row]) -> None:
    stages = ["stages", f"{folder}/stages/", "--in_3dref", str(path)]
    found.stages["estimate"] = measured(*stages, *_NO_FIGURES)
    found.stages["three modifications"] = measured(*stages, *_NO_FIGURES, *MODIFICATIONS["ours"])
    found.stages["estimate, with figures"] = measured(*stages)
    found.floor = told_by(floor_command(path, folder))
    floors = {"the floor": found.floor["floor"]}
    if found.floor_process is not None:
        floors["the floor as a process"] = found.floor_process.seconds
    for row in estimates:
        for name, seconds in floors.items():
            ratio = row.ours.seconds / seconds
            found.bounds.append(Bound(f"{row.name}: at most 3 times {name}", f"{ratio:.1f} times", ratio <= 3))
    found.kernels = kernels = measured("kernels", str(path))
    for name, other, least in (("ball maximum", "ball maximum, scipy", 15), ("low-pass", "transforms, scipy", 1.8)):
        faster = kernels[other] / kernels[name]
        found.bounds.append(Bound(f"{name}: at least {least} times scipy", f"{faster:.1f} times", faster >= least))


def _classes(found: Found, folder: Path, rounds: int) -> None:
    voxel_size = _VOXEL_SIZES[_CLASS_BOX]
    occupancies = [(1.0, number / 10, 1 - number / 10) for number in range(_CLASSES)]
    paths = [maps.simulated(folder, _CLASS_BOX, voxel_size, occupancies=chosen) for chosen in occupancies]
    star = maps.classification(folder, paths)
    lowpass = max(8.0, 3 * voxel_size)
    words = ("--lowpass", str(lowpass))
    inputs = [
        MapInput(str(path), f"class{number:03d}_", None, ClassInfo(number, 1 / len(paths)))
        for number, path in enumerate(paths, start=1)
    ]
    name = f"ten classes of {_CLASS_BOX}^3 in one job"
    kinds = {
        name: our_job(inputs, Settings(lowpass=lowpass, figures=False)),
        f"{name}{_DRAWN}": our_job(inputs, Settings(lowpass=lowpass)),
        f"{name}, and compared": ours("--in_3dref", str(star), *words, *_NO_FIGURES),
        f"{name}, and compared{_DRAWN}": ours("--in_3dref", str(star), *words),
    }
    *our_costs, their_cost = alternately([*kinds.values(), theirs(paths, *words)], rounds, folder)
    rows = [Row(kind, cost, their_cost) for kind, cost in zip(kinds, our_costs)]
    found.rows += rows
    _bound(found, rows, 8, False)


def _growth(found: Found, folder: Path, rounds: int) -> None:
    names = [f"{box}^3, max_box 0, estimate" for box in (_WHOLE, _LARGEST)]
    paths = [maps.simulated(folder, box, 1.0) for box in (_WHOLE, _LARGEST)]
    runs = [ours("--in_3dref", str(path), "--max_box", "0", "--lowpass", "8", *_NO_FIGURES) for path in paths]
    small, large = alternately(runs, rounds, folder)
    found.alone.update(zip(names, (small, large)))
    for what, ratio in (("time", large.seconds / small.seconds), ("memory", large.memory / small.memory)):
        found.bounds.append(Bound(f"{names[1]}: at most 9 times the {what}", f"{ratio:.1f} times", ratio <= 9))


def _beside(
    found: Found,
    name: str,
    path: Path,
    our_words: Sequence[str],
    their_words: Sequence[str],
    folder: Path,
    rounds: int,
    more: Sequence[Run] = (),
) -> Tuple[List[Row], List[Cost]]:
    """The rows without and with figures, and the costs of what else was run."""
    words = ("--in_3dref", str(path), *our_words)
    runs = [ours(*words, *_NO_FIGURES), ours(*words), theirs([path], *their_words), *more]
    plain, drawn, their_cost, *others = alternately(runs, rounds, folder)
    rows = [Row(name, plain, their_cost), Row(f"{name}{_DRAWN}", drawn, their_cost)]
    found.rows += rows
    return rows, others


def _bound(found: Found, rows: Sequence[Row], least: float, memory: bool) -> None:
    for row in rows:
        told = f"{row.name}: at least {least} times faster"
        found.bounds.append(Bound(told, f"{row.faster:.1f} times", row.faster >= least))
        if memory:
            found.bounds.append(Bound(f"{row.name}: at most half the memory", f"{row.memory:.2f}", row.memory <= 0.5))
