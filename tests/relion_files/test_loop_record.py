# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a run whose maps were weighted in the loop."""

import subprocess
import sys
from pathlib import Path

import pytest

from relion_files.loop_record import NAME, LoopRow, append_row, weighted_iterations
from relion_files.star import StarError, read_star

REPOSITORY = Path(__file__).resolve().parents[2]
MANY = """
import sys
from relion_files.loop_record import LoopRow, append_row
for iteration in range(40):
    append_row(sys.argv[1], LoopRow("run.mrc", iteration, int(sys.argv[2]), "confidence", 0.5, 300, 900, "a note"))
"""


def iterations(path):
    """The weighted iterations in the record beside a file."""
    return weighted_iterations(str(path)).get(str(path.parent / NAME), [])


def row(iteration, method, note="None"):
    return LoopRow(f"Class3D/run_it{iteration:03d}_class001.mrc", iteration, 1, method, 0.25, 300, 900, note)


def test_rows_are_read_back(tmp_path):
    append_row(str(tmp_path), row(1, "none", "weighted from iteration 2 on"))
    append_row(str(tmp_path), row(2, "consensus"))
    (table,) = read_star(str(tmp_path / NAME)).values()
    assert {name: values[1] for name, values in table.columns.items()} == {
        "rlnReferenceImage": "Class3D/run_it002_class001.mrc",
        "rlnCurrentIteration": "2",
        "rlnClassNumber": "1",
        "occupyMethod": "consensus",
        "occupyShareKept": "0.25",
        "occupyMilliseconds": "300",
        "occupyInversionMilliseconds": "900",
        "occupyNote": "None",
    }
    assert table.columns["occupyNote"][0] == "weighted from iteration 2 on"


def test_many_processes_write_at_once(tmp_path):
    """As the ranks of MPI do."""
    words = [sys.executable, "-c", MANY, str(tmp_path)]
    processes = [subprocess.Popen([*words, str(number)], cwd=REPOSITORY) for number in range(1, 5)]
    assert [process.wait() for process in processes] == [0] * 4
    (table,) = read_star(str(tmp_path / NAME)).values()
    found = sorted(zip(map(int, table.columns["rlnClassNumber"]), map(int, table.columns["rlnCurrentIteration"])))
    assert found == [(number, iteration) for number in range(1, 5) for iteration in range(40)]


def test_weighted_iterations_are_those_up_to_an_iteration(tmp_path):
    assert iterations(tmp_path / "run_it009_model.star") == []
    for iteration, method in enumerate(["none", "confidence", "confidence", "none"], start=1):
        append_row(str(tmp_path), row(iteration, method))
    for model, expected in (("run_it001", []), ("run_it002", [2]), ("run_ct2_it004", [2, 3]), ("run", [])):
        assert iterations(tmp_path / f"{model}_model.star") == expected


def test_a_row_that_is_repeated_replaces_the_earlier_one(tmp_path):
    append_row(str(tmp_path), row(2, "confidence"))
    append_row(str(tmp_path), row(2, "none"))
    assert iterations(tmp_path / "run_it002_model.star") == []


def test_rows_of_another_run_in_the_folder_do_not_count(tmp_path):
    append_row(str(tmp_path), row(2, "confidence"))
    assert iterations(tmp_path / "mine_it002_class001.mrc") == []
    assert iterations(tmp_path / "run_it002_class001.mrc") == [2]


@pytest.mark.parametrize(("called", "expected"), [(0, []), (1, [2])])
def test_a_run_that_was_done_again_without_the_program_is_not_weighted(tmp_path, called, expected):
    append_row(str(tmp_path), row(2, "confidence"))
    text = f"data_optimiser_general\n\n_rlnDoExternalReconstruct {called}\n"
    (tmp_path / "run_it002_optimiser.star").write_text(text)
    assert iterations(tmp_path / "run_it002_model.star") == expected


def continue_run(folder, name, *, output, continued, called=0):
    """Write the optimiser STAR file of an iteration of a run that continues another one; return its path."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    head = f"# RELION optimiser; version 3.1.3\n# --continue {continued}_optimiser.star --o {output} --j 1 \n\n"
    text = f"data_optimiser_general\n\n_rlnOutputRootName {output}\n_rlnDoExternalReconstruct {called}\n"
    (folder / name).write_text(head + text)
    return str(folder / name)


def test_a_run_that_continues_a_weighted_one_in_another_folder_is_weighted(tmp_path, monkeypatch):
    """Also one that continues that one, from another working folder, and no further than the iteration it began at."""
    (tmp_path / "Class3D/job003").mkdir(parents=True)
    for iteration in (2, 3, 4):
        append_row(str(tmp_path / "Class3D/job003"), row(iteration, "confidence"))
    (tmp_path / "Class3D/job003/run_it003_optimiser.star").write_text(
        "data_optimiser_general\n\n_rlnOutputRootName x\n"
    )
    name, output = "Class3D/job004/run_it006_optimiser.star", "Class3D/job004/run"
    first = continue_run(tmp_path, name, output=output, continued="Class3D/job003/run_it003")
    record = str(tmp_path / "Class3D/job003" / NAME)
    assert weighted_iterations(first) == {record: [2, 3]}
    name, output = "Class3D/job005/run_it008_optimiser.star", "Class3D/job005/run"
    second = continue_run(tmp_path, name, output=output, continued="Class3D/job004/run_it006")
    assert weighted_iterations(second.replace("optimiser.star", "class001.mrc")) == {record: [2, 3]}
    monkeypatch.chdir(tmp_path)
    assert weighted_iterations(name) == {f"Class3D/job003/{NAME}": [2, 3]}


def test_a_record_counts_once_where_a_run_is_continued_in_its_folder(tmp_path, monkeypatch):
    """Whether paths are absolute, as of class maps, or begin at the working folder."""
    folder = tmp_path / "Class3D/job003"
    folder.mkdir(parents=True)
    for iteration in (2, 3, 4):
        append_row(str(folder), row(iteration, "confidence"))
    (folder / "run_it003_optimiser.star").write_text(
        "data_optimiser_general\n\n_rlnOutputRootName Class3D/job003/run\n"
    )
    name, output = "Class3D/job003/run_ct3_it005_optimiser.star", "Class3D/job003/run_ct3"
    path = continue_run(tmp_path, name, output=output, continued="Class3D/job003/run_it003", called=1)
    monkeypatch.chdir(tmp_path)
    assert weighted_iterations(path) == {str(folder / NAME): [2, 3, 4]}
    assert weighted_iterations(name) == {f"Class3D/job003/{NAME}": [2, 3, 4]}


def test_the_record_is_enough_where_clean_up_has_removed_the_iteration(tmp_path):
    (tmp_path / "a").mkdir()
    for iteration in (2, 3, 4):
        append_row(str(tmp_path / "a"), row(iteration, "confidence"))
    path = continue_run(tmp_path, "b/run_it006_optimiser.star", output="b/run", continued="a/run_it003")
    assert weighted_iterations(path) == {str(tmp_path / "a" / NAME): [2, 3]}


def test_a_copied_file_leads_to_no_other_project(tmp_path, monkeypatch):
    (tmp_path / "project/a").mkdir(parents=True)
    append_row(str(tmp_path / "project/a"), row(2, "confidence"))
    (tmp_path / "project/a/run_it003_optimiser.star").write_text("data_optimiser_general\n\n_rlnOutputRootName a/run\n")
    path = continue_run(tmp_path, "copied/run_it006_optimiser.star", output="b/run", continued="a/run_it003")
    monkeypatch.chdir(tmp_path / "project")
    assert weighted_iterations(path) == {}


def test_a_command_counts_only_in_the_comments_at_the_top(tmp_path):
    append_row(str(tmp_path), row(2, "confidence"))
    text = "# RELION\n\ndata_optimiser_general\n\n_rlnOutputRootName b/run\n# --continue run_it002_optimiser.star\n"
    (tmp_path / "b").mkdir()
    (tmp_path / "b/run_it006_optimiser.star").write_text(text)
    assert weighted_iterations(str(tmp_path / "b/run_it006_optimiser.star")) == {}


def test_runs_that_continue_each_other_come_to_an_end(tmp_path):
    one = continue_run(tmp_path, "a/run_it003_optimiser.star", output="a/run", continued="b/run_it003")
    continue_run(tmp_path, "b/run_it003_optimiser.star", output="b/run", continued="a/run_it003")
    assert weighted_iterations(one) == {}


def test_damaged_record_counts_as_weighted(tmp_path):
    (tmp_path / NAME).write_bytes(b"\0")
    assert iterations(tmp_path / "run_it003_model.star") == [3]


def test_name_that_no_star_file_can_hold_is_an_error(tmp_path):
    with pytest.raises(StarError):
        append_row(str(tmp_path), row(1, "none", "two\nlines"))


def test_record_follows_no_link(tmp_path):
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        append_row(str(tmp_path), row(1, "none"))
    assert (tmp_path / "elsewhere").read_text() == "precious"
