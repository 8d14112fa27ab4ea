# SPDX-License-Identifier: GPL-3.0-or-later
"""One map from end to end: estimate its local scale, modify it, measure masks.

`process_map` calls the steps in order: `estimate_scale`, `modify_map`, `store_scale`, `measure_map`. Each step takes
the frozen record `Estimate`. Maps that the next step does not need are dropped from the record first, because a map may
fill much of the memory.

Method: Forsberg, Shah & Burt, Nature Communications 14 (2023), doi:10.1038/s41467-023-41478-1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Callable, Dict, List, Optional, Tuple

import numpy as np

from occupy_core.arrays.slabs import select_values
from occupy_core.arrays.types import SlabSink, Volume
from occupy_core.errors import MapError
from occupy_core.estimate.input_checks import map_warnings
from occupy_core.estimate.intervals import spread_for_intervals
from occupy_core.estimate.local_scale import local_scale, recalibrate, variability_limit
from occupy_core.estimate.near_molecule import suit_noise_near_molecule
from occupy_core.estimate.parameters import ResolvedParameters
from occupy_core.estimate.prepare import PreparedMap, calibrate_map, kernel_maximum, map_reference, prepare_map
from occupy_core.estimate.reference import Reference
from occupy_core.estimate.targets import Target, check_targets, measure_target
from occupy_core.maps.density_map import DensityMap, inverted_map
from occupy_core.modify.filler_noise import pure_solvent, solvent_noise
from occupy_core.modify.histogram_matching import require_scikit_image
from occupy_core.modify.modified_map import ModifiedMap
from occupy_core.modify.requested_masks import definition_warnings, send_mask
from occupy_core.modify.to_input_grid import OutputResampler
from occupy_core.progress import Step, ignore_step
from occupy_core.settings.output_names import mask_kinds, modified_kinds
from occupy_core.settings.settings import Settings
from occupy_core.settings.unused import unused_settings
from occupy_core.solvent.model import CONFIDENT, SolventModel, fit_solvent

# Computes a map and sends it to the sink slab by slab, from several threads.
Producer = Callable[[SlabSink], object]
# Stores a map and returns it. Arguments: the kind of map (a key of `output_names.MAP_OUTPUTS`), and its producer.
Store = Callable[[str, Producer], Volume]


@dataclass(frozen=True)
class Estimate:
    """Local scale and confidence of one map. Arrays are float32 and have the working box, until `store_scale`.

    Attributes
    ----------
    source : DensityMap
        The input.
    settings : Settings
    parameters : ResolvedParameters
    volume : float32 array, 3D, optional
        The input in the working box; None once modified maps are made.
    scale, confidence : float32 arrays, 3D
        0..1; on the input's grid after `store_scale`.
    filler : float32 array, 3D, optional
        Noise like the solvent, which replaces attenuated density; None where the settings need no filler.
    basis : float32 array, 3D, optional
        The map that the scale was read from (low-passed in occupancy mode); None where there is no target mask.
    reference : Reference
        Full scale, in the working box.
    solvent : SolventModel
    variability_limit : float
        Mean of the map where the scale is 1, relative to full scale; NaN when the scale is 1 nowhere.
    full_spread : float, optional
        `Reference.spread`, where occupancies in target masks get an interval; None where they get none.
    warnings : tuple of str
    """

    source: DensityMap
    settings: Settings
    parameters: ResolvedParameters
    volume: Optional[Volume]
    scale: Volume
    confidence: Volume
    filler: Optional[Volume]
    basis: Optional[Volume]
    reference: Reference
    solvent: SolventModel
    variability_limit: float
    full_spread: Optional[float]
    warnings: Tuple[str, ...]


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


def estimate_scale(
    source: DensityMap,
    settings: Settings,
    *,
    reference: Optional[Reference] = None,
    resolution: Optional[float] = None,
    threads: int = 1,
    step: Step = ignore_step,
) -> Estimate:
    """Estimate the local scale and the confidence of a map, in the working box.

    Parameters, errors and source as in `process_map`.
    """
    if settings.hist_match:
        require_scikit_image()
    prepared = prepare_map(source, settings, threads=threads)
    if prepared.volume is not source.data:
        source.release()
    step(0.3, "solvent model and kernel maximum")
    solvent = _solvent_model(prepared, threads)
    notes = [*prepared.warnings, *unused_settings(settings), *_input_warnings(prepared), *solvent.warnings]
    maximum = kernel_maximum(prepared, threads=threads)
    step(0.6, "local scale and confidence")
    if reference is None:
        reference, warnings = _own_reference(prepared, maximum, threads)
        notes += warnings
    full_spread = spread_for_intervals(prepared, reference, resolution, threads, notes)
    # Overwrites the kernel maximum to save memory.
    scale = local_scale(maximum, reference, threads=threads, out=maximum)
    limit = variability_limit(prepared.basis, scale, reference, threads=threads)
    if settings.nlrc:
        scale = _noise_level_recalibrated(scale, solvent, reference, notes)
    measures_targets = bool(settings.target_mask)
    confidence = solvent.confidence_map(
        prepared.lowpassed,
        hedge=settings.hedge_confidence,
        threads=threads,
        out=None if measures_targets else prepared.lowpassed,  # target masks are measured in the low-passed map
    )
    return Estimate(
        source=source,
        settings=settings,
        parameters=prepared.parameters,
        volume=prepared.volume,
        scale=scale,
        confidence=confidence,
        filler=_filler_noise(prepared, confidence, solvent, threads) if _needs_filler(settings) else None,
        basis=prepared.basis if measures_targets else None,
        reference=reference,
        solvent=solvent,
        variability_limit=limit,
        full_spread=full_spread,
        warnings=tuple(notes),
    )


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


def _input_warnings(prepared: PreparedMap) -> List[str]:
    """Warn about a map that looks inverted or is no reconstruction."""
    lowest, parameters = float(prepared.source.limits[0]), prepared.parameters
    lengths = {"voxel_size": parameters.voxel_size, "lowpass": parameters.lowpass}
    return map_warnings(lowest, prepared.lowpassed, prepared.inside, **lengths)


def _solvent_model(prepared: PreparedMap, threads: int) -> SolventModel:
    low, high = (float(value) for value in prepared.source.limits)
    try:
        model = fit_solvent(prepared.lowpassed, prepared.solvent, contrast=high - low, threads=threads)
    except MapError as error:
        raise MapError(f"{prepared.source.path}: {error}") from error
    lowpass_voxels = prepared.parameters.lowpass / prepared.parameters.voxel_size
    return suit_noise_near_molecule(
        model, prepared.lowpassed, prepared.solvent, lowpass_voxels=lowpass_voxels, threads=threads
    )


def _own_reference(prepared: PreparedMap, maximum: Volume, threads: int) -> Tuple[Reference, Tuple[str, ...]]:
    """Find the map's own full scale, and warnings about it."""
    if prepared.settings.normalisation != "calibrated":
        return map_reference(prepared), ()
    calibration = calibrate_map(prepared, maximum, threads=threads)
    return calibration.reference, calibration.warnings


def _noise_level_recalibrated(scale: Volume, solvent: SolventModel, reference: Reference, notes: List[str]) -> Volume:
    zero = (solvent.limit - reference.zero) / (reference.value - reference.zero)
    if 0 <= zero < 1:
        return recalibrate(scale, zero)
    notes.append(
        f"noise-level recalibration left out: the confidence limit is {zero:.3g} of full scale, expected 0 to 1"
    )
    return scale


def _needs_filler(settings: Settings) -> bool:
    """Whether a modification takes density away that solvent noise replaces."""
    return not settings.exclude_solvent and (settings.attenuate is not None or settings.sigmoid is not None)


def _filler_noise(prepared: PreparedMap, confidence: Volume, solvent: SolventModel, threads: int) -> Volume:
    reach = prepared.parameters.kernel_size // 2
    pure = pure_solvent(prepared.solvent, confidence, reach=reach, threads=threads)
    seed = prepared.settings.seed
    return solvent_noise(prepared.volume, pure, mean=solvent.mean, sigma=solvent.sigma, seed=seed, threads=threads)


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
