# SPDX-License-Identifier: GPL-3.0-or-later
"""Read RELION's version and options from the top of an optimiser STAR file."""

import pytest

from relion_files.iteration import Reconstruction, reconstruction_of


@pytest.mark.parametrize(
    ("version", "options", "skips"),
    [
        ("3.1.3", "--flatten_solvent --norm", False),
        ("3.1.3", "--flatten_solvent --skip_gridding --norm", True),
        ("4.0.2", "--flatten_solvent --norm", True),
        ("5.0.1-commit-73f0a3", "--flatten_solvent --norm", True),
        ("5.0.1-commit-73f0a3", "--dont_skip_gridding --norm", False),
    ],
)
def test_gridding_is_told_by_the_version_and_the_command(version, options, skips, tmp_path):
    path = tmp_path / "run_it000_optimiser.star"
    path.write_text(f"# RELION optimiser; version {version}\n# --o run {options}\n\ndata_optimiser_general\n")
    assert reconstruction_of(str(path)) == Reconstruction(skips, 5)


def test_shells_that_are_not_regularised_are_those_of_the_command(tmp_path):
    path = tmp_path / "run_it000_optimiser.star"
    path.write_text("# RELION optimiser; version 3.1.3\n# --o run --minres_map 12 --norm\n\ndata_optimiser_general\n")
    assert reconstruction_of(str(path)) == Reconstruction(False, 12)


@pytest.mark.parametrize("text", [None, "", "data_optimiser_general\n\n_rlnDoAutoRefine 0\n"])
def test_nothing_is_known_of_a_file_without_a_version(tmp_path, text):
    path = tmp_path / "run_it000_optimiser.star"
    if text is not None:
        path.write_text(text)
    assert reconstruction_of(str(path)) == Reconstruction(None, 5)
