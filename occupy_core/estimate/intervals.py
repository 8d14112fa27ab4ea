# SPDX-License-Identifier: GPL-3.0-or-later
"""The 90 % interval of the occupancy of a part, and the signs in a map that speak against giving one.

The interval assumes that the best region, which counts as 1, is fully occupied and of the same matter as the part. No
sign in one map tells the first: all densities of a complex that is whole in every second particle are half as high,
which a change of the grey scale would do too. The second shows in the texture of the best region.
"""

from __future__ import annotations

import math
from typing import List, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.types import Volume
from occupy_core.estimate.prepare import PreparedMap
from occupy_core.estimate.reference import Reference
from occupy_core.fourier.detail import has_detail
from occupy_core.fourier.transforms import ROUNDING

# Half width of the 90 % interval of an occupancy. Its three constants were chosen on simulated complexes
# (docs/accuracy.md); `benchmarks/occupancy` measures how often the interval holds the true occupancy.
_MIN_HALF_WIDTH = 0.04  # for an even part and an even fully occupied part, on the scale 0..1
_SHARE_OF_SPREAD = 0.13  # share of the interquartile ranges of the part and of the fully occupied part (no unit)
PART_VOLUME = 21_000.0  # Å^3, of a part with this half width; about 14 kDa in a mask that reaches 2.5 Å from the atoms

# Texture of the best region (`Reference.texture`) above which it is not protein. Measured on simulated complexes at
# low-passes of 8 to 16 Å: nucleic acid has 1.04 to 1.48 times this limit, protein 0.5 to 1.08 times.
_TEXTURE = 0.64  # at a low-pass of 8 Å; falls with the square root of the low-pass
_TEXTURE_LOWPASS = 8.0  # Å
# Solvent noise, relative to the mean of the best region, above which the texture cannot be told from noise. Measured on
# the same complexes: nucleic acid is missed from 0.79 on.
_NOISE = 0.75
# A map must have detail down to this share of the low-pass: maps that end at 9 Å read wrong at a low-pass of 8 Å.
DETAIL_BEYOND = 0.9


def occupancy_interval(
    lower_quartile: float, median: float, upper_quartile: float, *, full_spread: float, volume: float = PART_VOLUME
) -> Tuple[float, float]:
    """Compute the 90 % interval of the occupancy of a part from the quartiles of its calibrated scale.

    Parameters
    ----------
    lower_quartile, median, upper_quartile : float
        Quartiles of the scale over the part, 0..1.
    full_spread : float
        `Reference.spread`: the interquartile range of the scale over the fully occupied part.
    volume : float
        Volume of the part, Å^3; positive.

    Returns
    -------
    two float, 0..1

    Notes
    -----
    The scale varies over a part with its shape, composition, neighbours and noise, and so it does over the fully
    occupied part. The error of the median grows with both. It falls with the diameter of the part, because the share of
    voxels that neighbours reach does so too. The constants were chosen on simulated complexes (docs/accuracy.md).
    """
    part, full = upper_quartile - lower_quartile, median * full_spread
    half_width = math.hypot(_MIN_HALF_WIDTH, _SHARE_OF_SPREAD * math.hypot(part, full))
    half_width *= (PART_VOLUME / volume) ** (1 / 3)
    return max(0.0, median - half_width), min(1.0, median + half_width)


def reads_surface(scales: Volume, mask: NDArray[np.bool_], upper_limit: float) -> bool:
    """Whether a mask reads more surface than part: the inner half of its voxels reads above the interval.

    Parameters
    ----------
    scales : float32 array, 3D
        The local scale, 0..1.
    mask : bool array of the shape of `scales`
        The target mask, with at least one voxel.
    upper_limit : float
        Upper end of the interval of the occupancy from all voxels of the mask.

    Returns
    -------
    bool
        A mask that follows its part reads much the same inside as everywhere. Around it, solvent and neighbours are
        read too: the median of all voxels is then not the occupancy of the part.
    """
    from scipy.ndimage import distance_transform_edt  # takes long to load, and few jobs have target masks

    box = box_around(mask, 1)
    inside = mask[box]
    # Voxels at the border of the box of the map have no mask beyond it.
    depths = distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1, 1:-1][inside]
    inner = scales[box][inside][depths >= np.median(depths)]
    return bool(np.median(inner) > upper_limit)


def doubt_about_reference(reference: Reference, lowpass: float) -> Optional[str]:
    """Return a warning when no interval can be given because of the best region, or None.

    Parameters
    ----------
    reference : Reference
        From calibrated normalisation.
    lowpass : float
        Cutoff of the low-pass, Å.
    """
    limit = _TEXTURE * math.sqrt(_TEXTURE_LOWPASS / lowpass)
    if reference.texture > limit:
        return (
            "the density of the best region, which counts as 1, is as uneven as nucleic acid (its texture is "
            f"{reference.texture:.2f}, expected at most {limit:.2f} for protein): nucleic acid is denser than protein, "
            "so protein reads too low and no interval of an occupancy is given; compare the scale of a part with that "
            "of parts of the same kind"
        )
    if reference.noise > _NOISE:
        return (
            f"the solvent noise is {reference.noise:.2f} of the best region, expected at most {_NOISE}: what counts as "
            "1 cannot be checked and no interval of an occupancy is given; use a map of more particles or a coarser "
            "lowpass"
        )
    return None


def spread_for_intervals(
    prepared: PreparedMap, reference: Reference, resolution: Optional[float], threads: int, notes: List[str]
) -> Optional[float]:
    """Return the spread of full scale where occupancies get an interval, else None; say why in `notes`.

    Parameters
    ----------
    prepared : PreparedMap
    reference : Reference
        Full scale.
    resolution : float, optional
        As in `process.process_map`.
    threads : int
    notes : list of str
        Receives the warnings.
    """
    settings, parameters = prepared.settings, prepared.parameters
    if not settings.reads_occupancy or settings.nlrc:
        return None
    size, cutoff = parameters.voxel_size, parameters.lowpass
    reasons = [doubt_about_reference(reference, cutoff)]
    is_coarse_enough = resolution is not None and cutoff * (1 + ROUNDING) >= resolution
    if not has_detail(prepared.volume, voxel_size=size, cutoff_angstrom=cutoff, threads=threads):
        if is_coarse_enough and not settings.target_mask:
            return None
        notes.append(
            f"the map has almost no detail at the low-pass of {cutoff:.3g} Å: occupancies are unreliable and no "
            "interval is given; set lowpass to the map's resolution"
        )
        return None
    beyond = max(DETAIL_BEYOND * cutoff, 2 * size)
    if not has_detail(prepared.volume, voxel_size=size, cutoff_angstrom=beyond, threads=threads):
        reasons.append(
            f"the map has almost no detail beyond {beyond:.3g} Å, hardly finer than the low-pass of {cutoff:.3g} Å: no "
            "interval of an occupancy is given; set lowpass to a coarser resolution than the map's"
        )
    reason = next((text for text in reasons if text is not None), None)
    if reason is not None and settings.target_mask:
        notes.append(reason)
    return reference.spread if reason is None else None
