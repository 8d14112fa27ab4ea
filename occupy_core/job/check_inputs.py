# SPDX-License-Identifier: GPL-3.0-or-later
"""Check all input files of a job before the work: that they exist, what their headers say, and that grids agree."""

from __future__ import annotations

from typing import Dict, Iterator, List, Sequence

from occupy_core.errors import JobError, MapError, ModelError, OccupyError, SettingsError, numbered_list
from occupy_core.input_files import require_regular_file
from occupy_core.job.several_maps import shares_full_scale
from occupy_core.maps.grid import MapGrid
from occupy_core.maps.reading import check_on_grid, check_values, read_grid
from occupy_core.modify.histogram_matching import require_scikit_image
from occupy_core.progress import Say
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.kind_of_groups import check_kind_of_groups
from occupy_core.settings.typed_paths import encoding_problem


def check_inputs(job: Job, say: Say) -> None:
    """Refuse a job whose input files cannot be used, as far as names and headers tell; one error for all problems.

    A damaged map among several is an error where the results of all maps depend on it: where they are compared, share
    their full scale, or show one model. Then the values of all maps are read. A damaged map of a set in which each map
    stands alone is left out; classes without particles are not read. A mask must lie on the grid of at least one map;
    its values are read too.

    Parameters
    ----------
    job : Job
    say : callable
        Called with a line for each map that will be left out, and for a mask of the classification that cannot be used.

    Raises
    ------
    MapError, ModelError, SettingsError, JobError
        If files cannot be used, or a library that the settings need is not installed.
    """
    if job.settings.hist_match:
        require_scikit_image()
    grids: Dict[str, MapGrid] = {}
    bad_maps: List[MapError] = []
    damaged: List[str] = []
    needed = _maps_that_all_results_need(job)
    for item in job.shown_maps:
        try:
            _check_name(item.path)
            grids[item.path] = read_grid(item.path, voxel_size=item.voxel_size)
            if item in needed:
                check_values(item.path, threads=job.threads)
        except MapError as error:
            bad_maps.append(error)
            damaged += [str(error)] if item in needed else []
    if damaged:
        raise _damaged_error(damaged, len(job.maps))
    others = [*_grid_problems(job, grids), *_mask_problems(job, grids), *_model_problems(job)]
    others += _difference_problems(job)
    problems = [*([] if grids else bad_maps), *others]
    if len(problems) == 1 and (grids or len(job.maps) == 1):
        raise problems[0]
    if problems:
        head = f"{len(problems)} problems with the input files" if grids or len(job.maps) == 1 else _all_failed(job)
        raise JobError(numbered_list(head, [str(error) for error in problems]))
    for bad in bad_maps:
        say(f"WARNING: this map will be left out: {bad}")
    for text in _focus_problems(job, grids):
        say(f"WARNING: {text}")


def _maps_that_all_results_need(job: Job) -> List[MapInput]:
    """Return the maps without which the results of the others would be wrong: none for maps that stand alone."""
    if len(job.maps) < 2 or not (job.compare or shares_full_scale(job) or job.settings.model):
        return []
    return list(job.shown_maps)


def _damaged_error(problems: Sequence[str], count: int) -> MapError:
    """Return the error for maps that cannot be read, are constant or hold NaN."""
    way_out = "put a good copy in place, or choose the other maps only"
    if len(problems) == 1:
        return MapError(f"{problems[0]}; the results of all {count} maps need this one: {way_out}")
    head = f"{len(problems)} of {count} maps cannot be used, and the results of all need them; {way_out}"
    return MapError(numbered_list(head, problems))


def _all_failed(job: Job) -> str:
    return f"all {len(job.maps)} maps failed"


def _difference_problems(job: Job) -> List[SettingsError]:
    """Return why no difference of two classes can be made: the job compares none, or has no such classes."""
    if not job.settings.difference:
        return []
    if len(job.maps) < 2 or not job.compare:
        found = f"one map, {job.maps[0].path}" if len(job.maps) == 1 else "maps that the job does not compare"
        return [
            SettingsError(
                "difference",
                f"got {job.settings.difference}, but found {found}, expected classes to compare; leave it out",
            )
        ]
    from occupy_core.comparing.each_map import indices_of_difference  # not needed for one map

    try:
        indices_of_difference(job.maps, job.settings)
    except SettingsError as error:
        return [error]
    return []


def _grid_problems(job: Job, grids: Dict[str, MapGrid]) -> Iterator[OccupyError]:
    """Yield why maps cannot share one full scale: maps on another grid, a reference that is none of them."""
    if not (shares_full_scale(job) or job.is_ensemble):
        return
    from occupy_core.comparing.each_map import grid_problems, index_of_named_map  # not needed for one map

    try:
        index_of_named_map(job.maps, job.settings)
    except SettingsError as error:
        yield error
    yield from map(JobError, grid_problems(list(grids.items())))


def _mask_problems(job: Job, grids: Dict[str, MapGrid]) -> Iterator[OccupyError]:
    """Yield the problem of each mask that cannot be read, is constant, holds NaN, or lies on the grid of no map."""
    settings = job.settings
    masks = [("target mask", path) for path in settings.target_mask]
    if settings.solvent_def is not None:
        masks.insert(0, ("solvent definition", settings.solvent_def))
    for role, path in masks:
        try:
            _check_name(path)
            if grids:
                _require_grid_of_a_map(path, grids, role)
                check_values(path, threads=job.threads)
            else:
                require_regular_file(path, expected="a map in MRC or CCP4 format", error=MapError)
        except MapError as error:
            yield error


def _require_grid_of_a_map(path: str, grids: Dict[str, MapGrid], role: str) -> None:
    """Raise the first map's MapError unless a mask lies on the grid of one of the maps."""
    errors = []
    for name, grid in grids.items():
        try:
            return check_on_grid(path, grid, name, role)
        except MapError as error:
            errors.append(error)
    raise errors[0]


def _focus_problems(job: Job, grids: Dict[str, MapGrid]) -> Iterator[str]:
    """Yield why the mask of the classification cannot be used, which costs the job a warning only."""
    if job.focus_mask is None:
        return
    name, grid = next(iter(grids.items()))
    try:
        _check_name(job.focus_mask)
        check_on_grid(job.focus_mask, grid, name, "mask of the classification")
    except MapError as error:
        yield f"the mask of the classification cannot be used: {error}"


def _model_problems(job: Job) -> Iterator[OccupyError]:
    """Yield the problems of the files of the model and of its parts."""
    if job.settings.model is None:
        return
    try:
        require_regular_file(job.settings.model, expected="an atomic model (PDB or mmCIF)", error=ModelError)
    except ModelError as error:
        yield error
    try:
        check_kind_of_groups(job.settings.model_groups)
    except ModelError as error:
        yield error


def _check_name(path: str) -> None:
    problem = encoding_problem(path)
    if problem:
        raise MapError(problem)
