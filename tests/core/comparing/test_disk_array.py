# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays in temporary files."""

import numpy as np
import pytest

from occupy_core.comparing.disk_array import DiskArray
from occupy_core.errors import JobError


def test_array_is_read_back_unchanged_and_a_failed_write_names_the_folder(tmp_path, monkeypatch):
    values = np.arange(24, dtype="f4").reshape(2, 3, 4).transpose(2, 1, 0)
    stored = DiskArray(values)
    for _ in range(2):
        np.testing.assert_array_equal(stored.load(), values)
    assert stored.load().dtype == np.float32
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(JobError, match="gone: no temporary file .* TMPDIR"):
        DiskArray(values)
