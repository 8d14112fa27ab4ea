# SPDX-License-Identifier: GPL-3.0-or-later
"""What RELION's command, at the top of an optimiser STAR file, says about a run."""

import pytest

from relion_files.iteration import skips_gridding


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
    assert skips_gridding(str(path)) == skips


def test_gridding_is_not_skipped_without_an_optimiser_star_file(tmp_path):
    assert not skips_gridding(str(tmp_path / "gone.star"))
