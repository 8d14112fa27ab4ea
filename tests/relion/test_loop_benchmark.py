# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark of classifications whose maps are weighted in the loop: its measures, tables and bounds."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from benchmarks.loop import cost
from benchmarks.loop.__main__ import _read, report
from benchmarks.loop.measure import Scores, scores_of
from benchmarks.loop.problems import IDENTICAL, PROBLEMS
from benchmarks.loop.tables import bounds_missed, means_table, same_class, scores_table
from benchmarks.loop.ways import CHAIN, CONFIDENCE, CONSENSUS, EXTERNAL, MASK, PASSED, PLAIN, Outcome, classes_of


def outcome(way, accuracy, seed=1, problem=PROBLEMS[0], **values):
    scores = None if accuracy is None else Scores(accuracy, accuracy - 0.5, accuracy - 0.1)
    return Outcome(problem, False, seed, way, scores, 60.0, **values)


def test_scores_assign_classes_to_states():
    states = np.array([True, True, True, False, False, False, False, False])
    assert scores_of(np.array([2, 2, 2, 1, 1, 1, 1, 1]), states) == Scores(1.0, 1.0, 1.0)
    mixed = scores_of(np.array([2, 2, 1, 1, 1, 1, 1, 2]), states)
    assert (mixed.accuracy, mixed.recall) == (6 / 8, 2 / 3)
    # Hubert & Arabie's index of the table [[4, 1], [1, 2]], by hand: pairs 7, of classes 13, of states 13, of all 28.
    assert mixed.rand_index == pytest.approx((7 - 13 * 13 / 28) / (13 - 13 * 13 / 28))
    one = scores_of(np.ones(8, int), states)
    assert (one.accuracy, one.rand_index, one.recall) == (5 / 8, 0.0, 0.0)


def test_classes_are_in_the_order_of_the_original_images(tmp_path):
    path = tmp_path / "data.star"
    head = "data_particles\nloop_\n_rlnImageName\n_rlnImageOriginalName\n_rlnClassNumber\n"
    path.write_text(f"{head}1@s.mrcs 3@a.mrcs 1\n2@s.mrcs 1@a.mrcs 2\n3@s.mrcs 2@a.mrcs 2\n")
    assert classes_of(path).tolist() == [2, 2, 1]


def test_table_has_all_seeds_and_a_dash_without_a_chain():
    outcomes = [outcome(way, value, seed) for way in (PLAIN, CONSENSUS) for seed, value in ((1, 0.6), (2, 0.9))]
    outcomes += [outcome(CHAIN, None, 1), outcome(CHAIN, 0.8, 2)]
    lines = scores_table(outcomes).splitlines()
    assert lines[0] == "| | 36 kDa of RNA polymerase II, 600 particles, noise 2.2 | time |"
    assert lines[2] == "| plain Class3D | **0.60, 0.90** (0.25, 0.65) | 60 s |"
    assert lines[-1] == "| chain of subtraction | **-, 0.80** (0.30, 0.70) | 60 s |"


def test_means_are_compared_with_relions_mask_by_seeds():
    outcomes = [outcome(MASK, value, seed) for seed, value in enumerate((0.5, 0.7, 0.9))]
    outcomes += [outcome(CONSENSUS, value, seed) for seed, value in enumerate((0.7, 0.8, 0.9))] + [outcome(PLAIN, 0.6)]
    lines = means_table(outcomes).splitlines()
    assert lines[2:] == [
        "| plain Class3D | 0.60 |",
        "| in a mask by relion_mask_create | 0.70 |",
        "| weighted by consensus | 0.80 (+0.10 ± 0.06, 3 seeds) |",
    ]


def test_bounds():
    base = [outcome(MASK, 0.7, 1), outcome(MASK, 0.8, 2)]
    good = [outcome(CONFIDENCE, 0.75), outcome(CONSENSUS, 0.9)]
    assert bounds_missed([*base, *good]) == []
    (missed,) = bounds_missed([*base, outcome(CONSENSUS, 0.82)])  # above the mask's mean, but not by the seeds' spread
    assert "nowhere better" in missed
    (missed,) = bounds_missed([*base, outcome(CONFIDENCE, 0.74), outcome(CONSENSUS, 0.9)])
    assert "confidence 0.740, in RELION's mask 0.750" in missed
    missed = bounds_missed([*base, outcome(CONSENSUS, 0.6)])
    assert len(missed) == 2 and "consensus 0.600" in missed[0] and "nowhere better" in missed[1]
    plain = [outcome(PLAIN, 0.7, classes=(1,) * 50), outcome(PASSED, 0.7, classes=(1,) * 48 + (2,) * 2)]
    assert same_class(plain, PLAIN) == [0.96] and same_class(plain, EXTERNAL) == []
    assert "plain maps: 0.960 in the same class" in bounds_missed([*base, *good, *plain])


def test_report_has_the_identical_particles():
    classes = (1,) * 30 + (2,) * 10
    outcomes = [outcome(way, None, problem=IDENTICAL, classes=classes, regions=3) for way in (PLAIN, CONSENSUS)]
    text = report([outcome(PLAIN, 0.8, classes=classes), *outcomes, outcome(PASSED, 0.8, classes=classes)])
    assert "Without alignment, 1 seed:" in text
    assert "| weighted by consensus | 3 | 25 % |" in text
    assert "gives plain maps: as without external reconstruction: 100.0 %." in text


def test_kept_outcome_is_read_back(tmp_path):
    path = tmp_path / "outcome.json"
    for made in (outcome(PLAIN, 0.8, classes=(1, 2)), outcome(CHAIN, None)):
        path.write_text(json.dumps(asdict(made)))
        assert _read(path, PROBLEMS[0]) == made


def test_cost_is_measured_on_a_weighted_map(tmp_path, monkeypatch):
    monkeypatch.setattr(cost, "BOXES", {32: 0.4})
    cost.write_iteration(tmp_path / "box", 32)
    for method, options in cost._METHODS.items():
        assert 0.05 < cost._seconds(tmp_path / "box", options) < 20
        assert f" {'none' if method == 'plain' else method} " in (tmp_path / "box/occupy_loop.star").read_text()
