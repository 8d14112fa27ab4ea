# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of atoms: chains, entities, ligands, selections of the user, windows."""

import gemmi
import numpy as np
import pytest

from occupy_core.errors import ModelError
from occupy_core.modelling.atoms.atomic_model import read_model
from occupy_core.modelling.atoms.groups import file_name_of, groups_of, windows_of
from occupy_core.settings.kind_of_groups import as_gemmi, check_kind_of_groups
from tests.core.modelling.pdb_text import atom, chain, ligand, residue

COMPLEX = (
    chain("A", range(1, 11))
    + chain("B", range(1, 11), at=(0, 0, 20))
    + chain("C", range(1, 6), at=(0, 0, 40), residues="GLY")
    + ligand("HEM", "A", 501, 20)
    + ligand("HEM", "B", 501, 20, at=(30, 0, 20))
    + ligand("NAG", "A", 601, 14, at=(60, 0, 0))
    + ligand("GOL", "B", 701, 6, at=(60, 0, 20))
    + atom("ZN", "A", 801, name="ZN", element="ZN", xyz=(20, 20, 0), ligand=True)
    + atom("HOH", "A", 901, name="O", element="O", ligand=True)
)


@pytest.fixture
def read(tmp_path):
    """A function that reads a model from text."""

    def read_text(text, name="model.pdb"):
        (tmp_path / name).write_text(text)
        return read_model(str(tmp_path / name))

    return read_text


@pytest.fixture
def selections(tmp_path):
    """A function that writes a file of selections and returns its path."""

    def write(content):
        path = tmp_path / "parts.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def counts(groups):
    return {group.name: len(group.atoms) for group in groups}


def residues_in(model, group):
    return {(model.residues[n].chain, model.residues[n].number) for n in model.residue_of_atom[group.atoms]}


def test_chains_are_groups_with_their_ions_and_buffer_and_sugars_and_ligands_are_their_own(read):
    model = read(COMPLEX)
    groups = groups_of(model, "chain")
    assert counts(groups) == {
        "A": 50 + 1,
        "B": 50 + 6,
        "C": 25,
        "A/sugars": 14,
        "A/HEM 501": 20,
        "B/HEM 501": 20,
    }
    assert sorted(np.concatenate([group.atoms for group in groups])) == list(range(len(model.elements)))
    chain_a, _, chain_c, sugars, heme, _ = sorted(groups, key=lambda group: (len(group.name), group.name))
    assert ("A", 801) in residues_in(model, chain_a) and ("A", 501) not in residues_in(model, chain_a)
    assert chain_a.residues == "A 1-10, A 801" and chain_c.residues == "C 1-5" and heme.residues == "A 501"
    assert sugars.residues == "A 601"
    assert chain_c.mass == pytest.approx(5 * (3 * 12.011 + 14.007 + 15.999) / 1000, abs=1e-4)


@pytest.mark.parametrize("kind", ["pdb", "cif", "pdb with sequences"])
def test_copies_of_a_molecule_are_one_entity_and_so_are_their_sugars(read, kind):
    if kind == "cif":
        structure = gemmi.read_pdb_string(COMPLEX)
        structure.setup_entities()
        model = read(structure.make_mmcif_document().as_string(), "model.cif")
    else:
        rows = [(name, " ".join(["ALA"] * 12)) for name in "AB"] + [("C", "GLY GLY GLY GLY GLY")]
        sequences = "".join(f"SEQRES   1 {name}   {len(row.split()):2}  {row}\n" for name, row in rows)
        model = read(sequences * kind.endswith("sequences") + COMPLEX)
    groups = groups_of(model, "entity")
    copies, other, *ligands = sorted(groups, key=lambda group: ("/" in group.name, -len(group.atoms)))
    assert copies.name.startswith("entity ") and len(copies.atoms) == 51 + 56
    assert other.name.startswith("entity ") and len(other.atoms) == 25
    assert sorted(group.name for group in ligands) == ["A/HEM 501", "B/HEM 501", f"{copies.name}/sugars"]
    assert copies.residues == "A 1-10, A 801, B 1-10, B 701"


def test_names_of_chains_may_have_several_letters(read):
    structure = gemmi.read_pdb_string(COMPLEX)
    structure.merge_chain_parts()
    for part, name in zip(structure[0], ("AA", "AAA", "a")):
        part.name = name
    structure.setup_entities()
    model = read(structure.make_mmcif_document().as_string(), "model.cif")
    assert sorted(counts(groups_of(model, "chain"))) == ["AA", "AA/HEM 501", "AA/sugars", *("AAA", "AAA/HEM 501", "a")]


def test_ligands_with_insertion_codes_are_told_apart(read):
    text = chain("A", range(1, 6)) + ligand("HEM", "A", 52, 20) + ligand("HEM", "A", 52, 21, insertion="A")
    assert counts(groups_of(read(text), "chain")) == {"A": 25, "A/HEM 52": 20, "A/HEM 52A": 21}


def test_selections_are_groups_and_the_rest_is_another(read, selections):
    path = selections(
        "\ufeffhead: //A/1-4\n\n# a comment: //B\n  # another\r\ntail : //A/5-10\nhead: //C\nheme: //A,B/(HEM)\n"
    )
    model = read(COMPLEX)
    groups = groups_of(model, path)
    rest = len(model.elements) - 20 - 25 - 30 - 40
    assert counts(groups) == {"head": 45, "tail": 30, "heme": 40, "other": rest}
    assert groups[0].residues == "A 1-4, C 1-5" and groups[2].residues == "A 501, B 501"
    assert residues_in(model, groups[0]) >= {("A", 4), ("C", 5)}


def test_a_group_may_be_selected_twice_in_parts_that_overlap(read, selections):
    groups = groups_of(read(COMPLEX), selections("head: //A/1-4\nhead: //A/3-6\nall else: //B,C"))
    assert counts(groups)["head"] == 30


def test_selections_of_all_atoms_leave_no_rest(read, selections):
    assert counts(groups_of(read(chain("A", range(1, 6))), selections("all: *"))) == {"all": 25}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("head: //A/1-5\ntail: //A/5-9\n", "line 2: 5 atoms of tail are in head too, expected each atom in one group"),
        ("head: //X\n", r"line 1: '//X' selects no atom of .*model.pdb, whose chains are A, B, C; several .*"),
        ("# text\nhead: //A/1-\\(\n", "line 2: .* is no selection"),
        ("head //A\n", "line 1: found 'head //A', expected lines such as"),
        (": //A\n", "line 1: found"),
        ("head:\n", "line 1: found 'head:'"),
        ("", "found an empty file, expected chain, entity, or a text file"),
        ("# only a comment\n", "found no part"),
        (bytes(range(256)), "cannot be read"),
        ("tête: //A\n".encode("latin-1"), "cannot be read .*position 1.*; save it as plain text in UTF-8"),
        ("head: //A\n".encode("utf-16"), "cannot be read .*; save it as plain text in UTF-8"),
        ("head: //A/1-4\n" * 100_000, "has 1,400,000 bytes, expected a short text file"),
        ("A,B: //A,B\n", "line 1: 'A,B' has a comma, a quote or a #; choose another name"),
        ('first: //A\nthe "tail": //B\n', "line 2: .* has a comma, a quote or a #"),
        ("it's: //A\n", "line 1: .* has a comma, a quote or a #"),
        ("part #1: //A\n", "line 1: .* has a comma, a quote or a #"),
        ("other: //A\n", "line 1: .*other.* is the name of the atoms in no group"),
    ],
)
def test_files_of_selections_that_cannot_be_used(read, selections, content, message):
    path = selections(content)
    with pytest.raises(ModelError, match=message) as caught:
        groups_of(read(COMPLEX), path)
    assert path in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "problem"), [("chians", ": no such file, "), ("folder", ": found a folder, ")])
def test_a_word_that_is_neither_a_kind_nor_a_file(read, tmp_path, name, problem):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelError, match=f"model_groups: .*{problem}expected chain, entity, or a text file"):
        groups_of(read(COMPLEX), str(tmp_path / name))


@pytest.mark.parametrize(
    ("written", "meant"), [("//A/1-4", "//A/1-4"), ("/A:1-4", "//A/1-4"), ("chain A", "//A"), ("//A,B", "//A,B")]
)
def test_a_selection_in_the_place_of_a_file(read, tmp_path, monkeypatch, written, meant):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="model_groups: found the selection .*write the line") as caught:
        groups_of(read(COMPLEX), written)
    assert f"{written!r}, expected" in str(caught.value) and f"'name: {meant}' into a file" in str(caught.value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("head: //A/20-150", "head: //A/20-150"),
        ("head: chain A and resi 20-150 and name CA", "head: //A/20-150"),
        ("fab-1:/H,L", "fab-1: //H,L"),
    ],
)
def test_a_part_with_its_name_in_the_place_of_a_file(written, meant):
    with pytest.raises(ModelError, match="model_groups: found the part .*give the path of the file$") as caught:
        check_kind_of_groups(written)
    assert f"write the line '{meant}' into a text file" in str(caught.value)


@pytest.mark.parametrize(("word", "meant"), [("entty", "entity"), ("Entities", "entity"), ("chains", "chain")])
def test_a_misspelt_kind_is_corrected_unless_it_is_a_file(read, tmp_path, monkeypatch, word, meant):
    monkeypatch.chdir(tmp_path)
    model = read(COMPLEX)
    with pytest.raises(ModelError, match=f"model_groups: found '{word}', which is no file, .* did you mean {meant}[?]"):
        groups_of(model, word)
    (tmp_path / word).write_text("head: //A\n")
    assert counts(groups_of(model, word))["head"] == 85


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_the_ends_of_lines_may_be_of_any_system(read, selections, ending):
    lines = ["\ufeffhead: //A/1-4", "", "# a comment", "tail: //A/5-10", ""]
    assert list(counts(groups_of(read(COMPLEX), selections(ending.join(lines))))) == ["head", "tail", "other"]


@pytest.mark.parametrize(
    ("content", "residue", "other"),
    [
        ("ca: //*//CA\n", "A/ALA 1", "other"),
        ("chain: //A//N,CA,C,O\nside: //A//CB\n", "A/ALA 1", "chain"),
        ("rest: //A/1-4\nodd: //A/7/CA,O\n", "A/ALA 7", "other"),
        ("carbons: //B//[C]\n", "B/ALA 1", "other"),
    ],
)
def test_selections_of_parts_of_residues_are_refused(read, selections, content, residue, other):
    path = selections(content)
    with pytest.raises(ModelError, match="Selections should take whole residues, such as") as caught:
        groups_of(read(COMPLEX), path)
    assert f"takes only some atoms of {residue}, and the others are in '{other}'" in str(caught.value)
    assert f"{path}, line " in str(caught.value)
    assert ("more residues" in str(caught.value)) == (residue != "A/ALA 7")


def test_selections_of_single_residues_and_of_all_their_atoms_by_name_are_whole(read, selections):
    path = selections("one: //A/1\none: //A/3\ntwo: //A/2\nglycines: //C//N,CA,C,O,CB\n")
    assert counts(groups_of(read(COMPLEX), path)) == {"one": 10, "two": 5, "glycines": 25, "other": 35 + 50 + 61}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("chain A and resseq 20:150", "//A/20-150"),  # Phenix
        ("(chain A and resid 20 through 150)", "//A/20-150"),
        ("chain 'A' and resseq 20", "//A/20"),
        ("chain A and resi 20-150", "//A/20-150"),  # PyMOL
        ("chain A and resid 20 to 150", "//A/20-150"),  # VMD
        ("resi 20-150 and chain A", "//A/20-150"),
        ("chain A and resi 20-150 and name CA", "//A/20-150"),  # parts take whole residues
        ("name CA+C and chain A and resi 20-150", "//A/20-150"),
        ("resi 20-150 and name CA", "//*/20-150"),
        ("resid 20:150", "//*/20-150"),
        ("chain A", "//A"),
        ("/A:20-150", "//A/20-150"),  # ChimeraX
        ("#1/A:20-150", "//A/20-150"),
        ("#1.2/A,B", "//A,B"),
        ("/A/20-150", "//A/20-150"),
        ("//A/20:150", "//A/20-150"),
        ("//A:20-150", "//A/20-150"),
        ("A:-5-10", "//A/-5-10"),
    ],
)
def test_selections_of_other_programs_are_shown_in_the_syntax_of_gemmi(read, selections, written, meant):
    with pytest.raises(ModelError, match="line 1: .*in gemmi's syntax it is ") as caught:
        groups_of(read(COMPLEX), selections(f"head: {written}\n"))
    assert str(caught.value).endswith(f"in gemmi's syntax it is {meant!r}")
    if not written.startswith("A"):  # A:-5-10 is part A
        with pytest.raises(ModelError, match="without a name|expected lines such as"):
            groups_of(read(COMPLEX), selections(f"{written}\n"))


@pytest.mark.parametrize("written", ["protein", "chain A or chain B", "resname HEM", "/A:20-150,200-210", "//A/HEM"])
def test_selections_that_are_not_understood_are_not_translated(written):
    assert as_gemmi(written) is None


def test_a_line_without_a_name_is_shown_with_one(read, selections):
    with pytest.raises(ModelError, match="found '/A:20-150' without a name; write 'name: //A/20-150'"):
        groups_of(read(COMPLEX), selections("/A:20-150\n"))


def test_selections_may_be_a_dictionary(read):
    model = read(COMPLEX)
    assert counts(groups_of(model, {"head": "//A/1-4", "all else": "//B,C"}))["head"] == 20
    with pytest.raises(ModelError, match=r"^groups\['tail'\]: 5 atoms of tail are in head too"):
        groups_of(model, {"head": "//A/1-5", "tail": "//A/5-9"})
    for wrong in ({}, {"head": 3}, {"head": " "}, {1: "//A"}):
        with pytest.raises(ModelError, match=r"^groups: found .*, expected .*\{'head': '//A/20-150'\}"):
            groups_of(model, wrong)


@pytest.mark.parametrize(("count", "length", "sizes"), [(30, 15, [15, 15]), (37, 15, [19, 18]), (22, 15, [22])])
def test_windows_cover_a_chain_in_nearly_equal_lengths(read, count, length, sizes):
    model = read(chain("A", range(1, count + 1)))
    windows = windows_of(model, length)
    assert [window.last - window.first + 1 for window in windows] == sizes
    np.testing.assert_array_equal(np.concatenate([window.atoms for window in windows]), np.arange(5 * count))


def test_windows_count_residues_that_are_there_and_no_ligands(read):
    numbers = [*range(-3, 4), *range(101, 106)]
    text = chain("A", numbers) + ligand("HEM", "A", 501, 20) + ligand("LIG", "L", 1, 20)
    windows = windows_of(read(text), 6)
    assert [(window.chain, window.first, window.last, len(window.atoms)) for window in windows] == [
        ("A", -3, 2, 30),
        ("A", 3, 105, 30),
    ]


def test_windows_keep_residues_with_insertion_codes_apart(read):
    inserted = "".join(
        residue(number=52, insertion=code, at=(0, 3.8 * n, 0)) for n, code in enumerate(" ABCDEFGHI", start=2)
    )
    windows = windows_of(read(residue(number=51) + inserted + residue(number=53, at=(0, 60, 0))), 6)
    assert [(window.first, window.last, len(window.atoms)) for window in windows] == [(51, 52, 30), (52, 53, 30)]


@pytest.mark.parametrize(
    ("name", "file_name"),
    [("A", "A"), ("A/HEM 501", "A_HEM_501"), ("α", "group"), ("../../x", "x"), ("-b_1", "-b_1"), ("a\nb", "a_b")],
)
def test_names_in_file_names(name, file_name):
    assert file_name_of(name) == file_name


def test_names_in_file_names_are_short_and_without_the_word_that_relion_replaces():
    """RELION takes None in the name of an output for its own word for no alias, and cuts it out."""
    assert len(file_name_of("n" * 300)) < 100
    assert "None" not in file_name_of("None of it")


def test_chains_of_sugars_alone_keep_their_names(read):
    text = chain("A", range(1, 6)) + ligand("NAG", "G", 1, 14, at=(60, 0, 0)) + ligand("NAG", "G", 2, 14, at=(60, 0, 9))
    assert counts(groups_of(read(text), "chain")) == {"A": 25, "G": 28}


def test_residues_of_a_part_are_named_with_their_gaps(read, selections):
    model = read(chain("A", range(1, 11)))
    groups = groups_of(model, selections("middle: //A/4-6\n"))
    assert {group.name: group.residues for group in groups} == {"middle": "A 4-6", "other": "A 1-3, A 7-10"}
