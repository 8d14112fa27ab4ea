# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs with settings over their whole ranges and beyond end in outputs as promised, or in one line.

FUZZ_CASES in the environment sets the number of command lines.
"""

import os
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.kills.steps import in_memory
from tests.fuzzing.command_lines import trials
from tests.fuzzing.trial import FAILED, LINE, RESULT

CASES = int(os.environ.get("FUZZ_CASES", "400"))


def test_command_lines_end_in_outputs_as_promised_or_in_one_line(monkeypatch):
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder, monkeypatch.context() as patch:
        patch.chdir(folder)
        done = list(trials(Path(folder), seed=0, count=CASES))
    assert [trial for trial in done if trial.ended == FAILED] == []
    ended = Counter(trial.ended for trial in done)
    assert min(ended[RESULT], ended[LINE]) > CASES / 10
