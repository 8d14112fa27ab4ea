# SPDX-License-Identifier: GPL-3.0-or-later
"""One map from end to end: estimate its local scale, modify it, measure masks.

`process_map` calls the steps in order: `estimate_scale`, `modify_map`, `store_scale`, `measure_map`. Each step takes
the frozen record `Estimate` (occupy_core.map_estimate). Maps that the next step does not need are dropped from the
record first, because a map may fill much of the memory.

Method: Forsberg, Shah & Burt, Nature Communications 14 (2023), doi:10.1038/s41467-023-41478-1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Callable, Dict, Optional, Tuple

import numpy as np

from occupy_core.arrays.slabs import select_values
from occupy_core.arrays.types import SlabSink, Volume
from occupy_core.estimate.parameters import ResolvedParameters
from occupy_core.estimate.reference import Reference
from occupy_core.estimate.targets import Target, check_targets, measure_target
from occupy_core.map_estimate import Estimate, estimate_scale
from occupy_core.maps.density_map import DensityMap, inverted_map
from occupy_core.modify.modified_map import ModifiedMap
from occupy_core.modify.requested_masks import definition_warnings, send_mask
from occupy_core.modify.to_input_grid import OutputResampler
from occupy_core.progress import Step, ignore_step
from occupy_core.settings.output_names import mask_kinds, modified_kinds
from occupy_core.settings.settings import Settings
from occupy_core.solvent.model import CONFIDENT, SolventModel

# Computes a map and sends it to the sink slab by slab, from several threads.
Producer = Callable[[SlabSink], object]
# Stores a map and returns it. Arguments: the kind of map (a key of `output_names.MAP_OUTPUTS`), and its producer.
Store = Callable[[str, Producer], Volume]


@dataclass(frozen=True)
class Result:
    """All that is known about one map. Arrays are float32, on the input's grid.

    Attributes
    ----------
    source : DensityMap
        The input.
    settings : Settings
    parameters : ResolvedParameters
    scale, confidence : array, 3D
        0..1.
    modified : dict of str to array
        Modified maps by kind: "amplified", "attenuated", "sigmoid", "solvent_excluded"; only the kinds asked for.
    masks : dict of str to array
        Masks by kind: "subtraction_mask_attenuated", "subtraction_mask_sigmoid", "solvent_definition"; only the kinds
        asked for. 0..1.
    reference : Reference
        Full scale, in the working box.
    solvent : SolventModel
    variability_limit : float
        Mean of the map where the scale is 1, relative to full scale; NaN when the scale is 1 nowhere.
    targets : tuple of Target
        One for each target mask.
    median_scale : float
        Median scale of the voxels with confidence above 0.5; NaN when there is no such voxel.
    warnings : tuple of str
    """

    source: DensityMap
    settings: Settings
    parameters: ResolvedParameters
    scale: Volume
    confidence: Volume
    modified: Dict[str, Volume]
    masks: Dict[str, Volume]
    reference: Reference
    solvent: SolventModel
    variability_limit: float
    targets: Tuple[Target, ...]
    median_scale: float
    warnings: Tuple[str, ...]


def process_map(
    source: DensityMap,
    settings: Settings,
    *,
    reference: Optional[Reference] = None,
    resolution: Optional[float] = None,
    threads: int = 1,
    step: Step = ignore_step,
    store: Optional[Store] = None,
    estimated: Callable[[Estimate], object] = lambda estimate: None,
) -> Result:
    """Estimate the local scale of a map, modify the map by it, and measure target masks.

    Parameters
    ----------
    source : DensityMap
        From `read_map` or `map_from_array` of occupy_core.maps.reading.
    settings : Settings
    reference : Reference, optional
        Full scale shared by several maps; the map's own when not given.
    resolution : float, optional
        Resolution of the map, Å, as its classification estimates it. Where the low-pass is no finer, the job does not
        warn that the map lacks detail.
    threads : int
        Number of threads; the result does not depend on it.
    step : callable
        Called with the fraction of the work that is done and the name of the next step.
    store : callable, optional
        Stores each map that is made: called with the map's kind and a producer, which in turn is called with a sink
        for the map's slabs. Returns the stored map, for instance a mapped file. In memory when not given.
    estimated : callable
        Called with the estimate before the first map is stored.

    Returns
    -------
    Result

    Raises
    ------
    MapError
        If the map has no positive density, or a mask does not lie on its grid.
    SettingsError
        If a setting does not suit the map's box, or needs a library that is not installed.
    """
    if settings.invert and not source.is_inverted:
        source = inverted_map(source)
    check_targets(settings.target_mask, source)  # they are read last, and a wrong one must not cost the work
    store = store or _store_in_memory(source.grid.shape)
    estimate = estimate_scale(source, settings, reference=reference, resolution=resolution, threads=threads, step=step)
    estimated(estimate)
    step(0.75, "modified maps")
    modified = modify_map(estimate, store=store, threads=threads)
    estimate = replace(estimate, volume=None, filler=None)
    median = _median_scale(estimate, threads)
    step(0.85, "writing")
    estimate = store_scale(estimate, store=store, threads=threads)
    return measure_map(estimate, modified, median, store=store, threads=threads)


def modify_map(estimate: Estimate, *, store: Store, threads: int = 1) -> Dict[str, Volume]:
    """Make the modified maps that the settings ask for, on the input's grid.

    Parameters
    ----------
    estimate : Estimate
        From `estimate_scale`, with its `volume`.
    store, threads
        As in `process_map`.

    Returns
    -------
    dict of str to float32 array, 3D
        The stored maps by kind: keys of `output_names.MAP_OUTPUTS`.
    """
    settings, volume = estimate.settings, estimate.volume
    if volume is None:
        raise ValueError("the map in the working box was dropped from the estimate before modified maps were made")
    resampler = _resampler(estimate, threads)
    parts = (volume, estimate.scale, estimate.confidence, estimate.filler, settings)
    return {
        kind: store(kind, partial(resampler.send_modified, ModifiedMap(kind, *parts)))
        for kind in modified_kinds(settings)
    }


def store_scale(estimate: Estimate, *, store: Store, threads: int = 1) -> Estimate:
    """Store scale and confidence on the input's grid; return the estimate with the stored maps.

    Parameters
    ----------
    estimate : Estimate
        From `estimate_scale`.
    store, threads
        As in `process_map`.
    """
    resampler = _resampler(estimate, threads)
    scale = store("scale", partial(resampler.send_fraction, estimate.scale))
    confidence = store("confidence", partial(resampler.send_fraction, estimate.confidence))
    return replace(estimate, scale=scale, confidence=confidence)


def measure_map(
    estimate: Estimate, modified: Dict[str, Volume], median_scale: float, *, store: Store, threads: int = 1
) -> Result:
    """Make the masks that the settings ask for, and measure the scale in each target mask.

    Parameters
    ----------
    estimate : Estimate
        From `store_scale`: scale and confidence on the input's grid.
    modified : dict of str to float32 array, 3D
        From `modify_map`.
    median_scale : float
        0..1 or NaN: see `Result`.
    store, threads
        As in `process_map`.

    Raises
    ------
    MapError
        If a target mask cannot be read, is empty, or does not lie on the input's grid.
    """
    settings, scale, confidence = estimate.settings, estimate.scale, estimate.confidence
    masks = {
        kind: store(kind, partial(send_mask, kind, scale, confidence, settings, threads))
        for kind in mask_kinds(settings)
    }
    targets = _measure_targets(estimate)
    unsuited = [text for target in targets for text in (*target.mask_warnings, target.warning) if text is not None]
    return Result(
        source=estimate.source,
        settings=settings,
        parameters=estimate.parameters,
        scale=scale,
        confidence=confidence,
        modified=modified,
        masks=masks,
        reference=estimate.reference,
        solvent=estimate.solvent,
        variability_limit=estimate.variability_limit,
        targets=targets,
        median_scale=median_scale,
        warnings=(*estimate.warnings, *definition_warnings(masks, settings), *unsuited),
    )


def _store_in_memory(shape: Tuple[int, int, int]) -> Store:
    def store(_kind: str, produce: Producer) -> Volume:
        result = np.empty(shape, dtype=np.float32)
        produce(result.__setitem__)
        return result

    return store


def _resampler(estimate: Estimate, threads: int) -> OutputResampler:
    return OutputResampler(estimate.source, estimate.parameters, estimate.settings, threads)


def _median_scale(estimate: Estimate, threads: int) -> float:
    """Return the median scale of the voxels with confidence above 0.5; NaN when there is none."""
    confidence = estimate.confidence
    scales = select_values(estimate.scale, lambda slab: confidence[slab] > CONFIDENT, threads=threads)
    return float(np.median(scales)) if scales.size else math.nan


def _measure_targets(estimate: Estimate) -> Tuple[Target, ...]:
    basis, settings = estimate.basis, estimate.settings
    if basis is None:
        return ()
    return tuple(
        measure_target(path, estimate.source, basis, estimate.scale, estimate.full_spread, tile_size=settings.tile_size)
        for path in settings.target_mask
    )
