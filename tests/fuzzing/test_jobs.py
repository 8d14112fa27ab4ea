# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs on damaged files, with settings over their whole ranges and beyond, and on class maps of all kinds.

A good end is one line for the user, or outputs with the promised properties.

FUZZ_CASES in the environment sets the number of command lines, and with it that of the other cases.
"""

import os
import tempfile
from collections import Counter

import pytest

from benchmarks.kills.steps import in_memory
from tests.fuzzing import class_maps, command_lines, headers, in_process, star_files
from tests.fuzzing.trial import FAILED, LINE, RESULT

CASES = int(os.environ.get("FUZZ_CASES", "200"))
KINDS = [(headers, CASES), (star_files, CASES // 2), (command_lines, CASES), (class_maps, CASES // 10)]


@pytest.mark.parametrize(("kind", "count"), KINDS)
def test_jobs_end_in_outputs_as_promised_or_in_one_line(kind, count, monkeypatch):
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder, monkeypatch.context() as patch:
        patch.chdir(folder)
        done = list(in_process.trials(kind.cases(0, range(count))))
    assert [trial for trial in done if trial.ended == FAILED] == []
    ended = Counter(trial.ended for trial in done)
    assert ended[RESULT] > count / 10 and ended[LINE]
