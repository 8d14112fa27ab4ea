# SPDX-License-Identifier: GPL-3.0-or-later
"""B-factors, and confidences of predicted structures in their place."""

import gzip
from dataclasses import replace

import gemmi
import numpy as np
import pytest
from scipy.spatial import cKDTree

from occupy_core.modelling.atoms.atomic_model import read_model
from occupy_core.modelling.atoms.b_factors import usable_b_factors
from tests.core.modelling.pdb_text import chain

REFINED = ["1WCM_polII_12chain.pdb.gz", "5B40_nucleosome.pdb.gz", "8bk7_docked_in_betaGal.pdb.gz"]


@pytest.fixture(scope="module")
def groel(shared_data):
    return read_model(str(shared_data / "models" / "1oel_groel_7chain.pdb.gz"))


def neighbours(model):
    """The number of atoms within 10 Å of each atom: how well packed it is."""
    tree = cKDTree(model.positions)
    return tree.query_ball_point(model.positions, 10, return_length=True)


def a_residue(model, values):
    """The mean of values over each residue, for all its atoms."""
    means = np.bincount(model.residue_of_atom, values) / np.bincount(model.residue_of_atom)
    return means[model.residue_of_atom]


def confidence(model, *, per_residue=True, seed=0):
    """Values like pLDDT: up to 100, high where atoms are well packed, and not the same everywhere."""
    ranks = neighbours(model).argsort().argsort() / len(model.positions)
    noise = np.random.default_rng(seed).normal(0, 15, len(ranks))
    values = np.clip(60 + 35 * np.sqrt(ranks) + (a_residue(model, noise) * 2 if per_residue else noise / 3), 20, 98.9)
    return a_residue(model, values) if per_residue else values


def with_values(model, values):
    return replace(model, b_factors=np.asarray(values, float))


def is_used(model):
    values, warning = usable_b_factors(model)
    if warning is None:
        assert np.median(values) == pytest.approx(80) and np.ptp(values) > 1
    else:
        assert np.all(values == 80)
        assert warning.startswith(f"{model.path} ") and warning.endswith(": all atoms count as equally flexible")
    return warning is None


@pytest.mark.parametrize("name", REFINED)
def test_b_factors_of_refined_models_are_used(shared_data, name):
    model = read_model(str(shared_data / "models" / name))
    assert is_used(model)
    values, _ = usable_b_factors(model)
    expected = np.clip(model.b_factors - np.median(model.b_factors), -60, 100)
    np.testing.assert_allclose(values - 80, expected)
    grouped = with_values(model, a_residue(model, model.b_factors))
    assert is_used(grouped), "one B-factor for each residue, as group refinement gives"
    assert is_used(with_values(grouped, np.clip(grouped.b_factors * 0.4 + 30, 0, 100))), "the same, up to 100"


def test_b_factors_of_two_groups_for_each_residue_are_used(groel):
    backbone = np.array([a.name in ("N", "CA", "C", "O") for c in groel.structure[0] for r in c for a in r])
    values = a_residue(groel, groel.b_factors) * 0.6 + np.where(backbone, 0, 5)
    assert values.max() <= 100 and is_used(with_values(groel, values))


def test_one_b_factor_for_each_chain_is_used(groel):
    number = {name: 40 + 3 * index for index, name in enumerate("ABCDEFG")}
    values = np.array([number[residue.chain] for residue in groel.residues])[groel.residue_of_atom]
    assert is_used(with_values(groel, values))


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (lambda model: np.zeros(len(model.elements)), "has no B-factors"),
        (lambda model: np.full(len(model.elements), 30.0), "has one B-factor for all atoms"),
        (lambda model: confidence(model) / 100, "they are 0 to 1"),
        (lambda model: np.linspace(0, 1, len(model.elements)), "they are 0 to 1"),
        (confidence, "they are higher where residues are well packed"),
        (lambda model: confidence(model, per_residue=False), "they are higher where residues are well packed"),
        (lambda model: 3 * confidence(model) - 100, "they are higher where residues are well packed"),
        (
            lambda model: a_residue(model, np.random.default_rng(0).uniform(0, 300, len(model.elements))) * 0.25,
            "they are one for each residue and not lower where residues are well packed",
        ),
    ],
)
def test_one_b_factor_for_all_where_the_values_are_none(groel, values, text):
    model = with_values(groel, values(groel))
    assert not is_used(model)
    assert text in usable_b_factors(model)[1]


def test_a_predicted_chain_among_refined_ones_is_named(groel):
    is_c = np.array([residue.chain == "C" for residue in groel.residues])[groel.residue_of_atom]
    values = np.where(is_c, confidence(groel), np.clip(groel.b_factors, 0, 100))
    assert not is_used(with_values(groel, values))
    assert usable_b_factors(with_values(groel, values))[1].count("well packed in C: all") == 1


@pytest.mark.parametrize("title", ["ALPHAFOLD MONOMER V2.0 PREDICTION FOR X", "ESMFOLD V1 PREDICTION", "Boltz model"])
def test_headers_of_predicted_structures(tmp_path, title):
    path = tmp_path / "model.pdb"
    atoms = chain("A", range(1, 11)).splitlines(keepends=True)
    text = "".join(
        f"{line[:60]}{20 + n:6.2f}{line[66:]}" if line[:4] == "ATOM" else line for n, line in enumerate(atoms)
    )
    path.write_text(f"TITLE     {title}\n{text}")
    assert not is_used(read_model(str(path)))
    assert "it is a predicted structure" in usable_b_factors(read_model(str(path)))[1]
    path.write_text(f"TITLE     A COMPLEX\n{text}")
    assert is_used(read_model(str(path)))
    path.write_text(f"TITLE     A COMPLEX\nEXPDTA    THEORETICAL MODEL\n{text}")
    assert not is_used(read_model(str(path)))


@pytest.mark.parametrize("method", ["X-RAY DIFFRACTION", "ELECTRON MICROSCOPY"])
def test_titles_of_experiments_may_name_predictions(tmp_path, method):
    path = tmp_path / "model.pdb"
    atoms = [line for line in chain("A", range(1, 11)).splitlines(keepends=True) if line.startswith("ATOM")]
    text = "".join(f"{line[:60]}{20 + n:6.2f}{line[66:]}" for n, line in enumerate(atoms))
    path.write_text(f"TITLE     STRUCTURE OF A PREDICTED PHOSPHATASE\nEXPDTA    {method}\n{text}")
    assert is_used(read_model(str(path)))


@pytest.mark.parametrize("compressed", [False, True])
def test_categories_of_predicted_structures(tmp_path, compressed):
    structure = gemmi.read_pdb_string(chain("A", range(1, 11)))
    for number, atom in enumerate(atom for residue in structure[0][0] for atom in residue):
        atom.b_iso = 20 + number
    structure.setup_entities()
    document = structure.make_mmcif_document()

    def read():
        path = tmp_path / ("model.cif.gz" if compressed else "model.cif")
        text = document.as_string().encode()
        path.write_bytes(gzip.compress(text) if compressed else text)
        return read_model(str(path))

    assert is_used(read())
    document.sole_block().set_pair("_ma_qa_metric.id", "1")
    assert not is_used(read()) and "it is a predicted structure" in usable_b_factors(read())[1]
