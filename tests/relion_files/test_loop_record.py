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
    assert weighted_iterations(str(tmp_path / "run_it009_model.star")) == []
    for iteration, method in enumerate(["none", "confidence", "confidence", "none"], start=1):
        append_row(str(tmp_path), row(iteration, method))
    for model, expected in (("run_it001", []), ("run_it002", [2]), ("run_ct2_it004", [2, 3]), ("run", [])):
        assert weighted_iterations(str(tmp_path / f"{model}_model.star")) == expected


def test_a_row_that_is_repeated_replaces_the_earlier_one(tmp_path):
    append_row(str(tmp_path), row(2, "confidence"))
    append_row(str(tmp_path), row(2, "none"))
    assert weighted_iterations(str(tmp_path / "run_it002_model.star")) == []


def test_rows_of_another_run_in_the_folder_do_not_count(tmp_path):
    append_row(str(tmp_path), row(2, "confidence"))
    assert weighted_iterations(str(tmp_path / "mine_it002_class001.mrc")) == []
    assert weighted_iterations(str(tmp_path / "run_it002_class001.mrc")) == [2]


@pytest.mark.parametrize(("called", "expected"), [(0, []), (1, [2])])
def test_a_run_that_was_done_again_without_the_program_is_not_weighted(tmp_path, called, expected):
    append_row(str(tmp_path), row(2, "confidence"))
    text = f"data_optimiser_general\n\n_rlnDoExternalReconstruct {called}\n"
    (tmp_path / "run_it002_optimiser.star").write_text(text)
    assert weighted_iterations(str(tmp_path / "run_it002_model.star")) == expected


def test_damaged_record_counts_as_weighted(tmp_path):
    (tmp_path / NAME).write_bytes(b"\0")
    assert weighted_iterations(str(tmp_path / "run_it003_model.star")) == [3]


def test_name_that_no_star_file_can_hold_is_an_error(tmp_path):
    with pytest.raises(StarError):
        append_row(str(tmp_path), row(1, "none", "two\nlines"))


def test_record_follows_no_link(tmp_path):
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        append_row(str(tmp_path), row(1, "none"))
    assert (tmp_path / "elsewhere").read_text() == "precious"
