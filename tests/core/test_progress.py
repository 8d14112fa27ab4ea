# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines and progress bars that a job prints."""

import re

import pytest

from occupy_core import progress
from occupy_core.job.run import run_job
from occupy_core.progress import Progress, bar
from occupy_core.settings.job_spec import ClassInfo, Job, MapInput
from occupy_core.settings.settings import Settings


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_progress_bar_is_printed_after_three_seconds_without_a_line():
    said, clock = [], Clock()
    tell = Progress(said.append, 4, clock)
    with tell.part(1, "map 1 of 4") as step:
        clock.now = 2
        step(0.5, "local scale")
        assert said == []  # less than three seconds since the last line
        clock.now = 10
        step(0.5, "modified maps")
    assert said == ['0.17/1.33 min .....~~(,_,">                                   [oo]  map 1 of 4: modified maps']
    tell("Map 2")
    with pytest.raises(ZeroDivisionError), tell.part(1) as step:
        clock.now = 12
        step(0.5, "soon")
        1 / 0  # noqa: B018
    with tell.part(2, "comparison") as step:
        clock.now = 20
        step(0.0, "class 1")
    assert len(said) == 3 and said[2].startswith("  20/  40 sec ....................~~")  # a failed part counts as done


def test_the_bar_has_a_constant_width_and_uses_minutes_and_hours():
    lines = [bar(seconds, fraction, "") for seconds in (1, 90, 30000) for fraction in (0.01, 0.5, 1)]
    assert {len(re.sub(r"^.*?(sec|min|hrs) ", "", line)) for line in lines} == {52}
    assert "1.50/3.00 min" in bar(90, 0.5, "") and "1.00/10.00 hrs" in bar(3600, 0.1, "")


def test_a_job_on_classes_names_every_map_and_step(three_parts, write_mrc, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS", 0.0)
    maps = tuple(
        MapInput(write_mrc(three_parts.volume, f"c{number}.mrc"), f"class00{number}_", None, ClassInfo(number, 0.5))
        for number in (1, 2)
    )
    lines = []
    run_job(Job(maps, str(tmp_path / "out"), Settings(amplify=3.0), compare=True), progress=lines.append)
    said = "\n".join(lines)
    assert "\r" not in said
    order = ["full scale for 2", "full scale: class 2", "Map 1 of 2", "map 1 of 2: modified maps", "Map 2 of 2"]
    order += ["map 2 of 2: writing", "Comparing 2 maps", "comparison: class 1", "comparison: differences"]
    order += ["logfile.pdf"]
    places = [said.index(text) for text in order]
    assert places == sorted(places)
    dots = [line.count(".") - 2 for line in lines if "[oo]" in line and "~" in line]
    assert dots == sorted(dots) and dots[-1] > 30


def test_a_short_job_prints_no_progress_bar(phantom_file, tmp_path):
    lines = []
    run_job(Job((MapInput(phantom_file),), str(tmp_path / "out"), Settings()), progress=lines.append)
    assert not [line for line in lines if "[oo]" in line]
