# SPDX-License-Identifier: GPL-3.0-or-later
"""Preparation of one map: the working box, the low-passed map, the solvent region, the kernel maximum, the reference.

Modules that only calibrated normalisation needs are imported when it is used, so that other jobs start faster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError
from occupy_core.estimate.input_checks import mask_warnings
from occupy_core.estimate.kernel import ball_mask, ball_maximum
from occupy_core.estimate.parameters import ResolvedParameters, resolve_parameters
from occupy_core.estimate.reference import Reference, kernel_reference, tiled_reference
from occupy_core.fourier.low_pass import low_pass
from occupy_core.fourier.resize import resize, sample_nearest
from occupy_core.maps.density_map import DensityMap
from occupy_core.maps.grid import box_text
from occupy_core.maps.reading import read_on_grid
from occupy_core.settings.settings import Settings
from occupy_core.solvent.region import DEFINITION_THRESHOLD, flat_areas, inscribed_sphere, solvent_region

if TYPE_CHECKING:
    from occupy_core.estimate.calibration import Calibration
    from occupy_core.estimate.molecule import Molecule


@dataclass(frozen=True)
class PreparedMap:
    """A map in the working box, with everything that is computed before measuring. Arrays have the working box.

    Attributes
    ----------
    source : DensityMap
        The input.
    settings : Settings
    parameters : ResolvedParameters
        Box, low-pass, kernel and tau.
    volume : float32 array, 3D
        The map.
    lowpassed : float32 array, 3D
        The low-passed map.
    basis : float32 array, 3D
        The map that the local scale is computed from: `lowpassed` in occupancy mode, `volume` in resolution mode.
    inside : bool array, 3D
        The voxels where the molecule may be: inside the inscribed sphere and outside flat areas.
    solvent : bool array, 3D
        The solvent region.
    warnings : tuple of str
        Warnings about the file, the working box and the solvent region.
    molecule : Molecule, optional
        The molecule, for calibrated normalisation; None for the others.
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
    """Compute everything that is needed to measure a map.

    Parameters
    ----------
    source : DensityMap
        The input.
    settings : Settings
    threads : int
        Number of threads; the result does not depend on it.
    overwrite : bool
        Whether the data of `source` may be overwritten. In occupancy mode the low-passed map is then written to the
        memory of the map, and `volume` is the low-passed map too.

    Returns
    -------
    PreparedMap

    Raises
    ------
    MapError
        If the box is too small, or the solvent definition cannot be read, does not lie on the map's grid or has all
        voxels on one side.
    SettingsError
        If a setting does not suit the map's box.
    """
    parameters, volume = _to_working_box(source, settings, threads)
    notes = list(source.warnings)
    if parameters.box != source.grid.shape:
        notes.append(
            f"computed in a box of {box_text(parameters.box)} voxels (setting max_box), so modified maps have no "
            f"detail finer than {2 * parameters.voxel_size:.3g} Å"
        )
    # Flat areas are searched in the map as read: Fourier cropping adds ripples to constant voxels.
    flat = sample_nearest(flat_areas(source.data, threads=threads), volume.shape)
    region, region_warnings = _solvent_region(source, volume, flat, settings, threads)
    inside = region if settings.solvent_def is None else inscribed_sphere(volume.shape) & ~flat
    del flat
    overwritten = volume if overwrite and parameters.mode == "occupancy" else None
    if overwritten is not None:
        overwritten.flags.writeable = True  # mrcfile returns its own array, but marks it read-only
    if settings.normalisation == "calibrated":
        from occupy_core.estimate.molecule import lowpassed_with_molecule

        voxel_size, lowpass = parameters.voxel_size, parameters.lowpass
        lowpassed, molecule = lowpassed_with_molecule(
            volume, inside, voxel_size=voxel_size, lowpass=lowpass, threads=threads, out=overwritten
        )
    else:
        lowpassed, molecule = _lowpassed(volume, parameters, threads, overwritten), None
    basis = lowpassed if parameters.mode == "occupancy" else volume
    warnings = (*notes, *region_warnings)
    return PreparedMap(source, settings, parameters, volume, lowpassed, basis, inside, region, warnings, molecule)


def prepare_basis(
    source: DensityMap, settings: Settings, *, threads: int = 1
) -> Tuple[ResolvedParameters, Volume, Volume]:
    """Compute the map in the working box and the basis of the scale, which are all that a reference value needs.

    Parameters
    ----------
    source : DensityMap
        The input.
    settings : Settings
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    parameters : ResolvedParameters
    volume : float32 array, 3D
        The map in the working box.
    basis : float32 array, 3D
        The map that the local scale is computed from: low-passed in occupancy mode, else `volume`.

    Raises
    ------
    MapError
        If the box is too small.
    SettingsError
        If a setting does not suit the map's box.
    """
    parameters, volume = _to_working_box(source, settings, threads)
    return parameters, volume, _lowpassed(volume, parameters, threads) if parameters.mode == "occupancy" else volume


def kernel_maximum(prepared: PreparedMap, *, threads: int = 1, overwrite: bool = False) -> Volume:
    """Compute the kernel maximum that the local scale is computed from.

    Parameters
    ----------
    prepared : PreparedMap
    threads : int
        Number of threads; the result does not depend on it.
    overwrite : bool
        Whether `prepared.lowpassed` may be overwritten by the result.

    Returns
    -------
    float32 array, 3D, in the working box
        The maximum of the basis over the kernel around each voxel; for calibrated occupancies
        `occupy_core.estimate.molecule.corrected_maximum`.
    """
    parameters = prepared.parameters
    kernel = ball_mask(parameters.kernel_size, parameters.kernel_radius)
    if prepared.molecule is None or not prepared.settings.reads_occupancy:
        return ball_maximum(prepared.basis, kernel, threads=threads)
    from occupy_core.estimate.molecule import corrected_maximum

    return corrected_maximum(
        prepared.lowpassed,
        prepared.molecule,
        kernel,
        voxel_size=parameters.voxel_size,
        lowpass=parameters.lowpass,
        threads=threads,
        out=prepared.lowpassed if overwrite else None,
    )


def map_reference(prepared: PreparedMap) -> Reference:
    """Find the reference value of a prepared map by tiled or kernel normalisation.

    Raises
    ------
    MapError
        If the map has no positive density.
    """
    return basis_reference(prepared.source, prepared.basis, prepared.parameters, prepared.settings)


def basis_reference(source: DensityMap, basis: Volume, parameters: ResolvedParameters, settings: Settings) -> Reference:
    """Find the reference value in the map that the local scale is computed from, by tiled or kernel normalisation.

    Parameters
    ----------
    source : DensityMap
        The input, which an error message names.
    basis : float32 array, 3D
        The map that the local scale is computed from (`prepare_basis`), in the working box.
    parameters : ResolvedParameters
    settings : Settings

    Raises
    ------
    MapError
        If the map has no positive density.
    """
    try:
        if settings.normalisation == "kernel":
            return kernel_reference(basis, tau=parameters.tau)
        return tiled_reference(basis, tau=parameters.tau, tile_size=settings.tile_size)
    except MapError as error:
        raise MapError(f"{source.path}: {error}") from error


def calibrate_map(prepared: PreparedMap, maximum: Volume, *, threads: int = 1) -> Calibration:
    """Find the zero and the one of the calibrated scale of a prepared map.

    Parameters
    ----------
    prepared : PreparedMap
        Prepared with settings of calibrated normalisation.
    maximum : float32 array, 3D
        From `kernel_maximum`.
    threads : int
        Number of threads; the result does not depend on it.

    Raises
    ------
    MapError
        If no density stands out of the solvent.
    """
    from occupy_core.estimate.calibration import calibrate

    assert prepared.molecule is not None, "the map was not prepared for calibrated normalisation"
    try:
        return calibrate(
            maximum,
            prepared.inside,
            prepared.solvent,
            prepared.molecule,
            voxel_size=prepared.parameters.voxel_size,
            lowpass=prepared.parameters.lowpass,
            threads=threads,
        )
    except MapError as error:
        raise MapError(f"{prepared.source.path}: {error}") from error


def _to_working_box(source: DensityMap, settings: Settings, threads: int) -> Tuple[ResolvedParameters, Volume]:
    """Return the parameters and the map in the working box, without a copy if that is the map's own box."""
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
    """Find the solvent region in the working box, with the solvent definition if the settings name one."""
    if settings.solvent_def is None:
        return solvent_region(volume, flat, None, threads=threads)
    mask = read_on_grid(settings.solvent_def, source, "solvent definition")
    notes = mask_warnings(mask, source, "solvent definition", threshold=DEFINITION_THRESHOLD)
    try:
        region, warnings = solvent_region(volume, flat, sample_nearest(mask.data, volume.shape), threads=threads)
    except MapError as error:
        raise MapError(f"{settings.solvent_def}: {error}") from error
    return region, (*notes, *warnings)
