# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a model as groups of occupancy refinement."""

import importlib.util
import re

import gemmi
import pytest

from occupy_core.job.run import run_job
from occupy_core.modelling.atoms.atomic_model import read_model
from occupy_core.modelling.atoms.groups import groups_of
from occupy_core.modelling.refinement_groups import phenix_parameters, refmac_keywords, spans
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.settings import Settings
from tests.conftest import skip_or_fail
from tests.core.modelling.pdb_text import chain, residue


@pytest.fixture
def parts(fitted, tmp_path):
    """Groups of the user: one in two stretches of one chain, one of two chains, and the rest."""
    path = tmp_path / "groups.txt"
    path.write_text("ends: //A/1-20\nends: //A/60-80\npair: //B,C\n")
    model = read_model(fitted.model)
    return model, groups_of(model, str(path))


def test_groups_are_stretches_of_consecutive_residues(parts):
    model, groups = parts
    found = {group.name: [(a.chain, a.number, b.number) for a, b in spans(model, group)] for group in groups}
    assert found["ends"] == [("A", 1, 20), ("A", 60, 80)]
    assert [chain for chain, _, _ in found["pair"]] == ["B", "C"]
    assert found["other"][0] == ("A", 21, 59)


def test_phenix_parameters_are_nested_as_documented(parts):
    text = phenix_parameters(*parts)
    assert text.count("{") == text.count("}") == 3 + len(parts[1])
    assert "selection = (chain A and resid 1 through 20) or (chain A and resid 60 through 80)" in text
    assert re.search(r"refinement \{\s+refine \{\s+strategy = .*\*occupancies\s+occupancies \{", text)


def test_servalcat_takes_the_written_model_and_groups(fitted, write_mrc, tmp_path):
    if importlib.util.find_spec("servalcat") is None:
        skip_or_fail("servalcat is not installed: pip install servalcat")
    fileio = importlib.import_module("servalcat.utils.fileio")  # first: its modules import each other
    refine = importlib.import_module("servalcat.refine.refine")
    keywords_of = importlib.import_module("servalcat.refmac.refmac_keywords").parse_keywords
    path = write_mrc(fitted.map.data, voxel_size=fitted.map.grid.voxel_size)
    job = Job((MapInput(path),), str(tmp_path / "out"), Settings(model=fitted.model, figures=False))
    run_job(job)
    keywords = (tmp_path / "out" / "model_groups_refmac.txt").read_text().splitlines()
    parsed = keywords_of([line for line in keywords if not line.startswith("!")])["occu"]
    structure = fileio.read_structure(str(tmp_path / "out" / "model_occupancy.cif"))
    structure.assign_serial_numbers()
    groups = refine.GroupOccupancy(structure, parsed)
    assert groups.ncycle == 5 and len(groups.groups) == len(structure[0])
    for part, atoms in zip(structure[0], groups.groups):
        assert {atom.serial for atom in atoms} == {atom.serial for residue in part for atom in residue}
        assert len({atom.occ for atom in atoms}) == 1


def test_comments_are_no_keywords(parts):
    lines = refmac_keywords(*parts).splitlines()
    assert lines[0] == "! group 1: ends" and lines[1] == "occupancy group id 1 chain A residue from 1 to 20"
    assert lines[-1] == "occupancy refine ncycle 5"
    assert gemmi.SeqId("20").num == 20


def test_residues_with_alternative_locations_are_in_no_group(tmp_path):
    """One occupancy for all their atoms would give each alternative that of the whole group."""
    path = tmp_path / "model.pdb"
    alternative = residue("SER", "A", 5, at=(40, 0, 0), altloc="A", occupancy=0.6)
    alternative += residue("SER", "A", 5, at=(40, 0.4, 0), altloc="B", occupancy=0.4)
    text = chain("A", range(1, 5)) + alternative + chain("A", range(6, 12), at=(45, 0, 0))
    path.write_text(text.replace("TER\n", "") + "END\n")
    model = read_model(str(path))
    (group,) = groups_of(model, "chain")
    assert [(first.number, last.number) for first, last in spans(model, group)] == [(1, 4), (6, 11)]
    assert "resid 1 through 4) or (chain A and resid 6 through 11)" in phenix_parameters(model, [group])
    assert "residue from 1 to 4" in refmac_keywords(model, [group])
