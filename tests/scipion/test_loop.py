# SPDX-License-Identifier: GPL-3.0-or-later
"""A 3D classification in Scipion whose class maps are weighted in the loop."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from occupy_scipion.report import read_report
from relion_files.star import read_star

VARIABLE, PROGRAM = "RELION_EXTERNAL_RECONSTRUCT_EXECUTABLE", "relion_external_occupy_reconstruct"


@pytest.fixture(scope="module")
def weighted(laboratory, class3d):
    """A classification of four iterations; Scipion puts the variables of scipion.conf into the environment."""
    with pytest.MonkeyPatch.context() as patch, laboratory.inside():
        patch.setenv(VARIABLE, f"{PROGRAM} --method consensus --start 2")
        return laboratory.weighted_classification(class3d[0])


def test_class_maps_are_weighted(lab, weighted):
    record = read_star(weighted._getExtraPath("occupy_loop.star"))["occupy_loop"].columns
    rows = zip(record["rlnCurrentIteration"], record["rlnClassNumber"], record["occupyMethod"])
    methods = {"1": "none", "2": "consensus", "3": "consensus", "4": "none"}
    assert list(rows) == [(iteration, number, method) for iteration, method in methods.items() for number in "12"]
    assert weighted.outputClasses.getSize() == 2
    assert sum(item.getSize() for item in weighted.outputClasses.iterItems()) == 300
    assert Path(weighted._getExtraPath("relion_it004_class001_occupy_raw.mrc")).exists()


def test_comparison_of_its_classes_says_so(lab, weighted):
    protocol = lab.launch(lab.compare(weighted))
    assert protocol.isFinished(), protocol.getErrorMessage()
    report = read_report(lab.folder / protocol._getExtraPath())
    (warning,) = [text for text in report["warnings"] if "weighted in the loop" in text]
    assert "2 iterations (from 2 to 3)" in warning and "judge them by independent runs" in warning
    assert "occupy_loop.star" in warning


def test_scipion_puts_the_variable_of_its_configuration_into_the_environment(tmp_path):
    configuration = tmp_path / "scipion.conf"
    configuration.write_text(f"[PLUGINS]\n{VARIABLE} = {PROGRAM} --method consensus\n")
    home = {name: value for name, value in os.environ.items() if name != VARIABLE}
    done = subprocess.run(
        [sys.executable, "-m", "scipion", "run", "env"],
        env={**home, "SCIPION_CONFIG": str(configuration), "SCIPION_LOCAL_CONFIG": str(configuration)},
        capture_output=True,
        text=True,
    )
    assert f"{VARIABLE}={PROGRAM} --method consensus" in done.stdout, done.stdout + done.stderr
