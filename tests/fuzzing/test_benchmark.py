# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark of faults counts what holds, and notices what does not."""

import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from benchmarks.faults import cases, disturbed, document, forked
from benchmarks.faults.disturbed import Check
from benchmarks.faults.ending import Done
from benchmarks.faults.tally import Tally
from benchmarks.page_sections import with_section
from occupy_core.errors import OccupyError
from tests.fuzzing import headers, trial
from tests.fuzzing.case import Case
from tests.fuzzing.trial import FAILED, LINE, RESULT, Trial, attempt


def fail():
    raise ValueError("broken")


def refuse(text):
    raise OccupyError(text)


def test_an_attempt_tells_good_ends_from_others(monkeypatch):
    assert attempt("a", lambda: None).ended == RESULT
    assert attempt("a", lambda: refuse("map.mrc: bad")).ended == LINE
    assert attempt("a", lambda: refuse("two\nlines")).ended == FAILED
    assert attempt("a", fail).text == "ValueError: broken"
    assert attempt("a", lambda: warnings.warn("odd", RuntimeWarning, stacklevel=1)).ended == FAILED
    monkeypatch.setattr(trial, "MAX_SECONDS", 0.05)
    assert "took longer" in attempt("a", lambda: time.sleep(1)).text


def test_a_tally_counts_cases_time_and_memory():
    tally = Tally("maps")
    tally.add(Trial("a", RESULT, "", 1), 100)
    tally.add(Trial("b", LINE, "x", 30), 50)
    tally.add(Trial("c", FAILED, "y", 1), 2000)
    assert (tally.count, tally.results, tally.lines, tally.seconds, tally.megabytes) == (3, 1, 1, 30, 2000)
    assert tally.failures == ["b: took 30.0 s", "c: y", "c: the memory reached 2000 MB"]


def test_forked_jobs_and_commands_hold():
    tallies = cases.run(20, 4, seed=1)
    assert [tally.count for tally in tallies] == [8, 8, 3, 1, 6]
    assert [tally.failures for tally in tallies] == [[]] * 5
    assert all(0 < tally.megabytes < 1000 for tally in tallies)


def test_a_job_without_a_marker_file_does_not_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tally = Tally("jobs")
    cases.run_case(Case("a", []), lambda words: Done(0, "", 0.1, 50), tally)
    (failure,) = tally.failures
    assert "marker files []" in failure


def test_a_job_that_changes_a_file_outside_of_its_folder_does_not_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("map.mrc").write_bytes(headers.map_bytes(np.ones((8, 8, 8))))
    tally = Tally("jobs")

    def job(words):
        Path("map.mrc").write_bytes(b"")
        Path("job").mkdir()
        Path("job/RELION_JOB_EXIT_FAILURE").touch()
        return Done(1, "relion_external_occupy: ERROR: map.mrc: bad\n", 0.1, 50)

    cases.run_case(Case("a", []), job, tally)
    assert tally.failures == ["a: []: files outside of the output folder have changed"]


@pytest.mark.parametrize(("words", "expected"), [("map 1: bad", []), ("map 1: worse", ["map 1: bad", "map 1: worse"])])
def test_a_fork_and_a_command_that_end_in_other_words_do_not_hold(words, expected, monkeypatch):
    def job_that_ends_in(line):
        def run_job(_words):
            Path("job").mkdir()
            Path("job/RELION_JOB_EXIT_FAILURE").touch()
            return Done(1, f"relion_external_occupy: ERROR: {line}, expected another\n", 0.1, 50)

        return run_job

    monkeypatch.setattr(forked, "load_program", lambda: None)
    monkeypatch.setattr(forked, "run_forked", job_that_ends_in("map 1: bad"))
    monkeypatch.setattr(cases, "run_command", job_that_ends_in(words))
    tallies = cases._run_part("damaged maps", range(2), 2, seed=1)
    assert [(tally.count, tally.lines) for tally in tallies] == [(2, 2), (1, 1)]
    failures = [failure for tally in tallies for failure in tally.failures]
    assert len(failures) == bool(expected) and all(line in failures[0] for line in expected)


def test_the_page_has_the_tables_and_says_what_did_not_hold(monkeypatch):
    tallies = [Tally("damaged maps", 10, 4, 5, 1.5, 80.0, ["map1.mrc: ValueError"])]
    checks = [Check("kills", 100, "equal", "", 300), Check("maps in one job", 0, "", "memory grew", 5)]
    text = document.text(tallies, checks, seed=7)
    assert "**2 did not hold.** Seed 7" in text
    assert "| damaged maps | 10 | 4 | 5 | 1 | 1.5 | 80 |" in text
    assert "| kills | 100 | equal | 300 |" in text and "| maps in one job | - | **did not hold** | 5 |" in text
    page = document.PAGE.read_text(encoding="utf-8")
    assert "\n| kills | 100 |" in with_section(page, document.SECTION, text)


def test_a_check_that_fails_names_the_reason(monkeypatch):
    monkeypatch.setattr(disturbed.steps, "run", fail)
    check = disturbed.kill_at_steps()
    assert check.failure.startswith("ValueError: broken") and check.count == 0
