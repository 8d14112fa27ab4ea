# SPDX-License-Identifier: GPL-3.0-or-later
"""The vitreous ice that a molecule displaces, and the hydrogens that models of cryo-EM maps mostly lack.

The ice is flat up to the surface of the molecule, so that it differs from the Gaussians of ice at every atom by which
`occupy_core.modelling` stands for it.
"""

from __future__ import annotations

from typing import Sequence

import gemmi
import numpy as np
from scipy.ndimage import distance_transform_edt

_ICE = 0.1016  # mean inner potential of vitreous ice in the units of electron scattering factors, per Å^3
# Share of the ice within the surface found here that counts. At a spacing of 1 Å, the surface holds 160 Å^3 for a
# residue of Pol II and 369 for a nucleotide of the model 4UPY; 142 and 306 Å^3 then count. Partial specific volumes
# (0.73 cm^3/g of proteins, 0.54 of nucleic acids) give 134 and 288, 6 % less.
_PROTEIN, _NUCLEIC = 0.885, 0.83
_RADII = {"C": 1.9, "N": 1.75, "O": 1.6, "S": 1.9, "P": 1.9}  # of atoms with their hydrogens, Å
_OTHER_RADIUS = 1.8
_PROBE = 1.4  # radius of a water molecule, Å
_HYDROGEN, _HEAVY = 1.008, 13.3  # masses, Da: of hydrogen, and of the other atoms of proteins and RNA on average


def hydrogens_per_atom(residue: gemmi.Residue) -> float:
    """Return the number of hydrogens for each other atom of a residue in a chain; 0 for residues that are not known."""
    known = gemmi.find_tabulated_residue(residue.name)
    if not known.found() or known.hydrogen_count == 0:
        return 0.0
    others = (known.weight - _HYDROGEN * known.hydrogen_count) / _HEAVY
    return max(known.hydrogen_count - 2, 0) / others  # a bond to each neighbour takes one


def displaced_ice(
    points: np.ndarray, elements: Sequence[str], side: int, spacing: float, *, is_nucleic: bool
) -> np.ndarray:
    """Return the ice that a molecule displaces, in the units of electron scattering factors per Å^3.

    Parameters
    ----------
    points : array (atoms, 3)
        x, y, z of the atoms in Å from the centre of the first voxel.
    elements : sequence of str
        Elements of the atoms.
    side : int
        Side of the cubic box, voxels.
    spacing : float
        Å; at most 1.
    is_nucleic : bool
        Whether the molecule is a nucleic acid rather than a protein.

    Returns
    -------
    float32 array (z, y, x)
    """
    ice = np.zeros((side,) * 3, np.float32)
    reach = max(_RADII.values()) + _PROBE + 2 * spacing
    low = np.maximum(np.floor((points.min(axis=0) - reach) / spacing).astype(int), 0)
    high = np.minimum(np.ceil((points.max(axis=0) + reach) / spacing).astype(int) + 1, side)
    box = tuple(slice(first, last) for first, last in zip(low[::-1], high[::-1]))
    to_surface = np.full(ice[box].shape, np.inf, np.float32)
    for element in set(elements):
        chosen = points[[item == element for item in elements]]
        away = np.ones(to_surface.shape, bool)
        away[tuple((np.round(chosen / spacing).astype(int) - low)[:, ::-1].T)] = False
        distance = distance_transform_edt(away, sampling=spacing)
        to_surface = np.minimum(to_surface, distance - _RADII.get(element, _OTHER_RADIUS))
    ice[box][distance_transform_edt(to_surface < _PROBE, sampling=spacing) > _PROBE] = _ICE * (
        _NUCLEIC if is_nucleic else _PROTEIN
    )
    return ice
