# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the frame of an atomic model: where voxel 0 of the map lies in the coordinates of the model.

Programs place maps by the header's origin, by its start indices, or at 0; RELION writes an origin of 0. A model may lie
in the frame of any of them. The model is compared with the map in all places at once: it lies in the map only if the
best of all shifts is one of these frames, and there fits better than its mirror images do anywhere. These have the same
size and texture, so that they show how well a wrong model fits by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from occupy_core.arrays.types import Volume
from occupy_core.errors import ModelError
from occupy_core.maps.grid import MapGrid, in_xyz, position_of
from occupy_core.modelling.atomic_model import AtomicModel
from occupy_core.modelling.group_density import frequencies_of, group_density

# 1/Å: the frequencies that are compared. Coarser ones are alike for all globular molecules. Ours.
_BAND = (1 / 25, 1 / 9)
# Å: a model this near to its best place lies in the map; fits to maps are mostly better than that. Ours.
_MAX_OFFSET = 4.0
# Score of a model at its place relative to the best of its mirror images. Ours: it was 2.9 and more for right models, and
# at most 1.3 for wrong ones.
_MIN_RATIO = 1.6
# The axes along which the mirror images are inverted.
_MIRRORED = ((0,), (1,), (2,), (0, 1, 2))


@dataclass(frozen=True)
class Frame:
    """A frame of coordinates.

    Attributes
    ----------
    name : str
        In words, such as "the header's origin".
    first_voxel : tuple of three float
        x, y, z of the centre of voxel 0 of the map, Å.
    """

    name: str
    first_voxel: Tuple[float, float, float]


def possible_frames(grid: MapGrid) -> Tuple[Frame, ...]:
    """Return the frames that a model of a map may lie in, without repetitions: first that which viewers take."""
    header = grid.header
    frames: Dict[Tuple[float, ...], Frame] = {}

    def add(name: str, first_voxel: Sequence[float]) -> None:
        x, y, z = (float(value) for value in first_voxel)
        frames.setdefault(tuple(round(value, 2) for value in (x, y, z)), Frame(name, (x, y, z)))

    if header is not None:
        add("the header's origin or start indices, as viewers take it", position_of((0, 0, 0), grid))
        add("the header's origin", [float(header.origin[axis]) for axis in "xyz"])
        start = [int(header[name]) * grid.voxel_size for name in ("nzstart", "nystart", "nxstart")]
        add("the header's start indices", in_xyz(start, grid))
    add("a corner of the box at 0", (0, 0, 0))
    centre = [-(side // 2) * grid.voxel_size for side in grid.shape]
    add("the centre of the box at 0", centre[::-1] if header is None else in_xyz(centre, grid))
    return tuple(frames.values())


def positions_in_map(model: AtomicModel, frame: Frame, grid: MapGrid) -> NDArray[np.float64]:
    """Return the atoms' positions along the axes of the map (sections, rows, columns), Å from the centre of voxel 0."""
    from_first: NDArray[np.float64] = model.positions - np.array(frame.first_voxel)
    return from_first[:, _axes(grid)]


def find_frame(model: AtomicModel, volume: Volume, steps: Sequence[float], grid: MapGrid) -> Frame:
    """Find the frame in which a model lies in a map.

    Parameters
    ----------
    model : AtomicModel
    volume : float32 array, 3D
        The map, resampled to spacings of at most 3 Å.
    steps : sequence of three float
        Spacing of `volume` (z, y, x), Å.
    grid : MapGrid
        Grid of the map.

    Raises
    ------
    ModelError
        If the model lies in none of the possible frames.
    """
    frames = possible_frames(grid)
    positions = positions_in_map(model, frames[0], grid)
    scores = _scores(model, positions, volume, steps)
    peak = np.array(np.unravel_index(int(np.argmax(scores)), scores.shape))
    offsets = [_offset(peak, frame, frames[0], scores.shape, steps, grid) for frame in frames]
    nearest = int(np.argmin(offsets))
    centre = (positions.min(axis=0) + positions.max(axis=0)) / 2
    by_chance = 0.0
    for axes in _MIRRORED:
        mirrored = positions.copy()
        mirrored[:, axes] = 2 * centre[list(axes)] - mirrored[:, axes]
        by_chance = max(by_chance, float(_scores(model, mirrored, volume, steps).max()))
    ratio = float(scores.max()) / by_chance
    name = f"{model.path}: the model does not lie in the map"
    if ratio < _MIN_RATIO:
        raise ModelError(
            f"{name}: at its best place it fits {ratio:.2f} times as well as its mirror image, expected {_MIN_RATIO:g} "
            "times and more. Check that it is the molecule of this map, in the right hand, and fit it first, for instance "
            "with fitmap in ChimeraX"
        )
    if offsets[nearest] > _MAX_OFFSET:
        raise ModelError(
            f"{name}: it fits best {offsets[nearest]:.0f} Å away from its place. Fit it to the map first, for instance "
            "with fitmap in ChimeraX, and save it relative to the map"
        )
    return frames[nearest]


def _scores(
    model: AtomicModel, positions: NDArray[np.float64], volume: Volume, steps: Sequence[float]
) -> Volume:
    """Return how well the model fits at each shift: the product of map and model, both of one power at each frequency,
    in standard deviations over all shifts."""
    density = group_density(positions, model.elements, np.full(len(positions), _mean_b(model)), steps)
    k = frequencies_of(volume.shape, steps)
    band = (k > _BAND[0]) & (k < min(_BAND[1], 1 / (2.2 * max(steps))))
    whole = np.zeros(volume.shape, np.float32)
    part = density.filtered((density.frequencies() < 1 / (2.2 * max(steps))).astype(np.float32))
    z, y, x = ((np.arange(size) + first) % side for size, first, side in zip(part.shape, density.first, volume.shape))
    np.add.at(whole, np.ix_(z, y, x), part)
    spectra = [scipy.fft.rfftn(values) * band for values in (volume, whole)]
    for values in spectra:
        values /= _spectral_amplitude(values, k, steps)
    scores = scipy.fft.irfftn(spectra[0] * spectra[1].conj(), volume.shape).astype(np.float32)
    return scores / scores.std()


def _mean_b(model: AtomicModel) -> float:
    return float(np.clip(np.median(model.b_factors), 0, 200))


def _spectral_amplitude(values: NDArray[np.complex64], k: NDArray[np.float32], steps: Sequence[float]) -> Volume:
    """Return the root mean square of a spectrum over shells of equal frequency, at each component."""
    step = 1 / (max(values.shape) * min(steps))
    index = (k / step).astype(np.intp)
    power = np.bincount(index.ravel(), (np.abs(values) ** 2).ravel()) / np.maximum(np.bincount(index.ravel()), 1)
    amplitude: Volume = np.sqrt(np.maximum(power, np.finfo(np.float32).tiny)).astype(np.float32)[index]
    return amplitude


def _offset(
    peak: NDArray[np.intp],
    frame: Frame,
    reference: Frame,
    shape: Sequence[int],
    steps: Sequence[float],
    grid: MapGrid,
) -> float:
    """Return the distance, Å, between the best shift and the shift that a frame stands for."""
    difference = np.array(reference.first_voxel) - np.array(frame.first_voxel)
    shift = difference[_axes(grid)]
    lengths = np.array(shape) * np.array(steps)
    apart = (peak * np.array(steps) - shift + lengths / 2) % lengths - lengths / 2
    return float(np.linalg.norm(apart))


def _axes(grid: MapGrid) -> List[int]:
    """Return which of x, y, z (0, 1, 2) the sections, rows and columns of the map lie along."""
    axes = [3, 2, 1] if grid.header is None else [int(grid.header[name]) for name in ("maps", "mapr", "mapc")]
    return [axis - 1 for axis in (axes if sorted(axes) == [1, 2, 3] else [3, 2, 1])]
