# SPDX-License-Identifier: GPL-3.0-or-later
"""An artificial complex of helix bundles, for use where no real model is available."""

from __future__ import annotations

from pathlib import Path

import gemmi
import numpy as np

# Backbone and beta carbon of an alpha helix along z: radius in Å, angle in degrees, height in Å.
_ATOMS = {
    "N": (1.55, -27.7, -0.9),
    "CA": (2.28, 0.0, 0.0),
    "C": (1.68, 26.8, 1.1),
    "O": (2.03, 20.9, 2.3),
    "CB": (3.29, -18.4, -0.9),
}
_RISE, _TURN = 1.5, 100.0  # rise (Å) and turn (degrees) per residue
_SPACING = 8.5  # distance between helices, Å
_CHAINS = 7
_HELICES = 12  # per chain
_RESIDUES = (18, 34)  # per helix: smallest number, and one more than the largest


def write_bundles(path: Path, seed: int = 0) -> Path:
    """Write a complex of seven chains, one in the middle of six, each a bundle of poly-alanine helices.

    Parameters
    ----------
    path : Path
        mmCIF file to write.
    seed : int
        Seed of the lengths and rotations of the helices.

    Returns
    -------
    Path
        The path of the file.
    """
    rng = np.random.default_rng(seed)
    model = gemmi.Model("1")
    axes = _hexagonal_lattice(5) * _SPACING
    angles = np.arange(_CHAINS - 1) * 2 * np.pi / (_CHAINS - 1)
    middles = np.concatenate([np.zeros((1, 2)), 3.6 * _SPACING * np.stack([np.cos(angles), np.sin(angles)], 1)])
    nearest_chain = np.linalg.norm(axes[:, None] - middles, axis=2).argmin(axis=1)
    for number in range(_CHAINS):
        chain = gemmi.Chain("ABCDEFG"[number])
        own_axes = axes[nearest_chain == number]
        own_axes = own_axes[np.linalg.norm(own_axes - middles[number], axis=1).argsort()][:_HELICES]
        for axis in own_axes:
            _add_helix(chain, axis, rng)
        model.add_chain(chain)
    structure = gemmi.Structure()
    structure.name = "bundles"
    structure.add_model(model)
    structure.make_mmcif_document().write_file(str(path))
    return path


def _add_helix(chain: gemmi.Chain, axis: np.ndarray, rng: np.random.Generator) -> None:
    """Add a helix along z to a chain; `axis` is the x, y of the helix axis in Å."""
    length, phase = int(rng.integers(*_RESIDUES)), rng.uniform(0, 360)
    for index in range(length):
        residue = gemmi.Residue()
        residue.name, residue.seqid = "ALA", gemmi.SeqId(len(chain) + 1, " ")
        residue.entity_type = gemmi.EntityType.Polymer
        for name, (radius, angle, height) in _ATOMS.items():
            turn = np.radians(phase + angle + index * _TURN)
            atom = gemmi.Atom()
            atom.name, atom.element = name, gemmi.Element(name[0])
            z = (index - length / 2) * _RISE + height
            atom.pos = gemmi.Position(axis[0] + radius * np.cos(turn), axis[1] + radius * np.sin(turn), z)
            residue.add_atom(atom)
        chain.add_residue(residue)


def _hexagonal_lattice(rings: int) -> np.ndarray:
    """Return the points (x, y) of a hexagonal lattice with spacing 1 within 1.5 * rings of the origin."""
    steps = np.arange(-2 * rings, 2 * rings + 1)
    first, second = (axis.ravel() for axis in np.meshgrid(steps, steps))
    points = np.stack([first + second / 2, second * np.sqrt(3) / 2], axis=1)
    return points[np.linalg.norm(points, axis=1) <= 1.5 * rings]
