# SPDX-License-Identifier: GPL-3.0-or-later
"""Small atomic models as text in the PDB format."""

from __future__ import annotations

from typing import Sequence


def atom(
    residue="ALA",
    chain="A",
    number=1,
    *,
    name="CA",
    element="C",
    xyz=(0.0, 0.0, 0.0),
    occupancy=1.0,
    b_factor=20.0,
    altloc=" ",
    insertion=" ",
    ligand=False,
) -> str:
    """Return the line of an atom."""
    x, y, z = xyz
    return (
        f"{'HETATM' if ligand else 'ATOM  '}    1 {name:^4}{altloc}{residue:>3} {chain}{number:4}{insertion}   "
        f"{x:8.3f}{y:8.3f}{z:8.3f}{occupancy:6.2f}{b_factor:6.2f}          {element:>2}\n"
    )


def residue(name="ALA", chain="A", number=1, *, at=(0.0, 0.0, 0.0), atoms: Sequence[str] = (), **how) -> str:
    """Return the lines of a residue: a backbone and a beta carbon, or atoms with these names."""
    names = list(atoms) or ["N", "CA", "C", "O", "CB"]
    places = [(at[0] + 1.5 * index, at[1], at[2]) for index in range(len(names))]
    return "".join(
        atom(name, chain, number, name=word, element=word[0], xyz=place, **how) for word, place in zip(names, places)
    )


def chain(name: str, numbers: Sequence[int], *, at=(0.0, 0.0, 0.0), residues: str = "ALA") -> str:
    """Return the lines of a chain of residues with these numbers."""
    lines = [
        residue(residues, name, number, at=(at[0], at[1] + 3.8 * index, at[2])) for index, number in enumerate(numbers)
    ]
    return "".join(lines) + "TER\n"


def ligand(name: str, chain: str, number: int, count: int, *, at=(30.0, 0.0, 0.0), **how) -> str:
    """Return the lines of a ligand of some carbon atoms."""
    return residue(name, chain, number, at=at, atoms=[f"C{index}" for index in range(1, count + 1)], ligand=True, **how)
