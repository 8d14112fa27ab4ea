# SPDX-License-Identifier: GPL-3.0-or-later
"""A made-up complex of helix bundles, for where no real model is at hand."""

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
_RISE, _TURN = 1.5, 100.0  # Å and degrees for each residue
_SPACING = 8.5  # Å between helices
_CHAINS = 7
_HELICES = 12  # a chain
_RESIDUES = (18, 34)  # a helix


def write_bundles(path: Path, seed: int = 0) -> Path:
    """Write a complex of seven chains, one in the middle of six, each a bundle of poly-alanine helices."""
    rng = np.random.default_rng(seed)
    model = gemmi.Model("1")
    spots = _hexagons(5) * _SPACING
    angles = np.arange(_CHAINS - 1) * 2 * np.pi / (_CHAINS - 1)
    middles = np.concatenate([np.zeros((1, 2)), 3.6 * _SPACING * np.stack([np.cos(angles), np.sin(angles)], 1)])
    owner = np.linalg.norm(spots[:, None] - middles, axis=2).argmin(axis=1)
    for number in range(_CHAINS):
        chain = gemmi.Chain("ABCDEFG"[number])
        near = spots[owner == number]
        near = near[np.linalg.norm(near - middles[number], axis=1).argsort()][:_HELICES]
        for place in near:
            _add_helix(chain, place, rng)
        model.add_chain(chain)
    structure = gemmi.Structure()
    structure.name = "bundles"
    structure.add_model(model)
    structure.make_mmcif_document().write_file(str(path))
    return path


def _add_helix(chain: gemmi.Chain, place: np.ndarray, rng: np.random.Generator) -> None:
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
            atom.pos = gemmi.Position(place[0] + radius * np.cos(turn), place[1] + radius * np.sin(turn), z)
            residue.add_atom(atom)
        chain.add_residue(residue)


def _hexagons(rings: int) -> np.ndarray:
    steps = np.arange(-2 * rings, 2 * rings + 1)
    first, second = (axis.ravel() for axis in np.meshgrid(steps, steps))
    points = np.stack([first + second / 2, second * np.sqrt(3) / 2], axis=1)
    return points[np.linalg.norm(points, axis=1) <= 1.5 * rings]
