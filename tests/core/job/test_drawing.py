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


@pytest.fixture
def start(tmp_path):
    """A function that starts a drawing; all of them are stopped after the test, also after one that fails."""
    drawings = []

    def start_one():
        drawings.append(Drawing(tmp_path / "pages.pdf"))
        return drawings[-1]

    yield start_one
    for item in drawings:
        item.stop()


def test_the_answer_of_the_process_is_returned(start, drawn):
    drawn(lambda path, receive: f"{receive()} {receive()} {path.name}")
    started = start()
    started.add(lambda: "two")
    started.add(lambda: "words")
    assert started.finish() == "two words pages.pdf"
    started.stop()
    assert not is_running(started._process.pid)


def test_messages_do_not_wait_for_the_drawing(start, drawn):
    def slow(_path, receive):
        time.sleep(1)
        return str(len(receive()))

    drawn(slow)
    started = start()
    begin = time.monotonic()
    started.add(lambda: "x" * 5_000_000)  # more than a pipe holds
    assert time.monotonic() - begin < 0.5
    assert started.finish() == "5000000"


def test_a_process_that_is_killed_is_told(start, drawn):
    drawn(lambda path, receive: os.kill(os.getpid(), signal.SIGKILL))
    started = start()
    started.add(lambda: "x" * 5_000_000)
    assert "was ended (exit code -9)" in started.finish()


def test_an_error_while_a_message_is_made_is_told(start, drawn):
    drawn(lambda path, receive: receive())
    started = start()
    started.add(lambda: 1 / 0)
    assert started.finish() == "ZeroDivisionError: division by zero"


def test_a_failed_job_ends_the_process(tmp_path, drawn):
    drawn(lambda path, receive: time.sleep(60))
    job = Job((MapInput("map.mrc"),), str(tmp_path), Settings())
    with pytest.raises(RuntimeError, match="failed"), drawing_beside(job, tmp_path) as started:
        number = started._process.pid
        assert is_running(number)
        raise RuntimeError("failed")
    try:
        assert not is_running(number)
    finally:
        started.stop()


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


def test_the_process_holds_no_file_of_the_job(start, tmp_path, drawn):
    """Such as the lock of the output folder, which would outlive the job."""

    def open_files(_path, _receive):
        targets = []
        for number in os.listdir("/proc/self/fd"):
            with suppress(OSError):  # the folder that was listed
                targets.append(os.readlink(f"/proc/self/fd/{number}"))
        return "\n".join(sorted(set(targets)))

    drawn(open_files)
    with open(tmp_path / "lock", "w"):
        started = start()
        null, connection = started.finish().splitlines()
    assert null == os.devnull and connection.startswith("socket:")


def wait_for(path):
    """Wait until the other process has made a file: it has arranged its signals by then."""
    end = time.monotonic() + 20
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert path.exists()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_signals_that_end_a_job_end_the_process(start, tmp_path, drawn, name):
    """Also where the job handles them, and where it blocks them, as a job with a supervisor does."""
    drawn(lambda path, receive: (path.touch(), time.sleep(60)))
    number = getattr(signal, name)
    handler, blocked = signal.signal(number, lambda *_: None), signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    try:
        started = start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        signal.signal(number, handler)
    wait_for(tmp_path / "pages.pdf")
    os.kill(started._process.pid, number)
    started._process.join(10)
    assert started._process.exitcode == -number


def test_a_signal_that_the_job_ignores_does_not_end_the_process(start, tmp_path, drawn):
    """As a job that was started with nohup ignores the end of its terminal."""
    drawn(lambda path, receive: (path.touch(), receive())[1])
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        started = start()
    finally:
        signal.signal(signal.SIGHUP, before)
    wait_for(tmp_path / "pages.pdf")
    os.kill(started._process.pid, signal.SIGHUP)
    started.add(lambda: "drawn")
    assert started.finish() == "drawn"


def test_no_further_process_is_told(start, monkeypatch):
    def refused():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refused)
    started = start()
    started.add(lambda: "message")
    assert "Resource temporarily unavailable" in started.finish()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="older versions do not warn")
def test_threads_of_the_job_give_no_warning(start, drawn, recwarn):
    drawn(lambda path, receive: "drawn")
    ended = threading.Event()
    other = threading.Thread(target=ended.wait)
    other.start()
    started = start()
    assert started.finish() == "drawn"
    started.stop()
    ended.set()
    other.join()
    assert not list(recwarn)
