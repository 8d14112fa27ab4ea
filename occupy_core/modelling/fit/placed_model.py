# SPDX-License-Identifier: GPL-3.0-or-later
"""The densities of a model's groups on the grid on which maps are fitted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import List, Optional, Sequence, Tuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from occupy_core.arrays.slabs import for_each
from occupy_core.maps.grid import MapGrid
from occupy_core.modelling.atoms.atomic_model import AtomicModel
from occupy_core.modelling.atoms.b_factors import usable_b_factors
from occupy_core.modelling.atoms.groups import Group
from occupy_core.modelling.fit.find_frame import find_frame
from occupy_core.modelling.fit.frame import Frame, positions_in_map
from occupy_core.modelling.fit.frequency_shells import tapered
from occupy_core.modelling.fit.group_density import GroupDensity, group_density
from occupy_core.modelling.fit.map_to_fit import MapToFit, Reader, on_grid
from occupy_core.modelling.fit.model_shape import ModelShape
from occupy_core.modelling.fit.normal_equations import Place, normal_equations

# Å, and voxels: the finest detail that is fitted is the coarser of both. Finer detail says more about noisy maps, and
# depends more on the B-factors (docs/model.md). Ours.
_FINEST, _FINEST_VOXELS = 5.0, 2.5
# Points of the working grid along a side of a cube of the box's volume, at most: a coarser detail is fitted in larger
# boxes, so that time and memory do not grow with the box. Ours.
_MOST_POINTS = 160
_FINEST_LOWPASS = 2.0  # voxels: a finer low-pass asks for detail that no map holds
_COARSEST = 20.0  # Å: a coarser low-pass leaves no shapes of molecules
_SAMPLES = 2.5  # points of the grid in the finest detail
_FINEST_FOR_FRAME = 7.5  # Å
# Cosine between the densities of two groups, above which no map tells them apart. Ours.
_MAX_ALIKE = 0.95
_ON_ATOM = 0.5  # Å: an atom nearer to another one is a copy of it; bonds are longer


def default_finest(voxel_size: float, shape: Sequence[int]) -> float:
    """Return the finest detail that is fitted by default, Å: 5 Å or 2.5 voxels, and more in boxes above 320 Å.

    Parameters
    ----------
    voxel_size : float
        Å.
    shape : three int
        Box of the map, voxels.
    """
    side = float(np.prod(shape)) ** (1 / 3) * voxel_size
    return max(_FINEST, _FINEST_VOXELS * voxel_size, _SAMPLES / _MOST_POINTS * side)


@dataclass(frozen=True)
class PlacedModel:
    """A model in the box of a map.

    Attributes
    ----------
    grid : MapGrid
        Grid of the maps.
    frame : Frame
    finest : float
        Finest detail that is fitted, Å.
    shape : three int
        The working grid, on which maps are fitted (z, y, x), voxels.
    steps : three float
        Its spacing, Å.
    elements : tuple of str
    positions : float64 array (atoms, 3)
        z, y, x, Å from the centre of voxel 0.
    b_factors : float64 array (atoms)
        Å^2.
    group_of_atom : int array (atoms)
    outline : ModelShape
        The model as a whole on a coarser grid.
    densities : tuple of GroupDensity
        Groups that cannot be told apart share one, in which copies count once: its occupancy is the sum of theirs.
    owner : tuple of int
        For each group, the index of its density.
    """

    grid: MapGrid
    frame: Frame
    finest: float
    shape: Tuple[int, ...]
    steps: Tuple[float, ...]
    elements: Tuple[str, ...] = field(repr=False)
    positions: NDArray[np.float64] = field(repr=False)
    b_factors: NDArray[np.float64] = field(repr=False)
    group_of_atom: NDArray[np.intp] = field(repr=False)
    outline: ModelShape = field(repr=False)
    densities: Tuple[GroupDensity, ...] = ()
    owner: Tuple[int, ...] = ()

    def read(self, read: Reader, threads: int) -> MapToFit:
        """Read a map on the working grid. Raises MapError if it does not lie on the grid of the first map."""
        return MapToFit.read(read, self.grid, self.shape, self.outline.density.shape, threads)

    def density_of(self, atoms: NDArray[np.intp]) -> GroupDensity:
        """Return the density of some atoms, by their indices."""
        elements = [self.elements[index] for index in atoms]
        return group_density(self.positions[atoms], elements, self.b_factors[atoms], self.steps, self.finest)


def place_model(
    read: Reader,
    model: AtomicModel,
    groups: Sequence[Group],
    lowpass: Optional[float],
    warnings: List[str],
    threads: int,
) -> PlacedModel:
    """Find the frame of a model in a map and compute the densities of its groups.

    Parameters
    ----------
    read : callable
        Reads the map, which does not stay in memory.
    model : AtomicModel
    groups : sequence of Group
        All atoms of the model, each in one group.
    lowpass : float, optional
        Finest detail to fit, Å; by default 5 Å or 2.5 voxels, and more in boxes above 320 Å.
    warnings : list of str
        Warnings are added to it.
    threads : int

    Raises
    ------
    ModelError
        If the model does not lie in the map.
    """
    source = read()
    grid = source.grid
    coarse_shape, coarse_steps = _working_grid(grid, _FINEST_FOR_FRAME)
    coarse = on_grid(source, coarse_shape, threads)
    del source
    finest = min(lowpass or default_finest(grid.voxel_size, grid.shape), _COARSEST)
    finest = max(finest, _FINEST_LOWPASS * grid.voxel_size)
    outline = ModelShape.of(model, coarse_shape, coarse_steps, grid)
    frame = find_frame(model, outline, coarse, grid)
    shape, steps = _working_grid(grid, finest)
    group_of_atom = np.empty(len(model.elements), np.intp)
    for number, group in enumerate(groups):
        group_of_atom[group.atoms] = number
    b_factors, warning = usable_b_factors(model)
    warnings += [warning] if warning else []
    placed = PlacedModel(
        grid,
        frame,
        finest,
        shape,
        steps,
        model.elements,
        positions_in_map(model, frame, grid),
        b_factors,
        group_of_atom,
        outline,
    )
    densities: List[Optional[GroupDensity]] = [None] * len(groups)

    def compute(number: int) -> None:
        densities[number] = placed.density_of(groups[number].atoms)

    for_each(range(len(groups)), compute, threads=threads)
    own = [item for item in densities if item is not None]
    owner = _merge_alike(own, groups, finest, shape, warnings)
    kept = sorted(set(owner))
    merged = [
        own[index]
        if owner.count(index) == 1
        else placed.density_of(
            _without_copies([g.atoms for g, o in zip(groups, owner) if o == index], placed.positions)
        )
        for index in kept
    ]
    return replace(placed, densities=tuple(merged), owner=tuple(kept.index(index) for index in owner))


def _working_grid(grid: MapGrid, finest: float) -> Tuple[Tuple[int, ...], Tuple[float, ...]]:
    """Return shape and spacings (Å) of a grid that holds the finest detail; no finer than the map's own."""
    shape = tuple(
        min(side, int(scipy.fft.next_fast_len(int(np.ceil(side * grid.voxel_size * _SAMPLES / finest)), real=True)))
        for side in grid.shape
    )
    return shape, tuple(side * grid.voxel_size / new for side, new in zip(grid.shape, shape))


def _merge_alike(
    densities: Sequence[GroupDensity], groups: Sequence[Group], finest: float, shape: Sequence[int], warnings: List[str]
) -> List[int]:
    """Return for each group the index of the first group that it cannot be told from: mostly its own."""
    places = [Place.of(item, shape) for item in densities]
    everywhere = np.ones(tuple(shape), np.float32)
    equations = normal_equations(lambda number: [tapered(densities[number], finest)], places, everywhere, everywhere)
    products = equations.matrix
    lengths = np.sqrt(np.maximum(np.diag(products), np.finfo(float).tiny))
    alike = products / np.outer(lengths, lengths) > _MAX_ALIKE
    owner = list(range(len(groups)))
    for one in range(len(groups)):
        for other in range(one):
            if alike[one, other] and owner[one] == one:
                owner[one] = owner[other]
                warnings.append(
                    f"{groups[other].name} and {groups[one].name} lie in one place with one shape: no map tells them "
                    "apart, so both have the occupancy that they have together. If the file holds the molecule twice, "
                    "remove the copy"
                )
    return owner


def _without_copies(groups: Sequence[NDArray[np.intp]], positions: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the atoms of groups without those groups that mostly lie on atoms of the ones before."""
    kept = groups[0]
    for atoms in groups[1:]:
        distances, _ = cKDTree(positions[kept]).query(positions[atoms], distance_upper_bound=_ON_ATOM)
        if np.isfinite(distances).mean() < 0.5:
            kept = np.concatenate([kept, atoms])
    return kept
