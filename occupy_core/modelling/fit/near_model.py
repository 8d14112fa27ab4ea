# SPDX-License-Identifier: GPL-3.0-or-later
"""Weight the voxels of a fit: voxels near the atoms count, and voxels with unmodelled density do not."""

from __future__ import annotations

from typing import Iterable, Sequence, Tuple

import numpy as np
from scipy import ndimage

from occupy_core.arrays.types import Floats, Mask, Volume
from occupy_core.modelling.fit.group_density import GroupDensity
from occupy_core.modelling.fit.normal_equations import Place

# Å from the atoms: up to the first the fit counts each voxel in full, beyond the second not at all. Ours.
_REACH = (8.0, 16.0)
# Times the finest detail from a face of the box, up to which voxels count less. Ours: a group that a face cuts then
# reads within 0.08 of the truth; without, up to 0.3 too high (a test has such a group).
_FROM_FACE = 2.0
# Density of a group relative to its highest, above which a voxel lies on atoms.
_ON_ATOMS = 0.2
# Å, standard deviations of Gaussians: under the first the rest of a map is searched for unmodelled density; the second
# softens the border of what is found. Ours.
_SEARCHED_WIDTH, _BORDER_WIDTH = 4.0, 2.0
# Unmodelled density exceeds this many standard deviations of the rest away from the model, and this share of the upper
# quartile of the model's density. Ours: micelles and missing residues do, errors of good models do not.
_SIGMAS, _SHARE = 3.0, 0.35
# Å from the atoms: the rest is searched from the first on, and its noise is taken up to the second. Ours.
_SEARCHED = (1.0, 60.0)


def distance_from_atoms(parts: Iterable[Volume], densities: Sequence[GroupDensity], shape: Tuple[int, ...]) -> Volume:
    """Return the distance of each voxel to the nearest one on atoms, Å; float32.

    Parameters
    ----------
    parts : iterable of float32 arrays, 3D
        The density of each group in its own box.
    densities : sequence of GroupDensity
        The places of these boxes.
    shape : three int
        Box of the map, voxels.
    """
    away = np.ones(shape, bool)
    for part, density in zip(parts, densities):
        place = Place.of(density, shape)
        away[place.of_map] &= part[place.of_box] < _ON_ATOMS * part.max()
    return _distances(away, densities[0].steps)


def near_weights(distance: Volume, steps: Sequence[float], finest: float) -> Volume:
    """Return the weight of each voxel (0..1): less, the farther from the atoms and the nearer to a face of the box.

    At the faces, filters mix the map with that at the opposite face, and parts that leave the box are cut.

    Parameters
    ----------
    distance : float32 array, 3D
        To the nearest voxel on atoms, Å.
    steps : sequence of three float
        Spacing of the grid (z, y, x), Å.
    finest : float
        Finest detail that is fitted, Å: weights fall to 0 over two of it.
    """
    along = np.clip((distance - _REACH[0]) / (_REACH[1] - _REACH[0]), 0, 1)
    weights = ((1 + np.cos(np.pi * along)) / 2).astype(np.float32, copy=False)
    for axis, (side, step) in enumerate(zip(distance.shape, steps)):
        index = np.arange(side)
        from_face = (np.minimum(index, side - 1 - index) + 0.5) * step
        rise = (1 - np.cos(np.pi * np.clip(from_face / (_FROM_FACE * finest), 0, 1))) / 2
        weights *= rise.astype(np.float32).reshape([-1 if other == axis else 1 for other in range(3)])
    return weights


def _distances(away: Mask, steps: Sequence[float]) -> Floats:
    """Return the distance of each voxel to the nearest one that is not away; in slabs, which saves memory."""
    nearest = ndimage.distance_transform_edt(away, sampling=steps, return_distances=False, return_indices=True)
    distance = np.empty(away.shape, np.float32)
    for z in range(len(away)):
        places = (z, *np.ogrid[: away.shape[1], : away.shape[2]])
        squares = ((step * (own[z] - place)) ** 2 for own, place, step in zip(nearest, places, steps))
        distance[z] = np.sqrt(sum(squares))
    return distance


def unmodelled_density(rest: Volume, explained: Volume, distance: Floats, steps: Sequence[float]) -> Mask:
    """Find the voxels off the model where the map has density that the model does not explain.

    Parameters
    ----------
    rest : float32 array, 3D
        The map less the fitted model.
    explained : float32 array, 3D
        The fitted model.
    distance : float32 array, 3D
        Distance to the atoms, Å.
    steps : sequence of three float
        Spacing of the grid (z, y, x), Å.
    """
    width = [_SEARCHED_WIDTH / step for step in steps]
    off = (distance > _SEARCHED[0]) & (distance < _SEARCHED[1])
    if not off.any():
        return off
    density = float(np.percentile(ndimage.gaussian_filter(explained, width)[distance == 0], 75))
    smooth = ndimage.gaussian_filter(rest, width)
    smooth -= np.median(smooth[off])
    # Unmodelled density is positive, so that values below the median alone tell the noise.
    negative = np.minimum(smooth[off], 0)
    noise = float(np.sqrt(2 * np.einsum("i,i->", negative, negative, dtype=np.float64) / len(negative)))
    least = max(_SIGMAS * noise, _SHARE * density)
    found: Mask = ndimage.binary_opening(off & (smooth > least))
    return found


def soft_border(excluded: Mask, steps: Sequence[float]) -> Volume:
    """Return a mask (0..1) of the excluded voxels with a soft border."""
    width = [_BORDER_WIDTH / step for step in steps]
    return np.clip(ndimage.gaussian_filter(excluded.astype(np.float32), width), 0, 1, dtype=np.float32)
