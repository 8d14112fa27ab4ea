# SPDX-License-Identifier: GPL-3.0-or-later
"""Classifications whose STAR files were changed at random end in a result that is right, or in one line.

FUZZ_CASES in the environment sets the number of cases of each test.
"""

import os
import random
from collections import Counter
from pathlib import Path

from relion_external.classification import read_classification
from tests.fuzzing.star_files import chosen, trials, write_texts
from tests.fuzzing.star_text import same_meaning
from tests.fuzzing.trial import FAILED, LINE, RESULT

CASES = int(os.environ.get("FUZZ_CASES", "400"))


def test_changes_that_keep_the_meaning_change_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = write_texts()
    expected = {path: read_classification(path) for path in texts}
    for seed in range(CASES):
        rng = random.Random(seed)
        path = rng.choice(list(texts))
        Path(path).write_bytes(same_meaning(texts[path], rng))
        choice = chosen(path, rng)
        assert read_classification(choice) == expected[choice], f"seed {seed}"
        Path(path).write_text(texts[path])


def test_damaged_files_end_in_a_result_or_in_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # so that the working folder of the next test is this one's again
    done = list(trials(0, range(CASES)))
    assert [trial for trial in done if trial.ended == FAILED] == []
    ended = Counter(trial.ended for trial in done)
    assert max(trial.seconds for trial in done) < 5
    assert min(ended[RESULT], ended[LINE]) > CASES / 10
