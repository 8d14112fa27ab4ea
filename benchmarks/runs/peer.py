# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare classes by a threshold on the difference of two class maps, as is done by hand in a map viewer.

It is the peer that the comparison of classes is measured against. It knows where the molecule is, which by hand is a
guess.
"""

from __future__ import annotations

import itertools
from typing import List, Sequence

import numpy as np
from scipy.ndimage import distance_transform_edt, label

SIGMAS = 5.0  # threshold, in standard deviations of the difference in the solvent
MIN_VOLUME = 4000.0  # Å^3; smaller pieces are taken for noise
_SOLVENT_DISTANCE = 5.0  # Å from the molecule


def pieces(volumes: Sequence[np.ndarray], molecule: np.ndarray, voxel_size: float) -> List[np.ndarray]:
    """Return the connected pieces where two of the class maps differ.

    Parameters
    ----------
    volumes : sequence of float arrays (z, y, x)
        The class maps. Each is normalised to a mean of 0 and a standard deviation of 1.
    molecule : bool array (z, y, x)
        Voxels of the molecule.
    voxel_size : float
        Å.

    Returns
    -------
    list of bool array
        Pieces of `MIN_VOLUME` or more. Differences of all pairs of classes are joined.
    """
    solvent = distance_transform_edt(~molecule) * voxel_size > _SOLVENT_DISTANCE
    normalised = [(volume - volume.mean()) / volume.std() for volume in volumes]
    differs = np.zeros(molecule.shape, dtype=bool)
    for one, other in itertools.combinations(range(len(volumes)), 2):
        difference = normalised[one] - normalised[other]
        # RELION sets both maps to one value outside the sphere or the mask, which says nothing about the noise.
        is_noise = solvent & (volumes[one] != volumes[one][0, 0, 0]) & (volumes[other] != volumes[other][0, 0, 0])
        if is_noise.any():
            differs |= np.abs(difference - difference[is_noise].mean()) > SIGMAS * difference[is_noise].std()
    labels, number = label(differs)
    found = [labels == index for index in range(1, number + 1)]
    return [piece for piece in found if piece.sum() * voxel_size**3 >= MIN_VOLUME]
