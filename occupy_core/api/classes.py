# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the maps of classes. This project's method, not the published program's (docs/classes.md)."""

from __future__ import annotations

import numbers
import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import Optional, Sequence, Tuple, Union

from occupy_core.api.ensembles import EnsembleDifferences, ensemble_differences
from occupy_core.api.inputs import MapLike, Masks, check_threads, make_settings, map_name, mask_name, read_map_like
from occupy_core.api.occupancy import Occupancy
from occupy_core.arrays.types import Mask, Volume
from occupy_core.comparing.class_cache import ClassCache
from occupy_core.comparing.compare_maps import ClassComparison, compare_maps
from occupy_core.comparing.comparison import Region
from occupy_core.comparing.outputs import occupancy_of_all_particles
from occupy_core.comparing.region_masks import soft_mask
from occupy_core.ensembles.compare_volumes import compare_volumes
from occupy_core.errors import MapError, SettingsError
from occupy_core.estimate.coarse_grid import interpolate_on_map_grid
from occupy_core.input_files import unchanged_inputs
from occupy_core.maps.density_map import DensityMap, inverted_map
from occupy_core.settings.job_spec import MAX_CLASSES, ClassInfo, MapInput

# Shares of classes in RELION's STAR files add up to 1 but for rounding.
_SHARE_ROUNDING = 0.01


@dataclass(frozen=True, eq=False)
class DifferingRegion:
    """A connected part of the molecule where maps differ.

    Attributes
    ----------
    number : int
        From 1: the sure regions first, of either kind the largest volume times difference first.
    volume : float
        Å^3.
    centre : tuple of float
        z, y, x in Å, from the centre of the first voxel.
    occupancies : tuple of Occupancy
        One for each compared map, in the order of `ClassDifferences.names`.
    difference : Occupancy
        Largest difference in occupancy between two maps.
    occupancy_of_all_particles : Occupancy, optional
        Mean of the occupancies, weighted by the classes' shares; None where the shares are not given.
    sigmas : float
        The difference, in standard deviations of the noise of a region of this size; 0 or more.
    doubt : str
        Why the region is unsure, in words; empty for a sure region.
    is_flexible : bool
        Whether the part is blurred, rather than missing, in the map where it reads lowest.
    moved_with : int, optional
        Number of the region that is the same part in its other place; None for a part that has not moved.
    """

    number: int
    volume: float
    centre: Tuple[float, float, float]
    occupancies: Tuple[Occupancy, ...]
    difference: Occupancy
    occupancy_of_all_particles: Optional[Occupancy]
    sigmas: float
    doubt: str
    is_flexible: bool
    moved_with: Optional[int]
    _coarse_mask: Mask = field(repr=False)
    _spacing: float = field(repr=False)  # of the coarse grid, in voxels of the maps
    _shape: Tuple[int, int, int] = field(repr=False)
    _voxel_size: float = field(repr=False)

    @property
    def is_sure(self) -> bool:
        """Whether noise is ruled out as the cause of the region."""
        return not self.doubt

    @cached_property
    def mask(self) -> Volume:
        """Soft mask of the region: float32 array, 3D, 0..1 on the maps' grid, 0.5 at the region's border.

        The mask lies in the pose of the reference map.
        """
        return soft_mask(self._coarse_mask, self._shape, spacing=self._spacing, voxel_size=self._voxel_size)


@dataclass(frozen=True, eq=False)
class ClassDifferences:
    """Differences between the maps of classes.

    Attributes
    ----------
    regions : tuple of DifferingRegion
        The sure regions first, then the unsure ones, which noise may explain.
    names : tuple of str
        Names of the compared maps.
    spread : float32 array, 3D
        Largest difference in occupancy between two maps at each voxel, 0..1, noise included; on the maps' grid.
    reference : str
        Name of the map whose density, where it is most complete, counts as 1. The maps cannot show whether anything is
        there in every particle: all occupancies may be too high by one common factor.
    lowpass : float
        Cutoff of the low-pass that the maps are compared at, Å.
    warnings : tuple of str
        Reasons not to trust the regions, each a sentence.
    """

    regions: Tuple[DifferingRegion, ...]
    names: Tuple[str, ...]
    spread: Volume
    reference: str
    lowpass: float
    warnings: Tuple[str, ...]

    @property
    def sure_regions(self) -> Tuple[DifferingRegion, ...]:
        """The regions that noise is ruled out for; empty where the maps differ by no more than noise explains."""
        return tuple(region for region in self.regions if region.is_sure)


def compare(
    maps: Sequence[MapLike],
    *,
    voxel_size: Optional[float] = None,
    shares: Optional[Sequence[float]] = None,
    lowpass: Optional[float] = None,
    kernel_size: Optional[int] = None,
    kernel_radius: Optional[float] = None,
    max_box: int = 256,
    invert: bool = False,
    solvent_def: Optional[MapLike] = None,
    reference: Optional[int] = None,
    threads: int = 1,
) -> Union[ClassDifferences, EnsembleDifferences]:
    """Find the regions where the maps of classes differ, or the parts that come and go in an ensemble of maps.

    Parameters
    ----------
    maps : sequence of arrays, 3D (z, y, x), paths, or DensityMaps from `read_map`
        Two to ten maps of one classification, on one grid and in one grey scale. Or more maps, for an ensemble: on one
        grid and in one pose; their grey scales may differ.
    voxel_size : float
        Edge of a voxel, Å. Needed for arrays; for files the header's by default.
    shares : sequence of float, optional
        Share of the particles in each map, 0..1; gives the occupancy over all particles when the shares add up to 1.
    reference : int, optional
        Number, from 1, of the map whose fully occupied parts count as 1; the densest map's when not given.
    lowpass, kernel_size, kernel_radius, max_box, invert, solvent_def, threads
        As in `one_map.local_scale`; the low-pass may be coarser by default, where a map has no finer detail.

    Returns
    -------
    ClassDifferences
        Of two to ten maps: the regions where they differ, and how occupied each is in each map.
    EnsembleDifferences
        Of more than ten maps: the parts that come and go together, and how occupied each is in each map. `shares` and
        `reference` have no effect then, which a warning says.

    Raises
    ------
    MapError
        If fewer than two maps are given or can be compared.
    JobError
        If two maps do not lie on one grid, or a temporary file cannot be written.
    SettingsError
        If a setting is out of range, or the reference names no usable map.
    """
    check_threads(threads)
    maps = _sequence_of(maps)
    _check_numbers(len(maps), shares, reference)
    masks: Masks = {}
    settings = make_settings(
        lowpass=lowpass,
        kernel_size=kernel_size,
        kernel_radius=kernel_radius,
        max_box=max_box,
        invert=invert,
        solvent_def=mask_name("solvent_def", solvent_def, masks),
        reference="shared" if reference is None else str(reference),
    )
    names = [map_name(item, number) for number, item in enumerate(maps, start=1)]
    inputs = [
        MapInput(name, class_info=ClassInfo(number, None if shares is None else float(shares[number - 1])))
        for number, name in enumerate(names, start=1)
    ]

    def read(item: MapInput) -> DensityMap:
        number = item.class_info.number if item.class_info else 0
        source = read_map_like(maps[number - 1], item.path, voxel_size, masks, overwritten=True)
        return inverted_map(source) if invert else source

    with unchanged_inputs():
        if len(maps) > MAX_CLASSES:
            found = compare_volumes(inputs, settings, threads=threads, read=read)
            given = [name for name, value in (("shares", shares), ("reference", reference)) if value is not None]
            unused = [f"{name} has no effect on more than {MAX_CLASSES} maps" for name in given]
            return ensemble_differences(found, inputs, unused)
        return _class_differences(compare_maps(inputs, settings, threads=threads, cache=ClassCache(read)), inputs)


def _sequence_of(maps: Sequence[MapLike]) -> Sequence[MapLike]:
    if isinstance(maps, (str, os.PathLike, DensityMap)) or getattr(maps, "ndim", 4) < 4:
        raise MapError("maps: got one map, expected a sequence of maps; write [map1, map2]")
    return list(maps)


def _check_numbers(count: int, shares: Optional[Sequence[float]], reference: Optional[int]) -> None:
    if count < 2:
        raise MapError(
            f"maps: got {count} map, expected two or more to compare; name each map of a folder by itself, for "
            "instance with sorted(glob.glob(...))"
        )
    if reference is not None and not (isinstance(reference, numbers.Integral) and 1 <= reference <= count):
        raise SettingsError("reference", f"got {reference!r}, expected the number of a map, 1 to {count}")
    if shares is None:
        return
    if len(shares) != count:
        raise SettingsError("shares", f"got {len(shares)} shares, expected one for each of {count} maps")
    are_shares = all(isinstance(share, numbers.Real) and 0 <= share <= 1 for share in shares)
    if not are_shares or sum(shares) > 1 + _SHARE_ROUNDING:
        raise SettingsError("shares", f"got {list(shares)}, expected shares of the particles, 0..1, that add up to 1")


def _class_differences(comparison: ClassComparison, maps: Sequence[MapInput]) -> ClassDifferences:
    compared = [maps[index] for index in comparison.map_indices]
    result = comparison.result
    names = [item.name for item in compared]
    if len(set(names)) < len(names):  # files of one name in several folders
        names = [item.path for item in compared]
    return ClassDifferences(
        regions=tuple(
            _differing_region(number, region, comparison, compared)
            for number, region in enumerate(result.regions, start=1)
        ),
        names=tuple(names),
        spread=interpolate_on_map_grid(result.spread, comparison.grid.shape, spacing=comparison.spacing),
        reference=names[result.reference],
        lowpass=comparison.lowpass,
        warnings=comparison.warnings,
    )


def _differing_region(
    number: int, region: Region, comparison: ClassComparison, maps: Sequence[MapInput]
) -> DifferingRegion:
    of_all = occupancy_of_all_particles(region, maps)
    return DifferingRegion(
        number=number,
        volume=region.volume,
        centre=region.centre,
        occupancies=tuple(Occupancy(*interval) for interval in region.occupancies),
        difference=Occupancy(*region.difference),
        occupancy_of_all_particles=None if of_all is None else Occupancy(*of_all),
        sigmas=region.sigmas,
        doubt=region.doubt,
        is_flexible=region.is_flexible,
        moved_with=None if region.moved_with is None else region.moved_with + 1,
        _coarse_mask=region.mask,
        _spacing=comparison.spacing,
        _shape=comparison.grid.shape,
        _voxel_size=comparison.grid.voxel_size,
    )
