# SPDX-License-Identifier: GPL-3.0-or-later
"""What the local scale of a map is read from, and what counts as full in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core import fourier, kernel, scale
from occupy_core.derived import Derived, derive
from occupy_core.errors import MapError
from occupy_core.maps import DensityMap, Volume, box_text, read_on_grid
from occupy_core.scale import Reference
from occupy_core.settings import Settings
from occupy_core.solvent_region import flat_areas, inscribed, solvent_region

if TYPE_CHECKING:
    from occupy_core.calibration import Calibration, Molecule


@dataclass(frozen=True)
class Estimate:
    """All that is made of a map before anything is measured. Arrays have the box of the computation.

    Attributes
    ----------
    source : DensityMap
        The input.
    settings : Settings
    derived : Derived
    volume, lowpassed, basis : float32 arrays
        The map in the box of the computation, the same low-passed, and whichever of them the mode takes.
    inside, solvent : bool arrays
        Where the molecule may be (in the inscribed sphere, and not flat), and where to look for solvent.
    warnings : tuple of str
    molecule : Molecule, optional
        For calibrated normalisation.
    """

    source: DensityMap
    settings: Settings
    derived: Derived
    volume: Volume
    lowpassed: Volume
    basis: Volume
    inside: NDArray[np.bool_]
    solvent: NDArray[np.bool_]
    warnings: Tuple[str, ...]
    molecule: Optional[Molecule] = None


def estimate_of(source: DensityMap, settings: Settings, *, threads: int = 1, overwrite: bool = False) -> Estimate:
    """Prepare a map.

    Parameters
    ----------
    source : DensityMap
    settings : Settings
    threads : int
    overwrite : bool
        Whether `source` is not needed any more: in occupancy mode its memory then takes the low-passed map, and
        `volume` is that too.

    Raises
    ------
    MapError
        If the box is too small, or the solvent definition does not lie on the map's grid.
    SettingsError
        If a setting does not suit the map's box.
    """
    derived, volume = _in_box(source, settings, threads)
    notes = list(source.warnings)
    if derived.box != source.grid.shape:
        notes.append(
            f"computed in a box of {box_text(derived.box)} voxels (setting max_box): modified maps hold no detail "
            f"finer than {2 * derived.voxel_size:.3g} Å"
        )
    # Looked for in the map as read: a cropped map rings where it was flat.
    flat = fourier.sampled(flat_areas(source.data, threads=threads), volume.shape)
    region, warnings = _solvent_region(source, volume, flat, settings, threads)
    inside = region if settings.solvent_def is None else inscribed(volume.shape) & ~flat
    del flat
    overwritten = volume if overwrite and derived.mode == "occupancy" else None
    if overwritten is not None:
        overwritten.flags.writeable = True  # mrcfile reads into memory of its own, and closes it to writing
    lowpassed = _lowpassed(volume, derived, threads, out=overwritten)
    basis = lowpassed if derived.mode == "occupancy" else volume
    molecule = None
    if settings.normalisation == "calibrated":
        from occupy_core import calibration  # with filters of scipy that nothing else of one map needs

        molecule = calibration.find_molecule(
            lowpassed, inside, voxel_size=derived.voxel_size, lowpass=derived.lowpass, threads=threads
        )
    return Estimate(source, settings, derived, volume, lowpassed, basis, inside, region, (*notes, *warnings), molecule)


def basis_of(source: DensityMap, settings: Settings, *, threads: int = 1) -> Tuple[Derived, Volume, Volume]:
    """What is derived for a map, the map in the box of the computation, and the mode's map; errors as of
    `estimate_of`."""
    derived, volume = _in_box(source, settings, threads)
    return derived, volume, _lowpassed(volume, derived, threads) if derived.mode == "occupancy" else volume


def maximum_of(estimate: Estimate, *, threads: int = 1, overwrite: bool = False) -> Volume:
    """The largest value of the mode's map over the kernel around each voxel; for calibrated occupancies
    `calibration.unmixed_maximum`. `overwrite` says that the low-passed map is not needed any more."""
    derived = estimate.derived
    ball = kernel.ball(derived.kernel_size, derived.kernel_radius)
    if estimate.molecule is None or not estimate.settings.reads_occupancy:
        return kernel.ball_maximum(estimate.basis, ball, threads=threads)
    from occupy_core import calibration

    return calibration.unmixed_maximum(
        estimate.lowpassed,
        estimate.molecule,
        ball,
        voxel_size=derived.voxel_size,
        lowpass=derived.lowpass,
        threads=threads,
        out=estimate.lowpassed if overwrite else None,
    )


def reference_of(estimate: Estimate) -> Reference:
    """What counts as full in the map by tiled or kernel normalisation.

    Raises
    ------
    MapError
        If the map has no positive density.
    """
    return full_scale(estimate.source, estimate.basis, estimate.derived, estimate.settings)


def full_scale(source: DensityMap, basis: Volume, derived: Derived, settings: Settings) -> Reference:
    """`reference_of` the mode's map of a source (`basis_of`)."""
    try:
        if settings.normalisation == "kernel":
            return scale.kernel_reference(basis, tau=derived.tau)
        return scale.tiled_reference(basis, tau=derived.tau, tile_size=settings.tile_size)
    except MapError as error:
        raise MapError(f"{source.path}: {error}") from error


def calibration_of(estimate: Estimate, maximum: Volume, *, threads: int = 1) -> Calibration:
    """Both ends of the calibrated scale, from `maximum_of`; errors as of `calibration.calibrate`."""
    from occupy_core import calibration

    assert estimate.molecule is not None, "the settings ask for calibrated normalisation"
    try:
        return calibration.calibrate(
            maximum,
            estimate.inside,
            estimate.solvent,
            estimate.molecule,
            voxel_size=estimate.derived.voxel_size,
            lowpass=estimate.derived.lowpass,
            threads=threads,
        )
    except MapError as error:
        raise MapError(f"{estimate.source.path}: {error}") from error


def _in_box(source: DensityMap, settings: Settings, threads: int) -> Tuple[Derived, Volume]:
    try:
        derived = derive(source.grid, settings)
    except MapError as error:
        raise MapError(f"{source.path}: {error}") from error
    if derived.box == source.grid.shape:
        return derived, source.data
    return derived, fourier.resize(source.data, derived.box, threads=threads)


def _lowpassed(volume: Volume, derived: Derived, threads: int, out: Optional[Volume] = None) -> Volume:
    return fourier.low_pass(
        volume, voxel_size=derived.voxel_size, cutoff_angstrom=derived.lowpass, threads=threads, out=out
    )


def _solvent_region(
    source: DensityMap, volume: Volume, flat: NDArray[np.bool_], settings: Settings, threads: int
) -> Tuple[NDArray[np.bool_], Tuple[str, ...]]:
    if settings.solvent_def is None:
        return solvent_region(volume, flat, None, threads=threads)
    definition = fourier.sampled(read_on_grid(settings.solvent_def, source, "solvent definition").data, volume.shape)
    try:
        return solvent_region(volume, flat, definition, threads=threads)
    except MapError as error:
        raise MapError(f"{settings.solvent_def}: {error}") from error
