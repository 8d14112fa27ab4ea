# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that draws: it hinders neither the job nor what comes after it."""

import os
import signal
import sys
import threading
import time
from contextlib import suppress

import pytest

from occupy_core.job.drawing import Drawing, drawing_beside
from occupy_core.reporting.pdf import drawing_process
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.settings import Settings


def is_running(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def drawn(monkeypatch):
    """A function that replaces what the other process does, for processes that start after it."""

    def replace(work):
        monkeypatch.setattr(drawing_process, "draw_pages", work)

    return replace


def test_the_answer_of_the_process_is_returned(tmp_path, drawn):
    drawn(lambda path, receive: f"{receive()} {receive()} {path.name}")
    started = Drawing(tmp_path / "pages.pdf")
    started.add(lambda: "two")
    started.add(lambda: "words")
    assert started.finish() == "two words pages.pdf"
    started.stop()
    assert not is_running(started._process.pid)


def test_messages_do_not_wait_for_the_drawing(tmp_path, drawn):
    def slow(_path, receive):
        time.sleep(1)
        return str(len(receive()))

    drawn(slow)
    started = Drawing(tmp_path / "pages.pdf")
    begin = time.monotonic()
    started.add(lambda: "x" * 5_000_000)  # more than a pipe holds
    assert time.monotonic() - begin < 0.5
    assert started.finish() == "5000000"
    started.stop()


def test_a_process_that_is_killed_is_told(tmp_path, drawn):
    drawn(lambda path, receive: os.kill(os.getpid(), signal.SIGKILL))
    started = Drawing(tmp_path / "pages.pdf")
    started.add(lambda: "x" * 5_000_000)
    assert "was ended (exit code -9)" in started.finish()
    started.stop()


def test_an_error_while_a_message_is_made_is_told(tmp_path, drawn):
    drawn(lambda path, receive: receive())
    started = Drawing(tmp_path / "pages.pdf")
    started.add(lambda: 1 / 0)
    assert started.finish() == "ZeroDivisionError: division by zero"
    started.stop()


def test_a_failed_job_ends_the_process(tmp_path, drawn):
    drawn(lambda path, receive: time.sleep(60))
    job = Job((MapInput("map.mrc"),), str(tmp_path), Settings())
    with pytest.raises(RuntimeError, match="failed"), drawing_beside(job, tmp_path) as started:
        number = started._process.pid
        assert is_running(number)
        raise RuntimeError("failed")
    assert not is_running(number)


def test_without_figures_no_process_is_started(tmp_path):
    job = Job((MapInput("map.mrc"),), str(tmp_path), Settings(figures=False))
    with drawing_beside(job, tmp_path) as started:
        assert started is None


def test_the_process_ends_when_the_job_is_killed(tmp_path, drawn):
    """It waits for a message that never comes, and holds no other end of the pipe itself."""
    reading, writing = os.pipe()
    job = os.fork()
    if not job:
        started = Drawing(tmp_path / "pages.pdf")
        os.write(writing, str(started._process.pid).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(job, 0)
    number = int(os.read(reading, 20))
    for _ in range(100):
        if not is_running(number):
            break
        time.sleep(0.1)
    assert not is_running(number)


def test_the_process_holds_no_file_of_the_job(tmp_path, drawn):
    """Such as the lock of the output folder, which would outlive the job."""

    def open_files(_path, _receive):
        targets = []
        for number in os.listdir("/proc/self/fd"):
            with suppress(OSError):  # the folder that was listed
                targets.append(os.readlink(f"/proc/self/fd/{number}"))
        return "\n".join(sorted(set(targets)))

    drawn(open_files)
    with open(tmp_path / "lock", "w"):
        started = Drawing(tmp_path / "pages.pdf")
        null, connection = started.finish().splitlines()
    assert null == os.devnull and connection.startswith("socket:")
    started.stop()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_signals_that_end_a_job_end_the_process(tmp_path, drawn, name):
    drawn(lambda path, receive: time.sleep(60))
    before = signal.signal(getattr(signal, name), lambda *_: None)
    try:
        started = Drawing(tmp_path / "pages.pdf")
        time.sleep(0.5)
        os.kill(started._process.pid, getattr(signal, name))
        started._process.join(10)
        assert started._process.exitcode == -getattr(signal, name)
        started.stop()
    finally:
        signal.signal(getattr(signal, name), before)


def test_no_further_process_is_told(tmp_path, monkeypatch):
    def refused():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refused)
    started = Drawing(tmp_path / "pages.pdf")
    started.add(lambda: "message")
    assert "Resource temporarily unavailable" in started.finish()
    started.stop()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="older versions do not warn")
def test_threads_of_the_job_give_no_warning(tmp_path, drawn, recwarn):
    drawn(lambda path, receive: "drawn")
    ended = threading.Event()
    other = threading.Thread(target=ended.wait)
    other.start()
    started = Drawing(tmp_path / "pages.pdf")
    assert started.finish() == "drawn"
    started.stop()
    ended.set()
    other.join()
    assert not list(recwarn)
