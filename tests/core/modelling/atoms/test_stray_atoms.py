# SPDX-License-Identifier: GPL-3.0-or-later
"""Atoms that lie far from the molecule."""

import numpy as np
import pytest

from occupy_core.errors import ModelError
from occupy_core.modelling.atoms.atomic_model import read_model
from occupy_core.modelling.atoms.stray_atoms import stray_atoms
from tests.core.modelling.pdb_text import atom, chain, residue


def molecule(count=400, seed=0):
    return np.random.default_rng(seed).uniform(100, 180, (count, 3))


@pytest.mark.parametrize("place", [(99_999.0, 150, 150), (9999.999,) * 3, (150, 150, -600), (1e300, 0, 0)])
def test_a_single_atom_far_away_is_found(place):
    indices, distances = stray_atoms(np.vstack([molecule(), [place], molecule(seed=1)]))
    assert indices.tolist() == [400]
    nearest = np.linalg.norm(molecule(100_000) - np.clip(place, -1e9, 1e9), axis=1).min()
    assert distances[0] == pytest.approx(nearest, rel=0.01)


def test_the_farthest_atom_is_the_first():
    indices, distances = stray_atoms(np.vstack([[[800.0, 0, 0]], molecule(), [[9999.0, 0, 0]] * 2]))
    assert indices.tolist() == [401, 402, 0] and (np.diff(distances) <= 0).all()


def test_any_number_of_atoms_outside_of_any_map_is_found():
    indices, _ = stray_atoms(np.vstack([molecule(), molecule(100) + 6000]))
    assert sorted(indices) == list(range(400, 500))


@pytest.mark.parametrize(
    "parts",
    [
        [molecule()],
        [molecule(1)],
        [molecule(), molecule() + [400, 0, 0]],  # two subunits of one complex
        [molecule() + [700 * np.cos(n), 700 * np.sin(n), 0] for n in range(7)],  # vertices of a virus
        [molecule(), [[150.0, 150, 450]]],  # a ligand that was not placed, but lies in the box
        [molecule() * 20],  # spread so that atoms have gaps of 100 Å
    ],
)
def test_parts_of_molecules_are_no_stray_atoms(parts):
    assert len(stray_atoms(np.vstack(parts))[0]) == 0


def test_a_model_with_a_stray_atom_is_refused_by_name(tmp_path):
    path = tmp_path / "fitted.pdb"
    stray = residue("HIS", "B", 52, insertion="A", at=(40, 40, 40)) + atom(
        "HIS", "B", 52, insertion="A", name="NE2", element="N", xyz=(9999.999, 9999.999, 9999.999)
    )
    path.write_text(chain("A", range(1, 31)) + stray)
    with pytest.raises(ModelError) as caught:
        read_model(str(path))
    assert str(caught.value) == (
        f"{path}: found atom NE2 of B/HIS 52A at (9999.999, 9999.999, 9999.999), 17,248 Å from the nearest of the "
        "others, expected one molecule that fits in a map; give it a place or remove it"
    )
    path.write_text(chain("A", range(1, 31)) + stray + stray.replace("NE2", "CE1"))
    with pytest.raises(ModelError, match=r"of the others \(2 such atoms\), expected"):
        read_model(str(path))
