# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays in a temporary file."""

import gc
import os
import resource
import threading

import numpy as np
import pytest

from occupy_core.arrays.disk_array import DiskArray
from occupy_core.errors import JobError


def open_files():
    return len(os.listdir("/proc/self/fd"))


def test_array_is_read_back_unchanged_and_a_failed_write_names_the_folder(tmp_path, monkeypatch):
    values = np.arange(24, dtype="f4").reshape(2, 3, 4).transpose(2, 1, 0)
    stored = DiskArray(values)
    for _ in range(2):
        np.testing.assert_array_equal(stored.load(), values)
    assert stored.load().dtype == np.float32
    del stored
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(JobError, match="gone: no temporary file .* TMPDIR"):
        DiskArray(values)


@pytest.mark.parametrize("values", [np.zeros((0, 3)), np.array(2.5), np.ones((3, 5), bool), np.arange(6)[::2]])
def test_any_shape_and_type_is_kept(values):
    loaded = DiskArray(values).load()
    np.testing.assert_array_equal(loaded, values)
    assert (loaded.shape, loaded.dtype) == (values.shape, values.dtype)


def test_many_arrays_need_one_open_file_and_none_is_left_open():
    gc.collect()
    before = open_files()
    arrays = [DiskArray(np.full((4, 4), number)) for number in range(300)]
    assert open_files() == before + 1
    assert all((item.load() == number).all() for number, item in enumerate(arrays))
    del arrays
    gc.collect()
    assert open_files() == before


def test_space_of_a_removed_array_is_used_again():
    kept = DiskArray(np.zeros(100, "f4"))
    for number in range(50):
        assert DiskArray(np.full(1000, number, "f4")).load()[0] == number
    assert kept._file._end == 400 + 4000
    assert not kept.load().any()


def test_threads_do_not_mix_arrays():
    wrong = []

    def work(number):
        for step in range(30):
            values = np.full(5000 + number, 100 * number + step)
            if not (DiskArray(values).load() == values).all():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_forked_process_does_not_write_into_the_file_of_its_parent():
    kept = DiskArray(np.zeros(1000))
    child = os.fork()
    if child == 0:
        os._exit(0 if DiskArray(np.ones(1000))._file is not kept._file else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert not kept.load().any() and kept._file is DiskArray(np.ones(1000))._file


def test_too_many_open_files_are_told_from_a_full_folder():
    gc.collect()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
    try:
        with pytest.raises(JobError, match=r"Too many open files\), .*ulimit -n"):
            DiskArray(np.zeros(3))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_the_message_names_the_folder_when_no_folder_can_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("tempfile._candidate_tempdir_list", lambda: [str(tmp_path / "gone")])
    monkeypatch.setenv("TMPDIR", str(tmp_path / "gone"))
    with pytest.raises(JobError, match="gone: no temporary file .* TMPDIR"):
        DiskArray(np.zeros(3))
