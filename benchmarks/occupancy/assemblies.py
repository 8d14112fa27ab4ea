# SPDX-License-Identifier: GPL-3.0-or-later
"""Artificial assemblies: chains of real models packed around one another, with or without a core of nucleic acid."""

from __future__ import annotations

from pathlib import Path
from typing import List, Sequence, Tuple

import gemmi
import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

_CONTACT = 4.0  # smallest distance between atoms of two pieces, Å
_STEP = 1.0  # Å to which the contact is exact
_EVERY = 3  # every third atom is checked for contacts
_TRIALS = 8  # directions tried for each piece; the one that ends nearest to the middle is taken
_NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_STRAND_PIECE = 14  # residues of each strand in a piece of a double helix
_GROEL, _NUCLEOSOME = "1oel_groel_7chain.pdb.gz", "5B40_nucleosome.pdb.gz"

Piece = List[gemmi.Residue]


def write_assembly(path: Path, proteins: Sequence[Piece], core: Sequence[Piece] = (), *, seed: int = 0) -> Path:
    """Pack pieces around one another, each turned at random, and write them as a model.

    Parameters
    ----------
    path : Path
        mmCIF file to write.
    proteins : sequence of pieces
        Each becomes a chain: A, B, ...
    core : sequence of pieces
        Packed first, in the middle; all of them become one chain, the first one.
    seed : int
        Seed of the order, the rotations and the directions.

    Returns
    -------
    Path
        The path of the file.
    """
    rng = np.random.default_rng(seed)
    placed: List[np.ndarray] = []
    chains = [gemmi.Chain(name) for name in _NAMES[: len(proteins) + bool(core)]]
    order = [*[(0, piece) for piece in core], *enumerate(proteins, start=int(bool(core)))]
    for number, piece in order:
        points = _place(np.array([[*atom.pos] for residue in piece for atom in residue]), placed, rng)
        placed.append(points)
        _add(chains[number], piece, points)
    structure = gemmi.Structure()
    structure.name = path.stem
    structure.add_model(gemmi.Model("1"))
    for chain in chains:
        structure[0].add_chain(chain)
    structure.make_mmcif_document().write_file(str(path))
    return path


def chain_pieces(path: Path, names: Sequence[str]) -> List[Piece]:
    """Return chains of a model as pieces, without waters and hydrogens."""
    model = _read(path)
    return [list(model[name]) for name in names]


def helix_pieces(path: Path, strands: Tuple[str, str]) -> List[Piece]:
    """Return pieces of 14 base pairs of a double helix, from its two strands in a model."""
    model = _read(path)
    one, other = list(model[strands[0]]), list(model[strands[1]])[::-1]
    starts = range(0, min(len(one), len(other)) - _STRAND_PIECE + 1, _STRAND_PIECE)
    return [one[start : start + _STRAND_PIECE] + other[start : start + _STRAND_PIECE] for start in starts]


def _read(path: Path) -> gemmi.Model:
    structure = gemmi.read_structure(str(path))
    structure.setup_entities()
    structure.remove_alternative_conformations()
    structure.remove_waters()
    structure.remove_hydrogens()
    structure.remove_empty_chains()
    return structure[0].clone()


def _place(points: np.ndarray, placed: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Turn atoms at random and move them towards the middle until they touch what is placed already."""
    points = points - points.mean(axis=0)
    if not placed:
        return Rotation.random(random_state=int(rng.integers(2**31))).apply(points)
    others = np.concatenate(placed)
    tree, far = cKDTree(others[::_EVERY]), np.linalg.norm(others, axis=1).max() + np.linalg.norm(points, axis=1).max()
    best, best_distance = points, np.inf
    for _ in range(_TRIALS):
        turned = Rotation.random(random_state=int(rng.integers(2**31))).apply(points)
        direction = rng.standard_normal(3)
        direction /= np.linalg.norm(direction)
        distance = far
        while distance > 0:
            gap = tree.query(turned[::_EVERY] + distance * direction)[0].min() - _CONTACT
            if gap <= _STEP:
                break
            distance -= max(_STEP, gap / 2)
        if distance < best_distance:
            best, best_distance = turned + distance * direction, distance
    return best


def _add(chain: gemmi.Chain, piece: Piece, points: np.ndarray) -> None:
    """Add the residues of a piece to a chain, with their atoms moved to `points`."""
    positions = iter(points)
    for residue in piece:
        moved = residue.clone()
        moved.seqid = gemmi.SeqId(len(chain) + 1, " ")
        for atom in moved:
            atom.pos = gemmi.Position(*next(positions))
        chain.add_residue(moved)


def small_chains(path: Path, models: Path, *, seed: int) -> Path:
    """Pack 14 chains of 5 to 28 kDa around one of 51 kDa, from the models in a folder; return the new file `path`."""
    return write_assembly(path, [*_proteins(models, seed), *chain_pieces(models / _GROEL, "A")], seed=seed)


def around_nucleic_acid(path: Path, models: Path, *, seed: int) -> Path:
    """Pack 14 proteins of 5 to 28 kDa around 22 pieces of DNA (chain A, 180 kDa), about as in a ribosomal subunit."""
    helices = helix_pieces(models / _NUCLEOSOME, ("I", "J"))
    return write_assembly(path, _proteins(models, seed), [helices[i % len(helices)] for i in range(22)], seed=seed)


def _proteins(models: Path, seed: int) -> List[Piece]:
    """Return 14 of the 20 small chains of the models, in an order drawn with the seed."""
    pool = [
        *chain_pieces(models / "1WCM_polII_12chain.pdb.gz", "CDEFGHIJKL"),
        *chain_pieces(models / _NUCLEOSOME, "ABCG"),
        *chain_pieces(models / "5fuu_env_trimer_2fab.pdb.gz", "BDHLMN"),
    ]
    return [pool[index] for index in np.random.default_rng(seed).permutation(len(pool))[:14]]
