# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the frame of an atomic model: where voxel 0 of the map lies in the coordinates of the model.

Programs place maps by the header's origin, by its start indices, or at 0; RELION writes an origin of 0. A model may lie
in the frame of any of them. The model is compared with the map in all places at once: it lies in the map only if the
best of all shifts is one of these frames, and there fits far better than the same model does anywhere after it was
turned, which shows how well a wrong model fits by chance.
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
from occupy_core.modelling.atoms.atomic_model import AtomicModel
from occupy_core.modelling.fit.group_density import frequencies_of, group_density

# 1/Å: the frequencies that are compared, from the finest on, as far as the map has such detail. Ours.
_BANDS = ((1 / 25, 1 / 9), (1 / 40, 1 / 13), (1 / 80, 1 / 20))
# Å, and spacings of the grid: a model this near to its best place lies in the map. Ours.
_MAX_OFFSET, _MAX_OFFSET_STEPS = 4.0, 1.25
# Score of a model at its place relative to the best score of the turned ones, and to that of its mirror images. Ours:
# in the best of the bands the first was above 3 for right models, also in class maps of 20 Å, and at most 1.3 for wrong
# ones; the second was 0.7 and less for models in the wrong hand, and above 1.5 for right models of real molecules.
_MIN_RATIO, _MIN_MIRROR_RATIO = 1.7, 0.9
# Å: a model that is further off in every frame is told by how much it is off in the frame of viewers. Ours.
_FAR = 20.0
# Share of the atoms in the box, below which a model lies outside it. Ours.
_MIN_INSIDE = 0.5
# Euler angles, degrees, by which the model is turned: far from each other and from the symmetries of molecules.
_TURNS = ((37.0, 61.0, 83.0), (110.0, 47.0, 200.0), (255.0, 133.0, 18.0))
# The axes along which the mirror images are inverted.
_MIRRORED = ((0,), (1,), (2,), (0, 1, 2))
# Atoms: of larger models every second, third ... atom is taken, for speed.
_MAX_ATOMS = 30_000


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
        origin = [float(header.origin[axis]) for axis in "xyz"]
        start = [int(header[name]) for name in ("nzstart", "nystart", "nxstart")]
        if any(origin):
            add("the header's origin", origin)
        if any(start):
            add("the header's start indices", in_xyz([index * grid.voxel_size for index in start], grid))
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
    density = _whole_density(model, positions, volume.shape, steps)
    centre = (positions.min(axis=0) + positions.max(axis=0)) / 2
    turned = [
        _whole_density(model, (positions - centre) @ _rotation(angles) + centre, volume.shape, steps)
        for angles in _TURNS
    ]
    best, move, mirror_ratio, inverted_ratio = 0.0, np.zeros(3), 1.0, 0.0
    for band in _BANDS:
        if band[0] >= 1 / (2.2 * max(steps)):  # finer than a map of so large voxels can show
            continue
        scores = fit_scores(volume, density, steps, band)
        of_turned = [fit_scores(volume, other, steps, band) for other in turned]
        by_chance = max(float(item.max()) for item in of_turned)
        inverted_ratio = max(inverted_ratio, float(scores.min()) / min(float(item.min()) for item in of_turned))
        if float(scores.max()) / by_chance <= best:
            continue
        best = float(scores.max()) / by_chance
        peak = _peak(scores)
        moves = [_move_to_peak(peak, frame, frames[0], scores.shape, steps, grid) for frame in frames]
        nearest = int(np.argmin([np.linalg.norm(item) for item in moves]))
        move = moves[nearest if np.linalg.norm(moves[nearest]) < _FAR else 0]
        of_mirrors = (fit_scores(volume, np.flip(density, axes), steps, band).max() for axes in _MIRRORED)
        mirror_ratio = float(scores.max()) / max(map(float, of_mirrors))
        is_near = np.linalg.norm(moves[nearest]) <= max(_MAX_OFFSET, _MAX_OFFSET_STEPS * max(steps))
        if best >= _MIN_RATIO and mirror_ratio >= _MIN_MIRROR_RATIO and is_near:
            return frames[nearest]
    if inverted_ratio > max(best, _MIN_RATIO):
        reason = "it lies in the negative of the map. The contrast of the map is inverted: multiply the map by -1"
    elif all(_share_inside(model, frame, grid) < _MIN_INSIDE for frame in frames):
        reason = (
            "most of its atoms lie outside the box, whatever frame of coordinates is assumed; fit it to the map first, "
            "for instance with fitmap in ChimeraX, and save it relative to the map"
        )
    else:
        reason = _reason(best, mirror_ratio, move)
    raise ModelError(f"{model.path}: the model does not lie in the map: {reason}")


def _reason(ratio: float, mirror_ratio: float, move: NDArray[np.float64]) -> str:
    """Say why a model does not lie in the map, and what to do."""
    fit_it = "fit it to the map first, for instance with fitmap in ChimeraX, and save it relative to the map"
    # A turned or wrong model fits as badly as its mirror image, by chance better or worse.
    if mirror_ratio < _MIN_MIRROR_RATIO and (ratio >= _MIN_RATIO or mirror_ratio * _MIN_RATIO < 1):
        return (
            f"its mirror image fits {1 / mirror_ratio:.1f} times better. The map or the model has the wrong hand: flip "
            "the map, or take the other model"
        )
    if ratio < _MIN_RATIO:
        return (
            f"at its best place it fits {ratio:.2f} times as well as a turned model fits by chance, expected "
            f"{_MIN_RATIO:g} times and more. Check that it is the molecule of this map; if it is, {fit_it}"
        )
    by = ", ".join(str(round(value)) for value in move)
    return (
        f"it fits best {np.linalg.norm(move):.0f} Å away from its place, moved by about ({by}) Å along x, y and z; "
        f"{fit_it}. If it lies in the map already, check the voxel size, and whether the model is turned"
    )


def _share_inside(model: AtomicModel, frame: Frame, grid: MapGrid) -> float:
    """Return the share of the atoms that lie in the box in a frame."""
    positions = positions_in_map(model, frame, grid)
    inside = np.all((positions > 0) & (positions < np.array(grid.shape) * grid.voxel_size), axis=1)
    return float(inside.mean())


def _peak(scores: Volume) -> NDArray[np.float64]:
    """Return the place of the largest score, in voxels, refined by a parabola along each axis."""
    peak = np.array(np.unravel_index(int(np.argmax(scores)), scores.shape))
    refined = peak.astype(float)
    for axis, side in enumerate(scores.shape):
        step = np.arange(3) == axis
        before, middle, after = (float(scores[tuple((peak + n * step) % scores.shape)]) for n in (-1, 0, 1))
        bend = before - 2 * middle + after
        refined[axis] += 0.5 * (before - after) / bend if bend < 0 and side > 2 else 0.0
    return refined


def fit_scores(volume: Volume, density: Volume, steps: Sequence[float], band: Tuple[float, float]) -> Volume:
    """Return how well a density fits a map at each shift (float32 array, 3D, in standard deviations over all shifts).

    The score is the product of map and density, both with the same power at each frequency of the band (1/Å).
    """
    k = frequencies_of(volume.shape, steps)
    compared = (k > band[0]) & (k < min(band[1], 1 / (2.2 * max(steps))))
    spectra = [scipy.fft.rfftn(values) * compared for values in (volume, density)]
    for values in spectra:
        values /= _spectral_amplitude(values, k, steps)
    scores: Volume = scipy.fft.irfftn(spectra[0] * spectra[1].conj(), volume.shape).astype(np.float32)
    return scores / scores.std()


def _whole_density(
    model: AtomicModel, positions: NDArray[np.float64], shape: Sequence[int], steps: Sequence[float]
) -> Volume:
    """Return the density of all atoms in the box of a map; what leaves the box comes in at the other side."""
    every = slice(None, None, -(-len(positions) // _MAX_ATOMS))
    elements = model.elements[every]
    density = group_density(positions[every], elements, np.full(len(elements), _mean_b(model)), steps)
    part = density.filtered((density.frequencies() < 1 / (2.2 * max(steps))).astype(np.float32))
    whole = np.zeros(tuple(shape), np.float32)
    z, y, x = ((np.arange(size) + first) % side for size, first, side in zip(part.shape, density.first, shape))
    np.add.at(whole, np.ix_(z, y, x), part)
    return whole


def _rotation(degrees: Tuple[float, float, float]) -> NDArray[np.float64]:
    """Return the matrix of a rotation about z, then y, then z."""
    first, second, third = np.radians(degrees)

    def about(angle: float, axes: Tuple[int, int]) -> NDArray[np.float64]:
        matrix = np.eye(3)
        matrix[np.ix_(axes, axes)] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        return matrix

    return about(third, (0, 1)) @ about(second, (0, 2)) @ about(first, (0, 1))


def _mean_b(model: AtomicModel) -> float:
    return float(np.clip(np.median(model.b_factors), 0, 200))


def _spectral_amplitude(values: NDArray[np.complex64], k: NDArray[np.float32], steps: Sequence[float]) -> Volume:
    """Return the root mean square of a spectrum over shells of equal frequency, at each component."""
    step = 1 / (max(values.shape) * min(steps))
    index = (k / step).astype(np.intp)
    power = np.bincount(index.ravel(), (np.abs(values) ** 2).ravel()) / np.maximum(np.bincount(index.ravel()), 1)
    amplitude: Volume = np.sqrt(np.maximum(power, np.finfo(np.float32).tiny)).astype(np.float32)[index]
    return amplitude


def _move_to_peak(
    peak: NDArray[np.float64],
    frame: Frame,
    reference: Frame,
    shape: Sequence[int],
    steps: Sequence[float],
    grid: MapGrid,
) -> NDArray[np.float64]:
    """Return the move (x, y, z, Å) that brings a model from its place in a frame to the best shift."""
    difference = np.array(reference.first_voxel) - np.array(frame.first_voxel)
    shift = difference[_axes(grid)]
    lengths = np.array(shape) * np.array(steps)
    apart = (peak * np.array(steps) - shift + lengths / 2) % lengths - lengths / 2
    move = np.zeros(3)
    move[_axes(grid)] = apart
    return move


def _axes(grid: MapGrid) -> List[int]:
    """Return which of x, y, z (0, 1, 2) the sections, rows and columns of the map lie along."""
    axes = [3, 2, 1] if grid.header is None else [int(grid.header[name]) for name in ("maps", "mapr", "mapc")]
    return [axis - 1 for axis in (axes if sorted(axes) == [1, 2, 3] else [3, 2, 1])]
