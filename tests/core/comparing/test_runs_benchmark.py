# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark of classifications by RELION, on made-up data: truth, matching, the peer, tables, bounds, the page."""

import itertools
from dataclasses import replace

import numpy as np
import pandas
import pytest
import starfile
from scipy.ndimage import gaussian_filter

from benchmarks.occupancy import suite
from benchmarks.occupancy.suite import Complex
from benchmarks.page_sections import with_section
from benchmarks.runs import __main__ as command
from benchmarks.runs import document, figure, measure, peer, scenarios, tables
from benchmarks.runs.classify import Run
from benchmarks.runs.known_parts import known_part_occupancies
from benchmarks.runs.measure import Outcome, PartOutcome, Reading
from benchmarks.runs.particles import Part, ParticleSet, simulate_volume
from benchmarks.runs.truth import Truth, read_truth
from occupy_core.comparing.compare_maps import ClassComparison
from occupy_core.comparing.comparison import Comparison, Region
from occupy_core.comparing.occupancies import Interval
from occupy_core.settings.job_spec import ClassInfo, MapInput

PARTICLES = ParticleSet(Complex("made up, 3 chains", None), (Part(("A",), 0.5),), 1000, 2.0, (0.0, 0.0), 1)
RUN = Run("made_up", PARTICLES, 2, masked=True)


def cube(corner, side=6):
    """Return a box of 24 voxels a side with a cube whose lowest corner is given along x."""
    mask = np.zeros((24, 24, 24), dtype=bool)
    mask[8 : 8 + side, 8 : 8 + side, corner : corner + side] = True
    return mask


def truth(fractions=(0.9, 0.1), particles=100):
    """Return the truth of classes that have the only part in these fractions."""
    has = np.concatenate([np.arange(particles) < fraction * particles for fraction in fractions])[:, None]
    class_of = np.repeat(np.arange(len(fractions)) + 1, particles)
    return Truth(cube(2)[None], cube(2) | cube(8), (30.0,), has, class_of)


def region(mask, values=(0.85, 0.2), doubt=""):
    occupancies = tuple(Interval(value - 0.1, value, value + 0.1) for value in values)
    spread = max(values) - min(values)
    difference = Interval(spread - 0.1, spread, spread + 0.1)
    return Region(mask, float(mask.sum()), (0.0, 0.0, 0.0), occupancies, difference, 10.0, doubt)


def comparison(*regions, lowpass=10.0):
    result = Comparison(tuple(regions), np.zeros((24, 24, 24), np.float32), (1.0, 1.0), (), 0, ())
    return ClassComparison(result, (0, 1), (), None, 1.0, lowpass, ())


MAPS = [MapInput(f"class{number}.mrc", class_info=ClassInfo(number, 0.5, 100)) for number in (1, 2)]


def match(*regions, pieces_at=()):
    return measure.match(RUN, (100, 100), MAPS, comparison(*regions), truth(), pieces_at, np.array([[0.9, 0.2]]))


def reading(fractions, values):
    intervals = tuple(Interval(value - 0.05, value, value + 0.05) for value in values)
    spread = max(values) - min(values)
    return Reading(intervals, fractions, Interval(spread - 0.05, spread, spread + 0.05), None, 0.5, fractions)


def outcome(*parts, false_sure=0, by_peer=0):
    return Outcome(RUN, (500, 500), 12.0, parts, false_sure, 0, by_peer)


GOOD = PartOutcome(30.0, 0.8, reading((0.9, 0.1), (0.88, 0.12)), None, True)
SMALL = PartOutcome(30.0, 0.35, reading((0.6, 0.25), (0.58, 0.27)), None, False)
MISSED = PartOutcome(30.0, 0.8, None, None, True)


def test_truth_follows_the_names_of_the_particles_not_their_order(tmp_path):
    names = [f"{number:06d}@particles.mrcs" for number in (3, 1, 2)]
    table = pandas.DataFrame({"rlnImageName": names, "rlnClassNumber": [2, 1, 1]})
    starfile.write({"particles": table}, tmp_path / "data.star")
    has = np.array([[True], [False], [True]])
    molecule = np.ones((2, 2, 2), dtype=bool)
    np.savez(tmp_path / "truth.npz", has=has, molecule=molecule, parts=molecule[None], masses=[25.0])
    read = read_truth(tmp_path, tmp_path / "data.star")
    assert read.class_of.tolist() == [1, 1, 2]
    assert [read.fraction(0, number) for number in (1, 2)] == [0.5, 1.0]
    assert read.masses == (25.0,)


def test_truth_of_identical_particles_has_no_part(tmp_path):
    table = pandas.DataFrame({"rlnImageName": ["1@a.mrcs", "2@a.mrcs"], "rlnClassNumber": [1, 2]})
    starfile.write({"particles": table}, tmp_path / "data.star")
    molecule = np.ones((2, 2, 2), dtype=bool)
    np.savez(tmp_path / "truth.npz", has=np.zeros((2, 0), bool), molecule=molecule, parts=np.array([]), masses=[])
    assert read_truth(tmp_path, tmp_path / "data.star").parts.shape == (0, 2, 2, 2)


def test_spread_leaves_out_classes_of_few_particles():
    assert truth((0.9, 0.1)).spread(0) == pytest.approx(0.8)
    assert truth((0.9, 0.1), particles=40).spread(0) == 0
    few = truth((0.9, 0.4))
    class_of = np.concatenate([few.class_of, np.full(20, 3)])
    with_third = replace(few, has=np.concatenate([few.has, np.zeros((20, 1), bool)]), class_of=class_of)
    assert with_third.spread(0) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("corner", "lowpass", "expected"),
    [(2, 10.0, 0), (5, 10.0, 0), (14, 10.0, None), (8, 10.0, None), (8, 40.0, 0), (8, float("nan"), None)],
)
def test_a_region_is_on_a_part_if_more_than_half_of_it_lies_near_the_part(corner, lowpass, expected):
    assert measure.part_of(cube(corner), cube(2)[None], 5.0, lowpass) == expected
    assert measure.part_of(cube(corner), np.zeros((0, 24, 24, 24), bool), 5.0, lowpass) is None


def test_regions_are_matched_with_parts():
    on_part, beside = region(cube(2)), region(cube(14))
    found = match(on_part, beside, pieces_at=(0, None, None))
    assert (found.false_sure, found.false_unsure, found.false_by_peer) == (1, 0, 2)
    part = found.parts[0]
    assert part.is_judged and part.found_by_peer and part.unsure is None
    assert part.sure.fractions == pytest.approx((0.9, 0.1))
    assert part.sure.fraction_of_all == pytest.approx(0.5)
    assert part.sure.with_known_parts == (0.9, 0.2)
    assert part.sure.spread == part.spread == pytest.approx(0.8)


def test_an_unsure_region_does_not_count_as_found():
    found = match(region(cube(2), doubt="few particles"), region(cube(14), doubt="few particles"))
    assert (found.false_sure, found.false_unsure) == (0, 1)
    assert found.parts[0].sure is None and found.parts[0].unsure is not None
    assert match().parts[0] == PartOutcome(30.0, found.parts[0].spread, None, None, False)


def test_the_largest_region_on_a_part_gives_its_occupancies():
    found = match(region(cube(2, side=3), (0.5, 0.4)), region(cube(2), (0.8, 0.2)))
    assert [interval.value for interval in found.parts[0].sure.occupancies] == [0.8, 0.2]


def test_difference_maps_find_a_part_and_nothing_in_equal_maps():
    rng = np.random.default_rng(0)
    molecule = cube(2) | cube(8)
    volumes = [molecule + 0.02 * rng.normal(size=molecule.shape) for _ in range(2)]
    assert peer.pieces(volumes, molecule, 5.0) == []
    volumes[1][cube(2)] -= 1
    pieces = peer.pieces(volumes, molecule, 5.0)
    assert [measure.part_of(piece, cube(2)[None], 5.0, 10.0) for piece in pieces].count(0) == 1
    assert peer.pieces([np.zeros(molecule.shape)] * 0, molecule, 5.0) == []


def test_errors_and_intervals_are_counted():
    chosen = tables.readings([outcome(GOOD, SMALL, MISSED)], 0.0)
    assert len(chosen) == 2
    assert tables.mean_error(chosen) == pytest.approx(0.02)
    assert tables.intervals_of_classes(chosen) == (4, 4)
    assert tables.intervals_of_differences(chosen) == (2, 2)
    assert tables.intervals_of_all(chosen).text == "-"
    off = replace(GOOD, sure=reading((0.9, 0.1), (0.7, 0.1)))
    assert tables.intervals_of_classes(tables.readings([outcome(off)], 0.5)).text == "1 of 2 (50%)"
    known = replace(GOOD, sure=replace(GOOD.sure, with_known_parts=(0.8, 0.4)))
    assert tables.mean_error_with_known_parts(tables.readings([outcome(known)], 0.5)) == pytest.approx(0.2)
    assert np.isnan(tables.mean_error([])) and np.isnan(tables.mean_error_with_known_parts([]))


def test_bounds_are_reported_when_missed():
    assert tables.bounds_missed([], []) == []
    off = replace(GOOD, sure=reading((0.9, 0.1), (0.7, 0.1)))
    lines = tables.bounds_missed([outcome(false_sure=1)], [outcome(off, MISSED)])
    assert [word in line for word, line in zip(("identical", "1 of 2", "0.100", "50%"), lines)] == [True] * 4
    small = replace(SMALL, sure=reading((0.6, 0.25), (0.7, 0.15)))
    line = tables.bounds_missed([], [outcome(small)])[0]
    assert "0.100" in line and "known: 0.000" in line
    not_separated = replace(MISSED, spread=0.29)
    assert tables.judged([outcome(GOOD, not_separated, replace(MISSED, mass=19.0))]) == [GOOD]


def test_tables_and_the_section_state_the_results(tmp_path):
    identical = [outcome(by_peer=3), replace(outcome(), lowpass=float("nan"))]
    differing = [outcome(GOOD, MISSED), outcome(SMALL, by_peer=1)]
    assert "| **all** | 2 | 1 | 0 | 0 | 3 |" in tables.false_regions(identical)
    assert "| **all** | 3 | 2 | 0 | 1 | 2 |" in tables.found(differing)
    assert "| false regions in 2 runs of identical particles | 0 | 3 | 3 to none |" in tables.against_peer(
        identical, differing
    )
    text = document.text(identical, differing, 100)
    assert "2 of 3 have a sure region, 0 an unsure one, 1 none" in text
    assert "No false sure region in 1 runs with two classes or more means that at most 95% of such runs" in text
    assert "1 of 1 runs with two classes or more have a false sure region" in document.text(
        [outcome(false_sure=1)], differing, 100
    )
    assert "{" not in text
    figure.draw(differing, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_a_command_writes_its_section_alone():
    page = "# Title\n\n<!-- begin one -->\nold\n<!-- end one -->\n\n<!-- begin two -->\nkept\n<!-- end two -->\n"
    written = with_section(page, "one", "new \\1")
    assert written == page.replace("\nold\n", "\n\nnew \\1\n\n")
    assert with_section(written, "one", "new \\1") == written
    with pytest.raises(ValueError, match="no section three"):
        with_section(page, "three", "")
    both = document.PAGE.read_text(encoding="utf-8")
    for name in ("runs", "classes"):
        assert with_section(both, name, "") != both


def test_runs_are_balanced(monkeypatch):
    monkeypatch.setattr(scenarios, "_draw_parts", lambda model, number, rng: (Part(("A",), 0.5),) * number)
    models = [Complex(name, None) for name in "ABCDEFG"]
    runs = scenarios.differing(models, 5, 24)
    assert sum(run.masked for run in runs) == sum(any(run.particles.pose_error) for run in runs) == 12
    assert sum(run.aligned for run in runs) == 6
    for values in ([run.classes for run in runs], [run.particles.noise for run in runs]):
        assert len({values.count(value) for value in values}) == 1
    assert sum(len(run.particles.parts) for run in runs) == 36
    assert len({run.description for run in runs}) == 24
    assert scenarios.differing(models, 5, 24) == runs


def test_the_command_says_what_to_install_without_relion(monkeypatch):
    monkeypatch.setattr(command.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="apt-get install relion"):
        command.main([])


@pytest.mark.parametrize("other", [["--identical", "1"], ["--differing", "1"], ["--seed", "3"]])
def test_the_page_is_written_for_the_default_runs_only(other, capsys, monkeypatch):
    monkeypatch.setattr(command.shutil, "which", lambda name: None)  # nothing is run, whatever happens
    with pytest.raises(SystemExit):
        command.main(["--write", *other])
    assert "--write needs the default" in capsys.readouterr().err


def test_identical_particles_are_classified_until_enough_runs_keep_two_classes(monkeypatch, tmp_path):
    done = []

    def do(run, folder):
        done.append(run)
        kept = len(done) % 3 > 0  # every third classification collapses into one class
        return Outcome(run, (100,), 10.0 if kept else float("nan"), (), 0, 0, 0)

    monkeypatch.setattr(command, "_do", do)
    runs = [replace(RUN, name=str(number), masked=number % 2 == 0) for number in range(24)]
    monkeypatch.setattr(scenarios, "identical", lambda models, seed, number: runs[:number])
    options = command._parse(["--identical", "6"])
    outcomes = command._do_identical([], options, tmp_path)
    kept = [item.run.masked for item in outcomes if tables.is_compared(item)]
    assert sorted(kept) == [False] * 3 + [True] * 3 and len(outcomes) > 6
    monkeypatch.setattr(scenarios, "identical", lambda models, seed, number: runs[:5])
    with pytest.raises(SystemExit, match="keep two classes, and 6 were asked for"):
        command._do_identical([], options, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("blur", [0.0, 2.0])
def test_occupancies_of_known_parts_are_read_from_mixtures(tmp_path, blur):
    parts = (Part(("A", "B"), 0.5), Part(("E",), 0.5))
    drawn = replace(PARTICLES, model=suite.bundles(tmp_path), parts=parts)
    states = {
        state: simulate_volume(drawn, dict(zip(parts, state))) for state in itertools.product((False, True), repeat=2)
    }
    molecule = states[True, True] > 0.2 * states[True, True].max()
    mixed = 0.1 * states[False, False] + 0.3 * states[True, False] + 0.6 * states[False, True]
    volumes = [gaussian_filter(3 * mixed + 0.01, blur), states[True, True]]
    occupancies = known_part_occupancies(drawn, molecule, volumes)
    assert occupancies == pytest.approx(np.array([[0.3, 1.0], [0.6, 1.0]]), abs=0.02)
