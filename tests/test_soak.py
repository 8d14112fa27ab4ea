# SPDX-License-Identifier: GPL-3.0-or-later
"""Many maps in one job. `python -m benchmarks.soak` measures 200."""

import pytest

from benchmarks.soak import run

# Far fewer than the 5 open files for each class that a comparison would need without a shared temporary file.
MOST_OPEN_FILES = 24


@pytest.mark.parametrize("options", [("--figures", "no"), ()])
def test_open_files_do_not_grow_with_the_number_of_maps(options):
    few, many = (run(count, box=24, options=options, most_open_files=MOST_OPEN_FILES) for count in (2, 14))
    for done in (few, many):
        assert done.status == 0, done.output
        assert "not compared" not in done.output and "no temporary file" not in done.output
        assert "logfile.pdf" in done.output or options
    assert many.open_files <= few.open_files + 2
