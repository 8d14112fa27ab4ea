# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of jobs with one value that no job writes."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any, Iterator, Sequence, Tuple

import mrcfile

from demo.simulate import phantom
from occupy_core.job.run import run_job
from occupy_core.settings.job_spec import ClassInfo, Job, MapInput
from occupy_core.settings.settings import Settings

_ODD: Tuple[Any, ...] = (
    *(None, "", "x", "../../x", "a\nb", "\0", "\udc80", 0, -1, 1.5, float("inf"), True),
    *([], ["x"], [None], [[]], {}, {"x": 1}, {"outputs": 5}),
)
_MOST_ITEMS = 2  # of a list whose items are changed


def write_report(folder: Path) -> Path:
    """Run a job on two classes with a target mask in a folder, and return the path of its report."""
    simulated = phantom()
    for name, data in (("map1.mrc", simulated.volume), ("map2.mrc", simulated.volume * 0.9), ("part.mrc", None)):
        with mrcfile.new(str(folder / name)) as mrc:
            mrc.set_data((simulated.parts[0] if data is None else data).astype("f4"))
            mrc.set_volume()
            mrc.voxel_size = 3.0
    maps = tuple(
        MapInput(str(folder / f"map{number}.mrc"), f"class00{number}_", 3.0, ClassInfo(number, 0.5, 90, 9.0))
        for number in (1, 2)
    )
    settings = Settings(attenuate=2.0, target_mask=(str(folder / "part.mrc"),), figures=False)
    run_job(Job(maps, str(folder / "out"), settings, compare=True))
    return folder / "out" / "report.json"


def odd_reports(report: Any, *, seed: int, count: int, within: Sequence[str] = ()) -> Iterator[Tuple[str, Any]]:
    """Yield copies of a report in which one value is replaced or missing, with the name of the change.

    `within` limits the changes to some of the report's parts.
    """
    rng = random.Random(seed)
    places = [place for place in _places(report) if not within or place[:1] in [(name,) for name in within]]
    for _ in range(count):
        place, value = rng.choice(places), rng.choice((*_ODD, _MISSING))
        changed = {"": copy.deepcopy(report)}
        holder: Any = changed
        for key in ("", *place)[:-1]:
            holder = holder[key]
        last = ("", *place)[-1]
        if value is _MISSING:
            if place:
                del holder[last]
        else:
            holder[last] = value
        yield f"{'.'.join(map(str, place))} = {'nothing' if value is _MISSING else repr(value)}", changed[""]


_MISSING = object()


def _places(value: Any, place: Tuple[Any, ...] = ()) -> Iterator[Tuple[Any, ...]]:
    yield place
    keys = value if isinstance(value, dict) else range(min(_MOST_ITEMS, len(value))) if isinstance(value, list) else ()
    for key in keys:
        yield from _places(value[key], (*place, key))
