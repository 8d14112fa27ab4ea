# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every map and all settings: results as promised, or one line; never another exception or a warning.

hypothesis draws the cases, the same in each run.
"""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from benchmarks.kills.steps import in_memory
from occupy_core.errors import OccupyError
from occupy_core.job.run import run_job
from occupy_core.maps.density_map import map_from_array
from occupy_core.process import process_map
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.settings import MODES, NORMALISATIONS, Settings
from tests.fuzzing.headers import map_bytes
from tests.fuzzing.job_outputs import check_outputs, check_values
from tests.fuzzing.small_maps import KINDS, small_map, small_mask
from tests.fuzzing.trial import is_one_line

VOXEL_SIZE = 4.0
SHAPES = st.sampled_from([(8, 8, 8), (9, 9, 9), (12, 12, 12), (16, 16, 16), (17, 17, 17), (24, 24, 24), (8, 13, 24)])
SEEDS = st.integers(0, 2**32 - 1)


def repeatable(examples):
    """Draw this many cases, the same in each run, however long each takes."""
    return effort(
        max_examples=examples, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )


@st.composite
def maps(draw):
    """A small map of any kind, in which a few voxels may have any value."""
    shape = draw(SHAPES)
    kind = draw(st.sampled_from(("molecule", "masked molecule", "noise") * 8 + KINDS))
    values = small_map(kind, shape, np.random.default_rng(draw(SEEDS)))
    if draw(st.booleans()):
        limit = draw(st.sampled_from([1.0, 128.0, 2.0**33, 2.0**100, None]))
        low = None if limit is None else -limit
        changed = draw(st.lists(st.floats(low, limit, width=32), max_size=20))
        first = draw(st.integers(0, values.size - 20))
        values.reshape(-1)[first : first + len(changed)] = changed
    return values


def optional(values):
    return st.one_of(st.none(), st.none(), values)


def numbers(low, high):
    """Numbers from their whole range, most of them in it, some at its ends, few beyond."""
    inside = st.floats(low, high)
    return st.integers(0, 9).flatmap(lambda kind: st.floats() if kind == 9 else st.just(high) if kind == 8 else inside)


POWERS = optional(numbers(1.0, 50.0))
CHOICES = {
    "mode": st.sampled_from(MODES),
    "amplify": POWERS,
    "attenuate": POWERS,
    "sigmoid": POWERS,
    "pivot": numbers(0.01, 0.99),
    "exclude_solvent": st.booleans(),
    "lowpass": optional(numbers(2 * VOXEL_SIZE, 12 * VOXEL_SIZE)),
    "kernel_size": optional(st.sampled_from([*range(3, 17, 2), 31, 4, 33, -1])),
    "kernel_radius": optional(numbers(1e-3, 40.0)),
    "tau": optional(numbers(1e-6, 1 - 1e-6)),
    "normalisation": st.sampled_from(NORMALISATIONS),
    "tile_size": st.integers(2, 130),
    "nlrc": st.booleans(),
    "hedge_confidence": numbers(1.0, 20.0),
    "omit_confidence": st.booleans(),
    "scale_limit": numbers(0.0, 1.0),
    "lowpass_output": optional(numbers(2 * VOXEL_SIZE, 12 * VOXEL_SIZE)),
    "hist_match": st.booleans(),
    "max_box": st.sampled_from([0, 32, 256]),
    "subtraction_mask": st.booleans(),
    "solvent_threshold": optional(numbers(0.0, 1.0)),
    "seed": st.integers(-1, 2**31),
}


@st.composite
def drawn_settings(draw):
    """A few settings by name; the others keep their defaults."""
    names = draw(st.lists(st.sampled_from(sorted(CHOICES)), max_size=6, unique=True))
    return {name: draw(CHOICES[name]) for name in names}


def ends_in_one_line(act):
    """Return the result of `act`, or None if it raises an error with one line for the user."""
    try:
        return act()
    except OccupyError as error:
        assert is_one_line(str(error)), str(error)
        return None


def values_of(result):
    return {"scale": result.scale, "confidence": result.confidence, **result.modified, **result.masks}


@repeatable(300)
@given(values=maps(), chosen=drawn_settings(), mask_seed=SEEDS, masks=st.sampled_from(["", "s", "t", "st"]))
def test_results_are_finite_and_do_not_depend_on_threads(values, chosen, mask_seed, masks):
    mask = small_mask(values.shape, np.random.default_rng(mask_seed))
    if "s" in masks:
        chosen = {**chosen, "solvent_def": "solvent"}
    if "t" in masks:
        chosen = {**chosen, "target_mask": ("target",)}

    def process(threads):
        arrays_by_name = {"solvent": mask, "target": mask}
        source = map_from_array(values, voxel_size=VOXEL_SIZE, name="map", masks=arrays_by_name)
        return process_map(source, Settings(**chosen), threads=threads)

    result = ends_in_one_line(lambda: process(1))
    if result is None:
        return
    found = values_of(result)
    for name, output in found.items():
        assert output.shape == values.shape and output.dtype == np.float32, name
        check_values(name, output)
    for name, output in values_of(process(2)).items():
        np.testing.assert_array_equal(output, found[name], err_msg=name)
    for target in result.targets:
        assert 0 <= target.lower_quartile <= target.median <= target.upper_quartile <= 1
        assert target.interval is None or 0 <= target.interval[0] <= target.interval[1] <= 1


@repeatable(100)
@given(values=maps(), chosen=drawn_settings())
def test_jobs_write_reports_and_maps_that_can_be_read(values, chosen):
    with tempfile.TemporaryDirectory(dir=in_memory()) as name:
        path = Path(name, "map.mrc")
        path.write_bytes(map_bytes(values, voxel_size=VOXEL_SIZE))
        before = path.read_bytes()

        def job():
            return run_job(Job((MapInput(str(path)),), f"{name}/job", Settings(**{**chosen, "figures": False})))

        if ends_in_one_line(job) is None:
            assert not list(Path(name).glob("job/*"))
        else:
            check_outputs(Path(name, "job"))
        assert path.read_bytes() == before
