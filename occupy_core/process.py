# SPDX-License-Identifier: GPL-3.0-or-later
"""From one map and the settings to its local scale, confidence and modified maps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, Tuple

import numpy as np

from occupy_core import filler, fourier, histogram, masks, scale, solvent, targets
from occupy_core.derived import Derived
from occupy_core.estimate import Estimate, calibration_of, estimate_of, maximum_of, reference_of
from occupy_core.maps import DensityMap, Volume
from occupy_core.modified_maps import ModifiedMap
from occupy_core.oddities import oddities
from occupy_core.outputs import SUBTRACTION_MASKS, modified_kinds
from occupy_core.progress import Step, silent
from occupy_core.scale import Reference
from occupy_core.setting_checks import without_effect
from occupy_core.settings import Settings
from occupy_core.slabs import for_slabs, gathered
from occupy_core.solvent import SolventModel
from occupy_core.solvent_region import inscribed
from occupy_core.targets import Target

# Takes a modified map by its name.
Take = Callable[[str, Volume], object]
_SOME_SECTIONS = 64  # that tell whether a map is a reconstruction


@dataclass(frozen=True)
class Result:
    """All that is known about one map. Arrays are float32 on the input's grid.

    Attributes
    ----------
    source : DensityMap
        The input.
    settings : Settings
    derived : Derived
    scale, confidence : array
        0..1.
    modified : dict of array
        By name: "amplified", "attenuated", "sigmoid", "solvent_excluded"; only those asked for, and none where they
        were taken one by one.
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
    derived: Derived
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
    take: Optional[Take] = None,
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
    take : callable, optional
        Given each modified map as soon as it is made, in place of the result, so that never two of them are in memory;
        the next one may overwrite it.

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
        histogram.require_library()
    estimate = estimate_of(source, settings, threads=threads)
    derived, volume, basis = estimate.derived, estimate.volume, estimate.basis
    notes = [*estimate.warnings, *without_effect(settings)]
    back = _Restorer(source, derived, settings, threads)
    if volume is not source.data:
        source.release()
    step(0.3, "solvent model and local maximum")
    model = solvent.fit_solvent(estimate.lowpassed, estimate.solvent, threads=threads)
    some = slice(None, None, math.ceil(len(volume) / _SOME_SECTIONS))
    notes += oddities(float(source.limits[0]), estimate.lowpassed[some], estimate.inside[some], threads=threads)
    notes += model.warnings
    maximum = maximum_of(estimate, threads=threads)
    step(0.6, "local scale and confidence")
    full_spread = None
    if settings.normalisation == "calibrated":
        if reference is None:
            found = calibration_of(estimate, maximum, threads=threads)
            notes += found.warnings
            reference = found.reference
        if settings.reads_occupancy and not settings.nlrc and _has_detail(estimate, threads, notes):
            full_spread = reference.spread
    elif reference is None:
        reference = reference_of(estimate)
    # In place, as wherever it is safe: a map may fill much of the memory.
    scales = scale.local_scale(maximum, reference, threads=threads, out=maximum)
    limit = scale.variability_limit(basis, scales, reference, threads=threads)
    if settings.nlrc:
        zero = (model.limit - reference.zero) / (reference.value - reference.zero)
        scales = _noise_level_recalibrated(scales, zero, notes)
    confidence = model.confidence_of(
        estimate.lowpassed,
        hedge=settings.hedge_confidence,
        threads=threads,
        out=None if settings.target_mask else estimate.lowpassed,  # target masks are measured in it
    )
    noise = _filler(estimate, confidence, model, threads) if _fills(settings) else None
    del estimate, maximum
    step(0.75, "modified maps")
    modified: Dict[str, Volume] = {}
    full: Optional[Volume] = None
    for kind in modified_kinds(settings):
        # The same array for all, where it is free again: new memory takes long to be had.
        full = back.modified(ModifiedMap(kind, volume, scales, confidence, noise, settings), out=full)
        (take or modified.__setitem__)(kind, full)
        full = full if take else None
    del noise, volume
    confident = gathered(scales, lambda slab: confidence[slab] > solvent.CONFIDENT, threads=threads)
    median = float(np.median(confident)) if confident.size else math.nan
    del confident
    scales = back.fraction(scales, out=full)
    confidence = back.fraction(confidence)
    found_masks = _masks(scales, confidence, settings, notes)
    found_targets = tuple(
        targets.measure_target(path, source, basis, scales, full_spread, tile_size=settings.tile_size)
        for path in settings.target_mask
    )
    notes += [targets.TOO_UNEVEN.format(path=target.path) for target in found_targets if target.is_uneven]
    return Result(
        source=source,
        settings=settings,
        derived=derived,
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


@dataclass(frozen=True)
class _Restorer:
    """Brings results of the computation back to the input's box."""

    source: DensityMap
    derived: Derived
    settings: Settings
    threads: int

    def fraction(self, values: Volume, *, out: Optional[Volume] = None) -> Volume:
        """A scale or confidence map: padding rings, so it is cut to 0..1 again. Brought to another box it is in `out`
        where given."""
        shape = self.source.grid.shape
        if values.shape == shape:
            return values
        return fourier.resize(values, shape, limits=(np.float32(0), np.float32(1)), threads=self.threads, out=out)

    def modified(self, made: ModifiedMap, *, out: Optional[Volume] = None) -> Volume:
        """A modified map: low-passed if asked, in the input's box, within the input's range or with its histogram;
        in `out` where given, which has that box."""
        shape, limits = self.source.grid.shape, None if self.settings.hist_match else self.source.limits
        if made.volume.shape == shape:
            full = self._low_passed(made.whole(threads=self.threads, out=out))
            if limits is not None:
                for_slabs(len(full), lambda slab: np.clip(full[slab], *limits, out=full[slab]), threads=self.threads)
        elif self.settings.lowpass_output is None:
            full = fourier.resize(
                made.volume,
                shape,
                rows_of=lambda rows: made.part((slice(None), rows)),
                limits=limits,
                threads=self.threads,
                out=out,
            )
        else:
            values = self._low_passed(made.whole(threads=self.threads))
            full = fourier.resize(values, shape, limits=limits, threads=self.threads, out=out)
        return histogram.matched(full, self.source.data) if self.settings.hist_match else full

    def _low_passed(self, values: Volume) -> Volume:
        if self.settings.lowpass_output is None:
            return values
        return fourier.low_pass(
            values,
            voxel_size=self.derived.voxel_size,
            cutoff_angstrom=self.settings.lowpass_output,
            threads=self.threads,
            out=values,
        )


def _has_detail(estimate: Estimate, threads: int, notes: List[str]) -> bool:
    lowpass = estimate.derived.lowpass
    if fourier.has_detail(
        estimate.volume, voxel_size=estimate.derived.voxel_size, cutoff_angstrom=lowpass, threads=threads
    ):
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
    return scale.recalibrated(scales, zero)


def _fills(settings: Settings) -> bool:
    """Whether something is taken away that solvent noise makes up for."""
    return not settings.exclude_solvent and (settings.attenuate is not None or settings.sigmoid is not None)


def _filler(estimate: Estimate, confidence: Volume, model: SolventModel, threads: int) -> Volume:
    reach = estimate.derived.kernel_size // 2
    pure = filler.pure_solvent(estimate.solvent, confidence, reach=reach, threads=threads)
    seed = estimate.settings.seed
    return filler.solvent_noise(estimate.volume, pure, mean=model.mean, sigma=model.sigma, seed=seed, threads=threads)


def _masks(scales: Volume, confidence: Volume, settings: Settings, notes: List[str]) -> Dict[str, Volume]:
    """From scale and confidence as they are written, so that they are in 0..1 whatever the box of the computation."""
    result = {}
    if settings.subtraction_mask:
        trusted = None if settings.omit_confidence else confidence
        for name in (name for name in settings.modifications if name in SUBTRACTION_MASKS):
            kept = _kept(name, scales, settings)
            result[SUBTRACTION_MASKS[name]] = masks.subtraction_mask(kept, trusted)
    if settings.solvent_threshold is not None:
        definition = masks.solvent_definition(scales, settings.solvent_threshold)
        result["solvent_definition"] = definition
        inside = definition[inscribed(definition.shape)]
        if inside.min() == inside.max():
            side = "above" if inside.max() else "at or below"
            notes.append(
                f"solvent_threshold {settings.solvent_threshold:g}: the scale is {side} it everywhere, so the solvent "
                "definition defines nothing; see the scale map for a better one"
            )
    return result


def _kept(name: str, scales: Volume, settings: Settings) -> Volume:
    power = getattr(settings, name)
    if name == "attenuate":
        return masks.kept_by_attenuation(scales, power=power)
    return masks.kept_by_sigmoid(scales, power=power, pivot=settings.pivot)
