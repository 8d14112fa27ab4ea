# SPDX-License-Identifier: GPL-3.0-or-later
"""Weight maps in the loop of relion_refine: classifications, several ranks, continued runs, other refinements."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from demo.particles import write_particles
from occupy_core.maps.reading import read_map
from occupy_core.weighting.class_maps import mean_map
from occupy_core.weighting.confidence import confidence_mask
from relion_files.loop_record import weighted_iterations
from relion_files.star import read_star
from tests.relion import loop_runs
from tests.relion.loop_runs import CLASSIFICATION, HOOK, classes, refine, rows

pytestmark = [pytest.mark.usefixtures("relion"), pytest.mark.slow]


@pytest.fixture(scope="module")
def particles(relion, tmp_path_factory):
    """A folder with 160 particles, half of which lack a domain."""
    folder = tmp_path_factory.mktemp("loop")
    write_particles(folder, numbers=(80, 80), noise=2.0)
    return folder


@pytest.fixture(scope="module")
def weighted(particles):
    """A classification of five iterations, weighted by confidence."""
    done = refine(particles, "weighted", f"{CLASSIFICATION} --K 2 --iter 5")
    assert done.returncode == 0, done.stdout
    return particles / "weighted", done.stdout


def values(path):
    return read_map(str(path)).data


def test_all_iterations_but_the_first_and_the_last_are_weighted(weighted, particles):
    found, notes = rows(particles, "weighted")
    methods = {1: "none", **dict.fromkeys((2, 3, 4), "confidence"), 5: "none"}
    assert found == [(iteration, number, method) for iteration, method in methods.items() for number in (1, 2)]
    assert notes == ["the first iteration"] * 2 + ["None"] * 6 + ["the last iteration"] * 2
    assert "iteration 4, class 2: confidence keeps" in weighted[1] and "OccuPy: WARNING" not in weighted[1]
    record = str(weighted[0] / "occupy_loop.star")
    assert weighted_iterations(str(weighted[0] / "run_it005_model.star")) == {record: [2, 3, 4]}
    assert weighted_iterations(str(weighted[0] / "run_it002_model.star")) == {record: [2]}


def test_all_classes_are_weighted_by_the_confidence_of_the_iteration_before(weighted):
    folder, _ = weighted
    earlier = [values(folder / f"run_it002_class00{number}_occupy_raw.mrc") for number in (1, 2)]
    model = read_star(str(folder / "run_it002_model.star"))["model_classes"]
    shares = [model.number("rlnClassDistribution", row) for row in (0, 1)]
    mask = confidence_mask(mean_map(earlier, shares), voxel_size=4.0, diameter=140.0)
    for number in (1, 2):
        raw = values(folder / f"run_it003_class00{number}_occupy_raw.mrc")
        given = values(folder / f"run_it003_class00{number}_external_reconstruct.mrc")
        np.testing.assert_array_equal(given, raw * mask)
    # RELION's own map of the iteration is this map, with its solvent flattened.
    inside = np.hypot(*np.mgrid[-20:20, -20:20]) < 15
    own = mrcfile.read(folder / "run_it003_class002.mrc")
    np.testing.assert_allclose(own[20][inside], given[20][inside], atol=1e-3 * given.max())


def test_last_maps_are_as_reconstructed(weighted):
    folder, _ = weighted
    for number in (1, 2):
        given, raw = (
            (folder / f"run_it005_class00{number}_{name}.mrc").read_bytes()
            for name in ("external_reconstruct", "occupy_raw")
        )
        assert given == raw


def test_nothing_else_is_left(weighted):
    left = {path.name.split("class00")[1][2:] for path in weighted[0].glob("*class00*")}
    assert left == {"mrc", "external_reconstruct.mrc", "external_reconstruct.star", "occupy_raw.mrc"}


# By default, RELION 3.1 does the gridding, and RELION 4 and 5 do not.
@pytest.mark.parametrize("option", ["", "--skip_gridding", "--dont_skip_gridding", "--minres_map 8"])
def test_plain_maps_are_those_of_relion_refine(option, particles):
    """And at least 98 % of the particles are in the same class."""
    words = f"{CLASSIFICATION} --K 2 --iter 5 {option}"
    folders = [f"{name}{option.replace(' ', '')}" for name in ("without", "passed")]
    assert refine(particles, folders[0], words, hooked=False).returncode == 0
    done = refine(particles, folders[1], words, hook=f"{HOOK} --start 99")
    assert done.returncode == 0, done.stdout
    assert {method for _, _, method in rows(particles, folders[1])[0]} == {"none"}
    assert weighted_iterations(str(particles / folders[1] / "run_it005_model.star")) == {}
    for name in ("run_it001_class001", "run_it005_class001", "run_it005_class002"):
        own, ours = (mrcfile.read(particles / folder / f"{name}.mrc") for folder in folders)
        assert np.corrcoef(own.ravel(), ours.ravel())[0, 1] > 0.9999
        np.testing.assert_allclose(ours, own, atol=0.05 * own.std())
    pairs = list(zip(*(classes(particles, folder, 5) for folder in folders)))
    assert len({one for one, _ in pairs}) == 2
    assert np.mean([one == other for one, other in pairs]) >= 0.98


def test_consensus_on_several_ranks_and_after_a_continuation(particles):
    """Each class has a rank of its own, and takes the raw maps of the iteration before of the others."""
    hook = f"{HOOK} --method consensus --start 2"
    done = refine(particles, "consensus", f"{CLASSIFICATION} --K 3 --iter 3", hook=hook, ranks=4)
    assert done.returncode == 0, done.stdout
    methods = {1: "none", 2: "consensus", 3: "none"}
    expected = [(iteration, number, method) for iteration, method in methods.items() for number in (1, 2, 3)]
    assert sorted(rows(particles, "consensus")[0]) == expected
    words = "--skip_align --tau2_fudge 4 --flatten_solvent --zero_mask --particle_diameter 140 --j 1 --iter 5"
    start = "relion_refine --continue consensus/run_it003_optimiser.star --o consensus/run_ct3"
    words += " --dont_combine_weights_via_disc --external_reconstruct"  # which RELION 5 forgets
    done = loop_runs.run(particles, f"{start} {words}".split(), hook=hook)
    assert done.returncode == 0, done.stdout
    found, notes = rows(particles, "consensus")
    methods = {4: "consensus", 5: "none"}
    assert found[9:] == [(iteration, number, method) for iteration, method in methods.items() for number in (1, 2, 3)]
    record = str(particles / "consensus/occupy_loop.star")
    assert weighted_iterations(str(particles / "consensus/run_ct3_it005_model.star")) == {record: [2, 4]}
    words = "--figures no --o Continued/ --in_parts consensus/run_ct3_it005_data.star"
    done = loop_runs.run(particles, [sys.executable, "-m", "relion_external", *words.split()])
    warnings = {line for line in done.stdout.splitlines() if line.startswith("WARNING: the class maps")}
    assert len(warnings) == 1 and "2 iterations (from 2 to 4)" in warnings.pop()


def test_run_that_continues_a_weighted_one_elsewhere_is_marked(weighted, particles):
    """Without the program, in a folder of its own."""
    (particles / "elsewhere").mkdir()
    words = "--skip_align --tau2_fudge 4 --flatten_solvent --zero_mask --particle_diameter 140 --j 1 --iter 6"
    start = "relion_refine --continue weighted/run_it005_optimiser.star --o elsewhere/run"
    done = loop_runs.run(particles, f"{start} {words} --dont_combine_weights_via_disc".split())
    assert done.returncode == 0, done.stdout
    found = weighted_iterations(str(particles / "elsewhere/run_it006_model.star"))
    assert found == {str(particles / "weighted/occupy_loop.star"): [2, 3, 4]}


def test_one_class_has_no_consensus(particles):
    done = refine(particles, "one", f"{CLASSIFICATION} --K 1 --iter 3", hook=f"{HOOK} --method consensus --start 1")
    assert done.returncode == 0, done.stdout
    found, notes = rows(particles, "one")
    assert [method for _, _, method in found] == ["none"] * 3
    assert notes[1] == "a consensus needs two classes, found one" and "OccuPy: WARNING" not in done.stdout
    done = refine(particles, "one", f"{CLASSIFICATION} --K 1 --iter 2 --random_seed 2", hook=f"{HOOK} --until 2")
    assert done.returncode == 0, done.stdout
    assert [method for _, _, method in rows(particles, "one")[0]][3:] == ["none", "confidence"]


def test_dead_class_is_left_out_of_the_consensus(particles):
    """In its first iteration RELION compares by cross-correlation, and one class gets all particles."""
    hook = f"{HOOK} --method consensus --start 2"
    done = refine(particles, "dead", f"{CLASSIFICATION} --K 2 --iter 4 --firstiter_cc", hook=hook)
    assert done.returncode == 0, done.stdout
    found, _ = rows(particles, "dead")
    assert (1, 1, "none") in found and (1, 2, "none") not in found
    assert (
        "WARNING: iteration 2, class 1: plain map (class 2 has a share of the particles, but no raw map" in done.stdout
    )
    assert (3, 1, "consensus") in found


def test_gradient_run_is_told_and_not_weighted(particles):
    sgd, grad = "--sgd --sgd_ini_iter 1 --sgd_inbetween_iter 1 --sgd_fin_iter 1", "--grad --iter 3"
    done = refine(particles, "gradient", f"--K 2 --skip_align {sgd if loop_runs.relion_version() < 4 else grad}")
    assert done.returncode == 0, done.stdout
    assert {method for _, _, method in rows(particles, "gradient")[0]} == {"none"}
    assert "WARNING: iteration 1, class 1: plain map (the run follows the gradient" in done.stdout
    assert "run it without --external_reconstruct" in done.stdout


def test_halves_of_a_refinement_stay_as_they_are(particles):
    """A Refine3D ends when it has converged: this one is stopped after its first iteration."""
    (particles / "halves").mkdir()
    words = "--auto_refine --split_random_halves --healpix_order 0 --oversampling 0 --offset_range 3 --offset_step 3"
    words = loop_runs.command("halves", f"{words} --auto_local_healpix_order 1", ranks=3)
    with subprocess.Popen(
        words, cwd=particles, env=loop_runs.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        record, end = particles / "halves" / "occupy_loop.star", time.monotonic() + 120
        while process.poll() is None and time.monotonic() < end:
            if record.exists() and record.read_text().count("run_it001_half") >= 2:
                break
            time.sleep(0.2)
        process.terminate()
    found, notes = rows(particles, "halves")
    assert found[:2] == [(1, 1, "none")] * 2 and "half maps must stay independent" in notes[0]
    assert all((particles / f"halves/run_it001_half{half}_class001_occupy_raw.mrc").exists() for half in (1, 2))


def test_regions_of_a_weighted_run_are_marked(weighted, particles):
    """And the job says how to judge them."""
    command = [sys.executable, "-m", "relion_external", "--figures", "no", "--o"]
    words = ["Marked/", "--in_parts", "weighted/run_it005_data.star"]
    done = loop_runs.run(particles, [*command, *words])
    assert done.returncode == 0, done.stdout
    warning = "the class maps of 3 iterations (from 2 to 4) were weighted in the loop (weighted/occupy_loop.star)"
    assert f"WARNING: {warning}" in done.stdout and "judge them by independent runs" in done.stdout
    report = json.loads((particles / "Marked/report.json").read_text())
    assert [region["sure"] for region in report["comparison"]["regions"]][:1] == [True]
    assert "no evidence before an independent run shows them too" in report["result"]
    assert report["next_steps"][1].startswith("to judge the regions: split the particles into two random halves")
    table = read_star(str(particles / "Marked/occupancy_regions.star"))["occupancy_regions"]
    assert all("found in maps that were weighted in the loop" in note for note in table.columns["occupyNote"])
    words = ["Volumes/", "--maps", "weighted/run_it005_class001.mrc", "weighted/run_it005_class002.mrc"]
    assert f"WARNING: {warning}" in loop_runs.run(particles, [*command, *words]).stdout
    # One class, or an iteration before the first weighted one, needs no warning.
    for words in ("--in_3dref weighted/run_it005_class001.mrc", "--in_parts weighted/run_it000_data.star"):
        assert "in the loop" not in loop_runs.run(particles, [*command, "Other/", *words.split()]).stdout


def test_command_is_installed():
    program = shutil.which("relion_external_occupy_reconstruct", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("the package is not installed with its commands")
    done = subprocess.run([program, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "--method {confidence,consensus}" in done.stdout
