# SPDX-License-Identifier: GPL-3.0-or-later
"""From one map and the settings to its local scale, confidence and modified maps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import Callable, Dict, List, Mapping, Optional, Tuple

import numpy as np

from occupy_core.arrays.slabs import for_slabs, select_values
from occupy_core.arrays.types import SlabSink, Volume
from occupy_core.estimate.input_checks import map_warnings
from occupy_core.estimate.local_scale import local_scale, recalibrate, variability_limit
from occupy_core.estimate.parameters import ResolvedParameters
from occupy_core.estimate.prepare import PreparedMap, calibrate_map, local_maximum, map_reference, prepare_map
from occupy_core.estimate.reference import Reference
from occupy_core.estimate.targets import TOO_UNEVEN, Target, measure_target
from occupy_core.fourier.detail import has_detail
from occupy_core.maps.reading import DensityMap
from occupy_core.modify.histogram_matching import require_scikit_image
from occupy_core.modify.masks import kept_by_attenuation, kept_by_sigmoid, solvent_definition, subtraction_mask
from occupy_core.modify.modified_map import ModifiedMap
from occupy_core.modify.to_input_grid import OutputResampler
from occupy_core.progress import Step, silent
from occupy_core.settings.output_names import SUBTRACTION_MASKS, mask_kinds, modified_kinds
from occupy_core.settings.settings import Settings
from occupy_core.settings.unused import unused_settings
from occupy_core.solvent.model import CONFIDENT, SolventModel, fit_solvent
from occupy_core.solvent.noise import pure_solvent, solvent_noise
from occupy_core.solvent.region import inscribed

# Makes a map, which it gives away slab by slab.
Make = Callable[[SlabSink], object]
# Has a kind of map (keys of `outputs.MAP_OUTPUTS`) made, and returns it.
Keep = Callable[[str, Make], Volume]
_SOME_SECTIONS = 64  # that tell whether a map is a reconstruction


@dataclass(frozen=True)
class Result:
    """All that is known about one map. Arrays are float32 on the input's grid, and what `keep` of `process_map` made
    of them.

    Attributes
    ----------
    source : DensityMap
        The input.
    settings : Settings
    parameters : ResolvedParameters
    scale, confidence : array
        0..1.
    modified : dict of array
        By name: "amplified", "attenuated", "sigmoid", "solvent_excluded"; only those asked for.
    masks : dict of array
        By name: "subtraction_mask_attenuated", "subtraction_mask_sigmoid", "solvent_definition"; only those asked for.
        0..1.
    reference : Reference
        In the box of the computation.
    solvent : SolventModel
    variability_limit : float
        Mean of the map where the scale is 1, relative to full scale; NaN when it is nowhere 1.
    targets : tuple of Target
        One for each target mask.
    median_scale : float
        Over the voxels with confidence above 0.5; NaN when there is none.
    warnings : tuple of str
    """

    source: DensityMap
    settings: Settings
    parameters: ResolvedParameters
    scale: Volume
    confidence: Volume
    modified: Dict[str, Volume]
    reference: Reference
    solvent: SolventModel
    variability_limit: float
    median_scale: float
    masks: Dict[str, Volume] = field(default_factory=dict)
    targets: Tuple[Target, ...] = ()
    warnings: Tuple[str, ...] = field(default=())


def process_map(
    source: DensityMap,
    settings: Settings,
    *,
    reference: Optional[Reference] = None,
    threads: int = 1,
    step: Step = silent,
    keep: Optional[Keep] = None,
) -> Result:
    """Estimate the local scale of a map and modify the map by it.

    Parameters
    ----------
    source : DensityMap
        From `read_map`.
    settings : Settings
    reference : Reference, optional
        What counts as full instead of the map's own best region: one for several maps (`classes.shared_scale`).
    threads : int
        The result does not depend on it.
    step : callable
        Told how far the work is.
    keep : callable, optional
        Keeps each map that is made, in memory where this is not given: called with its kind and with what makes it,
        which is to be called with what takes its slabs (from several threads); returns the map, or a file of it that
        is mapped, so that none is in memory.

    Raises
    ------
    MapError
        If the map has no positive density, or a mask does not lie on its grid.
    SettingsError
        If a setting does not suit the map's box, or asks for a library that is not installed.

    Notes
    -----
    Forsberg, Shah & Burt, Nature Communications 14 (2023), doi:10.1038/s41467-023-41478-1.
    """
    if settings.hist_match:
        require_scikit_image()
    estimate = prepare_map(source, settings, threads=threads)
    parameters, volume, basis = estimate.parameters, estimate.volume, estimate.basis
    notes = [*estimate.warnings, *unused_settings(settings)]
    back = OutputResampler(source, parameters, settings, threads)
    if volume is not source.data:
        source.release()
    step(0.3, "solvent model and local maximum")
    model = fit_solvent(estimate.lowpassed, estimate.solvent, threads=threads)
    some = slice(None, None, math.ceil(len(volume) / _SOME_SECTIONS))
    notes += map_warnings(float(source.limits[0]), estimate.lowpassed[some], estimate.inside[some], threads=threads)
    notes += model.warnings
    maximum = local_maximum(estimate, threads=threads)
    step(0.6, "local scale and confidence")
    full_spread = None
    if settings.normalisation == "calibrated":
        if reference is None:
            found = calibrate_map(estimate, maximum, threads=threads)
            notes += found.warnings
            reference = found.reference
        if settings.reads_occupancy and not settings.nlrc and _has_detail(estimate, threads, notes):
            full_spread = reference.spread
    elif reference is None:
        reference = map_reference(estimate)
    # In place, as wherever it is safe: a map may fill much of the memory.
    scales = local_scale(maximum, reference, threads=threads, out=maximum)
    limit = variability_limit(basis, scales, reference, threads=threads)
    if settings.nlrc:
        zero = (model.limit - reference.zero) / (reference.value - reference.zero)
        scales = _noise_level_recalibrated(scales, zero, notes)
    confidence = model.confidence_map(
        estimate.lowpassed,
        hedge=settings.hedge_confidence,
        threads=threads,
        out=None if settings.target_mask else estimate.lowpassed,  # target masks are measured in it
    )
    noise = _filler(estimate, confidence, model, threads) if _fills(settings) else None
    del estimate, maximum
    step(0.75, "modified maps")
    keep = keep or _in_memory(source.grid.shape)
    modified = {
        kind: keep(kind, partial(back.send_modified, ModifiedMap(kind, volume, scales, confidence, noise, settings)))
        for kind in modified_kinds(settings)
    }
    del noise, volume
    confident = select_values(scales, lambda slab: confidence[slab] > CONFIDENT, threads=threads)
    median = float(np.median(confident)) if confident.size else math.nan
    del confident
    step(0.85, "writing")
    scales = keep("scale", partial(back.send_fraction, scales))
    confidence = keep("confidence", partial(back.send_fraction, confidence))
    found_masks = {
        kind: keep(kind, partial(_give_mask, kind, scales, confidence, settings, threads))
        for kind in mask_kinds(settings)
    }
    notes += _no_definition(found_masks, settings)
    found_targets = tuple(
        measure_target(path, source, basis, scales, full_spread, tile_size=settings.tile_size)
        for path in settings.target_mask
    )
    notes += [TOO_UNEVEN.format(path=target.path) for target in found_targets if target.is_uneven]
    return Result(
        source=source,
        settings=settings,
        parameters=parameters,
        scale=scales,
        confidence=confidence,
        modified=modified,
        reference=reference,
        solvent=model,
        variability_limit=limit,
        median_scale=median,
        masks=found_masks,
        targets=found_targets,
        warnings=tuple(notes),
    )


def _in_memory(shape: Tuple[int, int, int]) -> Keep:
    def keep(_kind: str, make: Make) -> Volume:
        result = np.empty(shape, dtype=np.float32)
        make(result.__setitem__)
        return result

    return keep


def _has_detail(estimate: PreparedMap, threads: int, notes: List[str]) -> bool:
    lowpass = estimate.parameters.lowpass
    if has_detail(estimate.volume, voxel_size=estimate.parameters.voxel_size, cutoff_angstrom=lowpass, threads=threads):
        return True
    notes.append(
        f"the map has next to no detail at the low-pass of {lowpass:.3g} Å: occupancies are unreliable and no interval "
        "is given; set lowpass to the map's resolution"
    )
    return False


def _noise_level_recalibrated(scales: Volume, zero: float, notes: List[str]) -> Volume:
    if not 0 <= zero < 1:
        notes.append(
            f"noise-level recalibration left out: the confidence limit is {zero:.3g} of full scale, expected 0 to 1"
        )
        return scales
    return recalibrate(scales, zero)


def _fills(settings: Settings) -> bool:
    """Whether something is taken away that solvent noise makes up for."""
    return not settings.exclude_solvent and (settings.attenuate is not None or settings.sigmoid is not None)


def _filler(estimate: PreparedMap, confidence: Volume, model: SolventModel, threads: int) -> Volume:
    reach = estimate.parameters.kernel_size // 2
    pure = pure_solvent(estimate.solvent, confidence, reach=reach, threads=threads)
    seed = estimate.settings.seed
    return solvent_noise(estimate.volume, pure, mean=model.mean, sigma=model.sigma, seed=seed, threads=threads)


def _give_mask(kind: str, scales: Volume, confidence: Volume, settings: Settings, threads: int, sink: SlabSink) -> None:
    """From scale and confidence as they are written, so that it is in 0..1 whatever the box of the computation."""

    threshold = settings.solvent_threshold

    def make(slab: slice) -> None:
        if kind == "solvent_definition" and threshold is not None:
            sink(slab, solvent_definition(scales[slab], threshold))
        else:
            trusted = None if settings.omit_confidence else confidence[slab]
            sink(slab, subtraction_mask(_kept(kind, scales[slab], settings), trusted))

    for_slabs(len(scales), make, threads=threads)


def _kept(kind: str, scales: Volume, settings: Settings) -> Volume:
    name = next(name for name, mask in SUBTRACTION_MASKS.items() if mask == kind)
    power = getattr(settings, name)
    if name == "attenuate":
        return kept_by_attenuation(scales, power=power)
    return kept_by_sigmoid(scales, power=power, pivot=settings.pivot)


def _no_definition(found: Mapping[str, Volume], settings: Settings) -> List[str]:
    """A warning where a solvent definition was asked for and is the same everywhere."""
    definition = found.get("solvent_definition")
    if definition is None:
        return []
    inside = definition[inscribed(definition.shape)]
    if inside.min() < inside.max():
        return []
    return [
        f"solvent_threshold {settings.solvent_threshold:g}: the scale is {'above' if inside.max() else 'at or below'} "
        "it everywhere, so the solvent definition defines nothing; see the scale map for a better one"
    ]
