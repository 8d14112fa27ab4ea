# SPDX-License-Identifier: GPL-3.0-or-later
"""The electrostatic potential of a group of atoms, less that of the vitreous ice that they displace."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Sequence, Tuple

import gemmi
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from occupy_core.arrays.types import Volume
from occupy_core.errors import ModelError
from occupy_core.fourier.transforms import Spectrum

Frequencies = NDArray[np.float32]

# Mean inner potential of vitreous ice, in the units of electron scattering factors, per Å^3.
ICE = 0.1016
# Volumes of atoms in solution, Å^3 (Fraser, MacRae & Suzuki, J. Appl. Cryst. 11 (1978), 693). Hydrogens are left out of
# atoms and ice alike: their potential, 0.53, is that of the ice that they displace (5.15 Å^3).
_VOLUMES = {"C": 16.44, "N": 2.49, "O": 9.13, "P": 5.73, "S": 19.86}
_OTHER_VOLUME = 10.0
# A Gaussian that holds a volume V has the density 1 at its centre if its B-factor is this times V^(2/3): 4 pi.
_B_OF_VOLUME = 4 * math.pi
# B-factor by which the atoms are blurred on the grid, per square of its spacing, so that they do not fall between its
# points; undone in Fourier space. Where the finest detail is three spacings, aliases are below 1 % of it.
_BLUR_OF_SPACING = 60.0
# Å, and spacings of the grid, beyond the atoms: the blurred density, and the reach of the filters by which maps are
# weighted, fit in. Ours.
_MARGIN, _MARGIN_SPACINGS = 20.0, 8.0
# Å beyond the atoms: farther, the density counts as 0. It saves a third of time and memory, and the benchmark is no
# worse for it. Ours.
_COMPARED = 12.0
# Voxels: a box around atoms that is larger than this is none of a molecule, and would fill the memory. Ours.
_MAX_VOXELS = 5e8


@dataclass(frozen=True)
class GroupDensity:
    """The density of a group of atoms in a box of its own on the grid of a map.

    Attributes
    ----------
    first : three int
        Voxel of the map where the box begins (z, y, x); may be negative.
    shape : three int
        Size of the box, voxels.
    border : three int
        Voxels on each side by which the transformed box is larger.
    steps : three float
        Spacing of the grid (z, y, x), Å.
    finest : float
        Finest detail that is kept, Å.
    spectrum : complex64 array, 1D
        Fourier transform of the density, blurred by `blur`, up to the finest detail: for a box of 2.5 voxels in it, a
        quarter of the transform.
    """

    first: Tuple[int, ...]
    shape: Tuple[int, ...]
    border: Tuple[int, ...]
    steps: Tuple[float, ...]
    finest: float
    spectrum: Spectrum = field(repr=False)

    @property
    def blur(self) -> float:
        """B-factor by which the density is blurred, Å^2."""
        return blur_on_grid(self.steps)

    def frequencies(self) -> Frequencies:
        """Return the frequency, 1/Å, of each component of the spectrum."""
        k = frequencies_of(self._transformed, self.steps)
        return k[k < 1 / self.finest]

    def filtered(self, factor: Frequencies) -> Volume:
        """Return the density, up to the finest detail, times a factor for each component of the spectrum."""
        k = frequencies_of(self._transformed, self.steps)
        kept = k < 1 / self.finest
        whole = np.zeros(k.shape, np.complex64)
        whole[kept] = self.spectrum * (factor * np.exp(self.blur / 4 * np.square(k[kept])))
        box = tuple(slice(border, border + side) for border, side in zip(self.border, self.shape))
        return np.ascontiguousarray(scipy.fft.irfftn(whole, self._transformed)[box], dtype=np.float32)

    @property
    def _transformed(self) -> Tuple[int, ...]:
        return tuple(side + 2 * border for side, border in zip(self.shape, self.border))


def blur_on_grid(steps: Sequence[float]) -> float:
    """Return the B-factor (Å^2) by which atoms are blurred on a grid of these spacings (Å)."""
    return _BLUR_OF_SPACING * max(steps) ** 2


def frequencies_of(shape: Sequence[int], steps: Sequence[float]) -> Frequencies:
    """Return the frequency, 1/Å, of each component of the real Fourier transform of a box (z, y, x; half along x)."""
    z, y = (scipy.fft.fftfreq(side, step) ** 2 for side, step in zip(shape[:2], steps[:2]))
    x = scipy.fft.rfftfreq(shape[2], steps[2]) ** 2
    return np.sqrt(z[:, None, None] + y[:, None] + x).astype(np.float32)


def group_density(
    positions: NDArray[np.float64],
    elements: Sequence[str],
    b_factors: NDArray[np.float64],
    steps: Sequence[float],
    finest: float,
) -> GroupDensity:
    """Compute the density of atoms on the grid of a map.

    Parameters
    ----------
    positions : float array (atoms, 3)
        z, y, x in Å from the centre of voxel 0 of the map.
    elements : sequence of str
    b_factors : float array
        Å^2.
    steps : sequence of three float
        Spacing of the grid (z, y, x), Å.
    finest : float
        Finest detail to keep, Å: more than two spacings.

    Raises
    ------
    ModelError
        If the atoms lie so far apart that no map holds them all.
    """
    spacing = np.array(steps)
    margin = max(_MARGIN, _MARGIN_SPACINGS * max(steps))
    first = np.floor((positions.min(axis=0) - margin) / spacing).astype(int)
    last = np.ceil((positions.max(axis=0) + margin) / spacing).astype(int)
    if np.prod(last - first + 1.0) > _MAX_VOXELS:
        raise ModelError(
            f"found atoms up to {float(np.ptp(positions, axis=0).max()):.0f} Å apart, expected an atomic model of the "
            "molecule in the map; remove atoms without a known place"
        )
    shape = [int(scipy.fft.next_fast_len(int(size), real=True)) for size in last - first + 1]
    calculator = gemmi.DensityCalculatorE()
    edges = [side * step for side, step in zip(shape, steps)]
    calculator.grid.set_unit_cell(gemmi.UnitCell(edges[2], edges[1], edges[0], 90, 90, 90))
    calculator.grid.spacegroup = gemmi.SpaceGroup("P 1")
    calculator.grid.set_size(*reversed(shape))
    calculator.blur = blur_on_grid(steps)
    calculator.add_model_density_to_grid(_atoms_and_ice(positions - first * spacing, elements, b_factors))
    density = np.array(calculator.grid, copy=False).transpose(2, 1, 0).astype(np.float32)
    spectrum = scipy.fft.rfftn(density)[frequencies_of(shape, steps) < 1 / finest].astype(np.complex64, copy=False)
    border = ((margin - _COMPARED) // spacing).astype(int)
    begins, sides = (first + border).tolist(), (np.array(shape) - 2 * border).tolist()
    return GroupDensity(tuple(begins), tuple(sides), tuple(border.tolist()), tuple(steps), finest, spectrum)


def _atoms_and_ice(
    positions: NDArray[np.float64], elements: Sequence[str], b_factors: NDArray[np.float64]
) -> gemmi.Model:
    """Return the atoms, and at each a carbon of negative occupancy that stands for the ice it displaces."""
    carbon = gemmi.Element("C")
    potential_of_carbon = sum(carbon.c4322.a)
    residue = gemmi.Residue()
    residue.name = "UNK"
    kinds = {}
    for name in set(elements):
        volume = _VOLUMES.get(name, _OTHER_VOLUME)
        kinds[name] = (gemmi.Element(name), -ICE * volume / potential_of_carbon, _B_OF_VOLUME * volume ** (2 / 3))
    for (z, y, x), name, b_factor in zip(positions.tolist(), elements, b_factors.tolist()):
        element, ice, b_of_ice = kinds[name]
        atom = gemmi.Atom()
        atom.element, atom.pos, atom.b_iso, atom.occ = element, gemmi.Position(x, y, z), b_factor, 1.0
        residue.add_atom(atom)
        atom.element, atom.b_iso, atom.occ = carbon, b_factor + b_of_ice, ice
        residue.add_atom(atom)
    chain = gemmi.Chain("A")
    chain.add_residue(residue)
    model = gemmi.Model(1)
    model.add_chain(chain)
    return model
