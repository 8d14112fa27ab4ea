# SPDX-License-Identifier: GPL-3.0-or-later
import platform
import subprocess
import sys

import pytest

# How many pages the system has to clear for a hundred arrays of a megabyte, one after the other.
COUNT = """
import resource, sys
import numpy as np
from occupy_core.job.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
np.zeros(1 << 20, dtype=np.uint8) + 1
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    np.full(1 << 20, 1, dtype=np.uint8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what keeps freed memory is glibc's")
def test_freed_memory_is_reused():
    def pages(word):
        # A threshold that is set stays; glibc raises an unset threshold when large arrays are freed.
        environment = {"MALLOC_MMAP_THRESHOLD_": str(128 << 10)}
        command = [sys.executable, "-c", COUNT, word]
        return int(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)

    assert pages("keep") < 2000 < pages("give back")
