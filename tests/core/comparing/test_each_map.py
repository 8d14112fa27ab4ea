# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps that are measured several at a time: the results, their order and the errors are those of one at a time."""

from threading import current_thread, main_thread

import numpy as np
import pytest

from occupy_core.comparing.each_map import maps_at_once, measure_usable_maps
from occupy_core.errors import JobError, MapError
from occupy_core.settings.job_spec import ClassInfo, MapInput


@pytest.mark.parametrize(
    ("side", "threads", "together"), [(128, 1, 1), (128, 2, 2), (128, 8, 2), (64, 8, 8), (161, 2, 1), (512, 8, 1)]
)
def test_only_small_maps_are_measured_at_a_time(side, threads, together):
    assert maps_at_once((side,) * 3, threads) == together


@pytest.fixture
def maps(write_mrc):
    """Seven maps, which hold their number; map 3 has no particles."""
    paths = [write_mrc(np.full((8, 8, 8), number, "f4") + noise(number), f"{number}.mrc") for number in range(7)]
    return [
        MapInput(path, f"{number}_", None, ClassInfo(number, 0.1, particles=0 if number == 3 else 100))
        for number, path in enumerate(paths)
    ]


def noise(number):
    return np.random.default_rng(number).uniform(0, 0.1, (8, 8, 8)).astype("f4")


@pytest.mark.parametrize("threads", [1, 2, 3, 20])
def test_results_and_reasons_are_in_the_order_of_the_maps(maps, threads):
    on_main = []

    def measure(source, inner):
        on_main.append(current_thread() is main_thread())
        assert inner == 1
        if int(source.data.min()) in (1, 5):
            raise MapError("too odd")
        return int(source.data.min())

    notes, steps = [], []
    step = lambda fraction, text: steps.append((fraction, text))  # noqa: E731
    assert list(measure_usable_maps(maps, measure, notes, step, threads=threads).items()) == [
        (number, number) for number in (0, 2, 4, 6)
    ]
    assert notes == [
        "class 1 is left out of the comparison: too odd",
        "class 3 is left out of the comparison: it has no particles",
        "class 5 is left out of the comparison: too odd",
    ]
    assert [text for _, text in steps] == [item.name for item in maps]
    assert len(on_main) == 6 and (threads > 1 or all(on_main))


@pytest.mark.parametrize("threads", [1, 4])
def test_a_map_on_another_grid_ends_the_job(maps, threads, write_mrc):
    values = np.random.default_rng(0).uniform(0, 1, (9, 9, 9)).astype("f4")
    other = MapInput(write_mrc(values, "other.mrc"), "9_", None, None)
    with pytest.raises(JobError, match="other.mrc: has box 9 x 9 x 9 instead of 8 x 8 x 8"):
        measure_usable_maps([*maps, other], lambda source, inner: 0, [], threads=threads)


@pytest.mark.parametrize("threads", [1, 4])
def test_an_error_in_a_thread_ends_the_job(maps, threads):
    def measure(source, inner):
        raise JobError("the disk is full")

    with pytest.raises(JobError, match="the disk is full"):
        measure_usable_maps(maps, measure, [], threads=threads)
