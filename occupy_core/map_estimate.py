# SPDX-License-Identifier: GPL-3.0-or-later
"""Estimate the local scale and the confidence of one map, in the working box.

Method: Forsberg, Shah & Burt, Nature Communications 14 (2023), doi:10.1038/s41467-023-41478-1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Tuple

from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError
from occupy_core.estimate.input_checks import map_warnings
from occupy_core.estimate.intervals import spread_for_intervals
from occupy_core.estimate.local_scale import local_scale, recalibrate, variability_limit
from occupy_core.estimate.near_molecule import suit_noise_near_molecule
from occupy_core.estimate.parameters import ResolvedParameters
from occupy_core.estimate.prepare import PreparedMap, calibrate_map, kernel_maximum, map_reference, prepare_map
from occupy_core.estimate.reference import Reference
from occupy_core.maps.density_map import DensityMap
from occupy_core.modify.filler_noise import pure_solvent, solvent_noise
from occupy_core.modify.histogram_matching import require_scikit_image
from occupy_core.progress import Step, ignore_step
from occupy_core.settings.settings import Settings
from occupy_core.settings.unused import unused_settings
from occupy_core.solvent.model import SolventModel, fit_solvent


@dataclass(frozen=True)
class Estimate:
    """Local scale and confidence of one map. Arrays are float32 and have the working box, until `process.store_scale`.

    Attributes
    ----------
    source : DensityMap
        The input.
    settings : Settings
    parameters : ResolvedParameters
    volume : float32 array, 3D, optional
        The input in the working box; None once modified maps are made.
    scale, confidence : float32 arrays, 3D
        0..1; on the input's grid after `process.store_scale`.
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

    Parameters, errors and source as in `process.process_map`.
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
