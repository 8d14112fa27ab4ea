# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings about maps that do not look like a reconstruction of positive density in solvent, and about odd masks."""

from __future__ import annotations

from typing import Iterable, Iterator, List, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.smoothing import gaussian_mean_in_mask
from occupy_core.arrays.types import Floats, Volume
from occupy_core.errors import MapError
from occupy_core.maps.density_map import DensityMap

# The contrast is judged in the map smoothed by a Gaussian of this full width, Å (at least the low-pass), in which a
# molecule stands out of strong noise.
_WIDTH = 20.0
# Share of the voxels, those farthest out, in which the level and the noise of the solvent are measured.
_OUTER_SHARE = 0.03
# The contrast counts as inverted when the lowest value is below the solvent level by _TIMES the distance of the highest
# value above it, and by _NOISE_LEVELS standard deviations of the solvent. Measured: in noise alone (375 maps of
# different boxes and widths) one distance exceeds 2.5 times the other only within 5 standard deviations; in upright
# real maps and helices that fill the box the quotient is below 2, in real maps times -1 it is 4 and more.
_TIMES = 2.5
_NOISE_LEVELS = 6.0
# A resampled mask overshoots 0 and 1 a little.
_MASK_ROUNDING = 0.1
_FEW_VOXELS = 10  # fewer voxels make no part of a molecule
_INVERTED = "the values below the solvent level are more extreme than those above"  # the start of a warning
_TAIL = 0.1  # percent of the voxels at either end that do not count as lowest and highest value
_MAX_SPACING = 5.0  # Å, and
_MAX_SIDE = 96  # voxels: the map is sampled as coarsely as the first or as the second allows, whichever is coarser


def map_warnings(
    lowest: float, lowpassed: Volume, inside: NDArray[np.bool_], *, voxel_size: float, lowpass: float
) -> List[str]:
    """Warn about a map without negative values or, if it has some, about a map of inverted contrast.

    Parameters
    ----------
    lowest : float
        Lowest value of the map as read, in its grey scale.
    lowpassed : float32 array, 3D
        The low-passed map in the working box.
    inside : bool array of the shape of `lowpassed`
        The voxels where the molecule may be: inside the inscribed sphere and outside flat areas.
    voxel_size, lowpass : float
        Edge of a voxel of `lowpassed` and cutoff of the low-pass, Å.

    Returns
    -------
    list of str
        One warning or none.

    Notes
    -----
    The contrast of a map without negative values is not judged: a local-resolution map looks like an inverted one.
    No warning is given for maps that were filtered locally or sharpened strongly: they cannot be recognised reliably,
    because a well-resolved molecule leaves the solvent around it as quiet as a local filter does.
    """
    if lowest >= 0:
        return [
            "the map has no negative value, expected a reconstruction with solvent noise around zero; is it a "
            "local-resolution map, a mask, or a map cut at zero or by a mask, as a focused classification does? "
            "Scale and confidence are unreliable; use the reconstruction itself, if there is one"
        ]
    above, below, noise = contrast(lowpassed, inside, voxel_size=voxel_size, lowpass=lowpass)
    if below > _TIMES * above and below > _NOISE_LEVELS * noise:
        return [f"{_INVERTED}: is the contrast inverted (density must be positive)? Then change the setting invert"]
    return []


def looks_inverted(warnings: Iterable[str]) -> bool:
    """Return whether one of the warnings about a map (`map_warnings`) says that its contrast looks inverted."""
    return any(text.startswith(_INVERTED) for text in warnings)


def mask_warnings(mask: DensityMap, source: DensityMap, role: str, *, threshold: float) -> List[str]:
    """Warn about a mask that is read, but hardly as its user means it; refuse one that is the map.

    Parameters
    ----------
    mask : DensityMap
        The mask, on the grid of the map.
    source : DensityMap
        The map.
    role : str
        What the mask is for, in words: "target mask".
    threshold : float
        Voxels above it count as inside.

    Returns
    -------
    list of str
        The warnings of reading the mask, and others.

    Raises
    ------
    MapError
        If the mask holds the values of the map.
    """
    if mask.limits == source.limits and np.array_equal(mask.data, source.data):
        raise MapError(
            f"{mask.path}: the {role} is the map itself, expected a mask with values from 0 to 1; make a mask of the "
            "map first, for instance with RELION's Mask creation"
        )
    warnings = list(mask.warnings)
    low, high = (float(value) for value in mask.limits)
    if low < -_MASK_ROUNDING or high > 1 + _MASK_ROUNDING:
        warnings.append(
            f"{role} {mask.path}: found values from {low:.4g} to {high:.4g}, expected 0 to 1; it is cut at "
            f"{threshold:g}; if that is not what you mean, make the mask again"
        )
    inside = int(np.count_nonzero(mask.data > threshold))
    if 0 < inside < _FEW_VOXELS:
        warnings.append(
            f"{role} {mask.path}: found {inside} voxel{'s' * (inside > 1)} above {threshold:g}, expected a part of the "
            "molecule; numbers of so few voxels say little; make a larger mask"
        )
    return warnings


def contrast(
    lowpassed: Volume, inside: NDArray[np.bool_], *, voxel_size: float, lowpass: float
) -> Tuple[float, float, float]:
    """Measure how far a map rises above its solvent and falls below it.

    Parameters
    ----------
    lowpassed, inside, voxel_size, lowpass
        As in `map_warnings`.

    Returns
    -------
    above, below, noise : float
        Distance of the highest and of the lowest value from the solvent level, and the standard deviation of the
        solvent, in the map's grey scale; 0, 0, 0 for an empty mask. A map times -1 gives below, above, noise.

    Notes
    -----
    The map is smoothed by a Gaussian of 20 Å full width inside the mask. The solvent is taken where a molecule reaches
    least: in the outer 3 % of the voxels, by distance from the centre, or from the line through it along one of the
    axes (a helix fills the box along its axis); the quietest of these four regions counts. The majority of all voxels
    does not tell the solvent, because a molecule may fill most of the box.
    """
    step = max(1, int(_MAX_SPACING / voxel_size), -(-max(lowpassed.shape) // _MAX_SIDE))
    every = (slice(None, None, step),) * 3
    inside = inside[every]
    if not inside.any():
        return 0.0, 0.0, 0.0
    width = max(_WIDTH, lowpass) / (voxel_size * step)
    values = gaussian_mean_in_mask(lowpassed[every], inside, width)
    noise, level = min(_noise_and_level(values, distances) for distances in _squared_distances(inside))
    low, high = np.percentile(values, (_TAIL, 100 - _TAIL))
    return max(0.0, float(high) - level), max(0.0, level - float(low)), noise


def _squared_distances(mask: NDArray[np.bool_]) -> Iterator[NDArray[np.float32]]:
    """Yield, for each voxel of a mask, its squared distance from the centre and from the z, y and x line through it.

    Distances are in units of half the side of the box.
    """
    axes = [((np.arange(side) - side // 2) / (side / 2)).astype(np.float32) ** 2 for side in mask.shape]
    for left_out in (None, 0, 1, 2):
        z, y, x = (axis * np.float32(number != left_out) for number, axis in enumerate(axes))
        yield (z[:, None, None] + y[:, None] + x)[mask]


def _noise_and_level(values: Floats, squared_distances: NDArray[np.float32]) -> Tuple[float, float]:
    """Return the standard deviation and the median of the values that are farthest out, both robust."""
    outer = values[squared_distances >= np.percentile(squared_distances, 100 * (1 - _OUTER_SHARE))]
    level = float(np.median(outer))
    return 1.4826 * float(np.median(np.abs(outer - level))), level
