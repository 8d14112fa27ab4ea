# SPDX-License-Identifier: GPL-3.0-or-later
"""What the local scale of a map is read from, and what counts as full in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError
from occupy_core.estimate.kernel import ball_mask, ball_maximum
from occupy_core.estimate.parameters import ResolvedParameters, resolve_parameters
from occupy_core.estimate.reference import Reference, kernel_reference, tiled_reference
from occupy_core.fourier.filters import low_pass
from occupy_core.fourier.resize import resize, sample_nearest
from occupy_core.maps.grid import box_text
from occupy_core.maps.reading import DensityMap, read_on_grid
from occupy_core.settings.settings import Settings
from occupy_core.solvent.region import flat_areas, inscribed, solvent_region

if TYPE_CHECKING:
    from occupy_core.estimate.calibration import Calibration
    from occupy_core.estimate.molecule import Molecule


@dataclass(frozen=True)
class PreparedMap:
    """All that is made of a map before anything is measured. Arrays have the box of the computation.

    Attributes
    ----------
    source : DensityMap
        The input.
    settings : Settings
    parameters : ResolvedParameters
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
    parameters: ResolvedParameters
    volume: Volume
    lowpassed: Volume
    basis: Volume
    inside: NDArray[np.bool_]
    solvent: NDArray[np.bool_]
    warnings: Tuple[str, ...]
    molecule: Optional[Molecule] = None


def prepare_map(source: DensityMap, settings: Settings, *, threads: int = 1, overwrite: bool = False) -> PreparedMap:
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
    parameters, volume = _in_box(source, settings, threads)
    notes = list(source.warnings)
    if parameters.box != source.grid.shape:
        notes.append(
            f"computed in a box of {box_text(parameters.box)} voxels (setting max_box): modified maps hold no detail "
            f"finer than {2 * parameters.voxel_size:.3g} Å"
        )
    # Looked for in the map as read: a cropped map rings where it was flat.
    flat = sample_nearest(flat_areas(source.data, threads=threads), volume.shape)
    region, warnings = _solvent_region(source, volume, flat, settings, threads)
    inside = region if settings.solvent_def is None else inscribed(volume.shape) & ~flat
    del flat
    overwritten = volume if overwrite and parameters.mode == "occupancy" else None
    if overwritten is not None:
        overwritten.flags.writeable = True  # mrcfile reads into memory of its own, and closes it to writing
    lowpassed = _lowpassed(volume, parameters, threads, out=overwritten)
    basis = lowpassed if parameters.mode == "occupancy" else volume
    molecule = None
    if settings.normalisation == "calibrated":
        from occupy_core.estimate.molecule import find_molecule

        molecule = find_molecule(
            lowpassed, inside, voxel_size=parameters.voxel_size, lowpass=parameters.lowpass, threads=threads
        )
    return PreparedMap(
        source, settings, parameters, volume, lowpassed, basis, inside, region, (*notes, *warnings), molecule
    )


def prepare_basis(
    source: DensityMap, settings: Settings, *, threads: int = 1
) -> Tuple[ResolvedParameters, Volume, Volume]:
    """What is derived for a map, the map in the box of the computation, and the mode's map; errors as of
    `estimate_of`."""
    parameters, volume = _in_box(source, settings, threads)
    return parameters, volume, _lowpassed(volume, parameters, threads) if parameters.mode == "occupancy" else volume


def local_maximum(estimate: PreparedMap, *, threads: int = 1, overwrite: bool = False) -> Volume:
    """The largest value of the mode's map over the kernel around each voxel; for calibrated occupancies
    `calibration.unmixed_maximum`. `overwrite` says that the low-passed map is not needed any more."""
    parameters = estimate.parameters
    ball = ball_mask(parameters.kernel_size, parameters.kernel_radius)
    if estimate.molecule is None or not estimate.settings.reads_occupancy:
        return ball_maximum(estimate.basis, ball, threads=threads)
    from occupy_core.estimate.molecule import unmixed_maximum

    return unmixed_maximum(
        estimate.lowpassed,
        estimate.molecule,
        ball,
        voxel_size=parameters.voxel_size,
        lowpass=parameters.lowpass,
        threads=threads,
        out=estimate.lowpassed if overwrite else None,
    )


def map_reference(estimate: PreparedMap) -> Reference:
    """What counts as full in the map by tiled or kernel normalisation.

    Raises
    ------
    MapError
        If the map has no positive density.
    """
    return basis_reference(estimate.source, estimate.basis, estimate.parameters, estimate.settings)


def basis_reference(source: DensityMap, basis: Volume, parameters: ResolvedParameters, settings: Settings) -> Reference:
    """`reference_of` the mode's map of a source (`basis_of`)."""
    try:
        if settings.normalisation == "kernel":
            return kernel_reference(basis, tau=parameters.tau)
        return tiled_reference(basis, tau=parameters.tau, tile_size=settings.tile_size)
    except MapError as error:
        raise MapError(f"{source.path}: {error}") from error


def calibrate_map(estimate: PreparedMap, maximum: Volume, *, threads: int = 1) -> Calibration:
    """Both ends of the calibrated scale, from `maximum_of`; errors as of `calibration.calibrate`."""
    from occupy_core.estimate.calibration import calibrate

    assert estimate.molecule is not None, "the settings ask for calibrated normalisation"
    try:
        return calibrate(
            maximum,
            estimate.inside,
            estimate.solvent,
            estimate.molecule,
            voxel_size=estimate.parameters.voxel_size,
            lowpass=estimate.parameters.lowpass,
            threads=threads,
        )
    except MapError as error:
        raise MapError(f"{estimate.source.path}: {error}") from error


def _in_box(source: DensityMap, settings: Settings, threads: int) -> Tuple[ResolvedParameters, Volume]:
    try:
        parameters = resolve_parameters(source.grid, settings)
    except MapError as error:
        raise MapError(f"{source.path}: {error}") from error
    if parameters.box == source.grid.shape:
        return parameters, source.data
    return parameters, resize(source.data, parameters.box, threads=threads)


def _lowpassed(volume: Volume, parameters: ResolvedParameters, threads: int, out: Optional[Volume] = None) -> Volume:
    return low_pass(
        volume, voxel_size=parameters.voxel_size, cutoff_angstrom=parameters.lowpass, threads=threads, out=out
    )


def _solvent_region(
    source: DensityMap, volume: Volume, flat: NDArray[np.bool_], settings: Settings, threads: int
) -> Tuple[NDArray[np.bool_], Tuple[str, ...]]:
    if settings.solvent_def is None:
        return solvent_region(volume, flat, None, threads=threads)
    definition = sample_nearest(read_on_grid(settings.solvent_def, source, "solvent definition").data, volume.shape)
    try:
        return solvent_region(volume, flat, definition, threads=threads)
    except MapError as error:
        raise MapError(f"{settings.solvent_def}: {error}") from error
