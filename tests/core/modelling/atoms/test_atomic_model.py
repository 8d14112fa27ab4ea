# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading atomic models, and refusing what is none."""

import gzip
import os

import gemmi
import mrcfile
import numpy as np
import pytest

from occupy_core.errors import ModelError
from occupy_core.modelling.atoms.atomic_model import read_model
from occupy_core.modelling.atoms.b_factors import usable_b_factors
from tests.core.modelling.pdb_text import atom, chain, ligand, residue

PDB = chain("A", range(1, 11)) + chain("B", range(1, 6), at=(0, 0, 20))


def as_mmcif(text):
    structure = gemmi.read_pdb_string(text)
    structure.setup_entities()
    return structure.make_mmcif_document().as_string()


@pytest.fixture
def write(tmp_path):
    """A function that writes a file and returns its path."""

    def write_file(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write_file


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.pdb", PDB),
        ("model.ent", PDB),
        ("model.PDB", PDB),
        ("model.cif", as_mmcif(PDB)),
        ("model.mmcif", as_mmcif(PDB)),
        ("model.pdb.gz", gzip.compress(PDB.encode())),
        ("model.cif.gz", gzip.compress(as_mmcif(PDB).encode())),
        ("model.txt", PDB),
        ("model", as_mmcif(PDB)),
        ("named_wrongly.pdb", as_mmcif(PDB)),
        ("named_wrongly.cif", PDB),
    ],
)
def test_models_are_read_by_their_content(write, name, content):
    model = read_model(write(name, content))
    assert len(model.elements) == 75 and len(model.residues) == 15
    np.testing.assert_allclose(model.positions[6], [1.5, 3.8, 0])
    assert model.elements[:5] == ("N", "C", "C", "O", "C") and set(model.b_factors) == {20.0}
    assert model.masses[0] == pytest.approx(14.007, abs=0.01)
    first = model.residues[0]
    assert (first.chain, first.number, first.insertion, first.name) == ("A", 1, "", "ALA")
    assert first.is_polymer and not first.is_nucleic and model.warnings == ()


def test_atoms_are_numbered_as_in_the_arrays(write):
    model = read_model(write("model.pdb", PDB))
    atoms = [item for part in model.structure[0] for residue in part for item in residue]
    assert [item.serial for item in atoms] == list(range(75))
    np.testing.assert_array_equal(model.residue_of_atom, np.repeat(np.arange(15), 5))


def test_the_first_of_several_models_is_used(write):
    text = "".join(f"MODEL {number}\n{residue(at=(number, 0, 0))}ENDMDL\n" for number in (1, 2, 3))
    path = write("models.pdb", text)
    model = read_model(path)
    assert len(model.elements) == 5 and model.positions[0, 0] == 1
    assert model.warnings == (f"{path} holds 3 models; the first is used",)


def test_waters_and_hydrogens_are_left_out(write):
    others = atom("HOH", number=9, name="O", element="O", ligand=True, occupancy=0.5)
    model = read_model(write("model.pdb", residue() + atom(name="HA", element="H", occupancy=0.5) + others))
    assert model.elements == ("N", "C", "C", "O", "C") and len(model.residues) == 1
    assert model.warnings == ()  # about the occupancies of waters and hydrogens


def test_a_residue_of_hydrogens_alone_shifts_no_other(write):
    """Residues and atoms are counted side by side: one without atoms would give all later ones to their neighbours."""
    bare = atom("ALA", "A", 11, name="H", element="H", xyz=(1, 41, 0))
    first = chain("A", range(1, 11)).replace("TER\n", bare + "TER\n")
    model = read_model(write("model.pdb", first + chain("B", range(1, 6), at=(0, 0, 20))))
    assert len(model.residues) == 15 and model.residue_of_atom.max() == 14
    assert model.residues[model.residue_of_atom[50]].chain == "B"


@pytest.mark.parametrize("kind", ["pdb", "cif", "pdb.gz"])
def test_a_title_in_latin_1_is_no_obstacle(write, kind):
    title = "TITLE     VON M\xfcLLER\nREMARK   3 AUTHORS: M\xfcLLER\n"
    text = as_mmcif(PDB).replace("loop_", "_struct.title 'M\xfcLLER'\nloop_", 1) if kind == "cif" else title + PDB
    content = text.encode("latin-1")
    model = read_model(write(f"model.{kind}", gzip.compress(content) if kind.endswith("gz") else content))
    assert len(model.residues) == 15 and usable_b_factors(model)[1] is not None
    assert "M?LLER" in model.structure.make_mmcif_document().as_string()


@pytest.mark.parametrize("place", [b"ALA A   5", b" CB  ALA A   5"])
def test_an_atom_with_a_name_in_latin_1_is_refused(write, place):
    content = PDB.encode()
    assert place in content
    path = write("model.pdb", content.replace(place, place.replace(b"A", b"\xc4"), 1))
    with pytest.raises(ModelError, match="model.pdb: line 2[0-9] has an atom with a letter that is no UTF-8, expected"):
        read_model(path)


def test_occupancies_of_the_file_are_not_used_and_a_warning_says_so(write):
    path = write("model.pdb", residue(occupancy=0.4))
    assert read_model(path).warnings == (f"the occupancies in {path} are not used: each atom counts as one whole atom",)


def test_the_first_alternative_location_is_used(write):
    locations = [atom(name="CB", altloc=name, xyz=(x, 0, 0), occupancy=0.5) for name, x in (("A", 7), ("B", 8))]
    model = read_model(write("model.pdb", atom() + "".join(locations)))
    assert model.positions[:, 0].tolist() == [0, 7] and model.warnings == ()


def test_the_first_of_two_residues_at_one_place_is_used(write):
    """Residue 2 is ALA in some particles and SER in others."""
    text = residue(number=1) + residue("ALA", number=2, altloc="A") + residue("SER", number=2, altloc="B")
    assert [item.name for item in read_model(write("model.pdb", text)).residues] == ["ALA", "ALA"]


def test_ligands_with_the_number_of_a_residue_or_one_name_for_all_atoms_are_kept(write):
    text = chain("A", range(1, 6)) + ligand("LIG", "A", 1, 6)
    text += "".join(atom("UNL", number=77, name="C", xyz=(40 + n, 0, 0), ligand=True) for n in range(7))
    model = read_model(write("model.pdb", text))
    assert [(item.name, item.number) for item in model.residues[5:]] == [("LIG", 1), ("UNL", 77)]
    assert len(model.elements) == 25 + 6 + 7


def test_insertion_codes_are_read(write):
    model = read_model(write("model.pdb", residue(number=52) + residue(number=52, insertion="A")))
    assert [(item.number, item.insertion) for item in model.residues] == [(52, ""), (52, "A")]


def test_nucleotides_are_told_from_amino_acids(write):
    text = "".join(residue(name, "N", number, atoms=["P", "C1'"]) for number, name in enumerate(("A", "C", "G", "U")))
    assert all(item.is_polymer and item.is_nucleic for item in read_model(write("model.pdb", text)).residues)


def map_bytes(folder):
    with mrcfile.new(str(folder / "any.mrc")) as mrc:
        mrc.set_data(np.random.default_rng(0).standard_normal((8, 8, 8)).astype("f4"))
    return (folder / "any.mrc").read_bytes()


CIF = as_mmcif(PDB)
NO_MODELS = {
    "text.pdb": "These are no atoms.\n" * 4,
    "text.cif": "These are no atoms.\n" * 4,
    "text.txt": "These are no atoms.\n" * 4,
    "empty.pdb": "",
    "empty.cif": "",
    "empty.json": "{}",
    "blank.cif": "\n\n",
    "no_atoms.cif": "data_x\n_cell.length_a 5\n",
    "particles.star": "data_particles\n\nloop_\n_rlnImageName #1\n1@stack.mrcs\n",
    "truncated.cif": CIF[: CIF.index("_atom_site.") + (len(CIF) - CIF.index("_atom_site.")) // 2 + 7],
    "truncated.pdb": PDB[:-40],
    "truncated.pdb.gz": gzip.compress(PDB.encode())[:-60],
    "no_gzip.pdb.gz": PDB,
    "latin.cif": b"data_x\n_a '\xff\xfe'\n",
    "not_a_number.pdb": PDB.replace("   1.500", "     nan", 1),
    "unknown_place.cif": CIF.replace(" 1.5 3.8 0 ", " ? 3.8 0 ", 1),
    "only_water.pdb": atom("HOH", name="O", element="O", ligand=True),
}


@pytest.mark.parametrize("name", [*NO_MODELS, "map.mrc", "map.cif", "map.pdb", "folder", "missing.pdb", "missing.cif"])
def test_what_is_no_model_is_refused_in_one_line(write, tmp_path, name):
    if name in NO_MODELS:
        assert name != "unknown_place.cif" or NO_MODELS[name] != CIF
        path = write(name, NO_MODELS[name])
    elif name.startswith("map"):
        path = write(name, map_bytes(tmp_path))
    else:
        path = str(tmp_path / name)
    if name == "folder":
        os.mkdir(path)
    with pytest.raises(ModelError) as caught:
        read_model(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ") and "expected" in text and "\n" not in text
    assert "found" in text or "no such file" in text or "cannot be read as an atomic model (" in text
    found = {"folder": "found a folder", "missing.pdb": ": no such file", "empty.cif": "found an empty file"}
    assert found.get(name, "") in text


def test_a_trace_of_single_atoms_is_refused(write):
    numbers = range(1, 13)
    full = chain("A", numbers)
    trace = "".join(residue(chain="B", number=n, at=(4.0 * n, 20.0, 0.0), atoms=["CA"]) for n in numbers)
    assert len(read_model(write("full.pdb", full)).residues) == 12
    with pytest.raises(ModelError, match="found only one atom for each residue of chain B, expected all atoms"):
        read_model(write("trace.pdb", full + trace))


def test_unknown_residues_may_be_single_atoms(write):
    """Loose atoms in weak density are named UNK; a chain of known residues is refused then."""
    numbers = range(1, 13)
    loose = "".join(residue("UNK", "B", n, at=(4.0 * n, 20.0, 0.0), atoms=["CA"]) for n in numbers)
    assert len(read_model(write("loose.pdb", chain("A", numbers) + loose)).residues) == 24


def test_a_chain_that_the_file_calls_single_molecules_is_a_chain(write):
    document = gemmi.cif.read_string(as_mmcif(PDB))
    for row in document.sole_block().find("_entity.", ["id", "type"]):
        row[1] = "non-polymer"
    model = read_model(write("model.cif", document.as_string()))
    assert all(item.is_polymer for item in model.residues if item.chain == "A")


def test_a_map_in_the_place_of_a_model_is_called_so(write_mrc):
    with pytest.raises(ModelError, match=r"found a map, which belongs to the input maps, expected an atomic model"):
        read_model(write_mrc(np.zeros((8, 8, 8), "f4")))


def test_residues_with_alternative_locations_are_marked(write):
    both = residue("SER", "A", 2, altloc="A", occupancy=0.6) + residue("SER", "A", 2, altloc="B", occupancy=0.4)
    model = read_model(write("model.pdb", residue("ALA", "A", 1) + both))
    assert [item.has_alternatives for item in model.residues] == [False, True]
