# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the frame in which a model lies in a map, or say why it lies in none.

The model is compared with the map in all places at once: it lies in the map only if the best of all shifts is one of
the possible frames, and there fits far better than the same model does anywhere after it was turned, which shows how
well a wrong model fits by chance.
"""

from __future__ import annotations

from typing import Sequence

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Volume
from occupy_core.errors import ModelError
from occupy_core.maps.grid import MapGrid
from occupy_core.modelling.atoms.atomic_model import AtomicModel
from occupy_core.modelling.fit.frame import Frame, axes_of, positions_in_map, possible_frames
from occupy_core.modelling.fit.model_shape import ModelShape

# Å, and spacings of the grid: a model this near to its best place lies in the map. Ours.
_MAX_OFFSET, _MAX_OFFSET_STEPS = 4.0, 1.25
# Score of a model at its place relative to the best score of the turned ones, and to that of its mirror images. Ours:
# in the best of the bands the first was above 3 for right models, also in class maps of 20 Å, and at most 1.3 for wrong
# ones; the second was 0.7 and less for models in the wrong hand, and above 1.5 for right models of real molecules.
_MIN_RATIO, _MIN_MIRROR_RATIO = 1.7, 0.9
# The first for maps in the pose that the fit found. Ours: right classes of 100 particles and more had 1.5 and more.
_MIN_RATIO_OF_MOVED = 1.45
# Such a score away from the place of the model shows that the map has detail, and of something else: coarser bands, in
# which a wrong model may fit by its outline alone, then do not count. Ours: wrong maps had 1.25 to 1.45 there;
# noise had up to 1.21, and then hid the model in the coarser bands too.
_MIN_RATIO_ELSEWHERE = 1.2
# Å: a model that is further off in every frame is told by how much it is off in the frame of viewers. Ours.
_FAR = 20.0
# Share of the atoms in the box, below which a model lies outside it. Ours.
_MIN_INSIDE = 0.5
_FIT_IT = "fit it to the map first, for instance with fitmap in ChimeraX, and save it relative to the map"


def lies_in(shape: ModelShape, volume: Volume, frame: Frame, grid: MapGrid) -> bool:
    """Return whether a model lies in a map in a frame, neither turned nor mirrored.

    Parameters
    ----------
    shape : ModelShape
    volume : float32 array, 3D
        The map on the grid of `shape`.
    frame : Frame
    grid : MapGrid
        Grid of the map.
    """
    for band in shape.bands():
        scores, by_chance, _ = shape.compare(volume, band)
        highest = float(scores.max())
        move = _move_to_peak(_peak(scores), frame, possible_frames(grid)[0], scores.shape, shape.steps, grid)
        is_near = np.linalg.norm(move) <= _farthest(shape.steps)
        if not is_near and highest >= _MIN_RATIO_ELSEWHERE * by_chance:
            return False
        is_right = is_near and highest >= _MIN_RATIO_OF_MOVED * by_chance
        if is_right and shape.mirror_ratio(volume, band, highest) >= _MIN_MIRROR_RATIO:
            return True
    return False


def _farthest(steps: Sequence[float]) -> float:
    return max(_MAX_OFFSET, _MAX_OFFSET_STEPS * max(steps))


def find_frame(model: AtomicModel, shape: ModelShape, volume: Volume, grid: MapGrid) -> Frame:
    """Find the frame in which a model lies in a map.

    Parameters
    ----------
    model : AtomicModel
    shape : ModelShape
        Of this model.
    volume : float32 array, 3D
        The map, on the grid of `shape`.
    grid : MapGrid
        Grid of the map.

    Raises
    ------
    ModelError
        If the model lies in none of the possible frames.
    """
    frames = possible_frames(grid)
    best, used, move, mirror_ratio, inverted_ratio = 0.0, 0, np.zeros(3), 1.0, 0.0
    for band in shape.bands():
        scores, by_chance, lowest_by_chance = shape.compare(volume, band)
        inverted_ratio = max(inverted_ratio, float(scores.min()) / lowest_by_chance)
        if float(scores.max()) / by_chance <= best:
            continue
        best = float(scores.max()) / by_chance
        peak = _peak(scores)
        moves = [_move_to_peak(peak, frame, frames[0], scores.shape, shape.steps, grid) for frame in frames]
        nearest = int(np.argmin([np.linalg.norm(item) for item in moves]))
        used = nearest if np.linalg.norm(moves[nearest]) < _FAR else 0
        move = moves[used]
        mirror_ratio = shape.mirror_ratio(volume, band, float(scores.max()))
        is_near = np.linalg.norm(moves[nearest]) <= _farthest(shape.steps)
        if best >= _MIN_RATIO and mirror_ratio >= _MIN_MIRROR_RATIO and is_near:
            return frames[nearest]
    if inverted_ratio > max(best, _MIN_RATIO):
        reason = "it lies in the negative of the map. The contrast of the map is inverted: change the setting invert"
    elif all(_share_inside(model, frame, grid) < _MIN_INSIDE for frame in frames):
        reason = (
            "most of its atoms lie outside the box, whatever frame of coordinates is assumed. Check the voxel size of "
            f"the map ({grid.voxel_size:.4g} Å); if it is right, {_FIT_IT}"
        )
    else:
        reason = _reason(best, mirror_ratio, into_box(move, positions_in_map(model, frames[used], grid), grid), grid)
    raise ModelError(f"{model.path}: the model does not lie in the map: {reason}")


def into_box(move: NDArray[np.float64], positions: NDArray[np.float64], grid: MapGrid) -> NDArray[np.float64]:
    """Return a move (x, y, z, Å) changed by whole boxes, so that as many atoms as possible lie in the box after it."""
    result = move.copy()
    for axis, (side, xyz) in enumerate(zip(np.array(grid.shape) * grid.voxel_size, axes_of(grid))):
        places = positions[:, axis]
        choices = (move[xyz], move[xyz] - side, move[xyz] + side)
        result[xyz] = max(choices, key=lambda by: float(np.mean((places + by > 0) & (places + by < side))))
    return result


def _reason(ratio: float, mirror_ratio: float, move: NDArray[np.float64], grid: MapGrid) -> str:
    """Say why a model does not lie in the map, and what to do."""
    # A turned or wrong model fits as badly as its mirror image, by chance better or worse.
    if mirror_ratio < _MIN_MIRROR_RATIO and (ratio >= _MIN_RATIO or mirror_ratio * _MIN_RATIO < 1):
        return (
            f"its mirror image fits {1 / mirror_ratio:.1f} times better. The map or the model has the wrong hand: flip "
            "the map, or take the other model"
        )
    if ratio < _MIN_RATIO:
        return (
            f"at its best place it fits {ratio:.2f} times as well as a turned model fits by chance, expected "
            f"{_MIN_RATIO:g} times and more. Check that it is the molecule of this map, that the map shows all of it "
            f"(a map inside a mask does not), and the voxel size ({grid.voxel_size:.4g} Å); if all are right, {_FIT_IT}"
        )
    by = ", ".join(str(round(value)) for value in move)
    return (
        f"it fits best {np.linalg.norm(move):.0f} Å away from its place, moved by about ({by}) Å along x, y and z; "
        f"{_FIT_IT}. If it lies in the map already, check the voxel size, and whether the model is turned"
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
    shift = difference[axes_of(grid)]
    lengths = np.array(shape) * np.array(steps)
    apart = (peak * np.array(steps) - shift + lengths / 2) % lengths - lengths / 2
    move = np.zeros(3)
    move[axes_of(grid)] = apart
    return move
