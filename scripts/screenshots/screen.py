# SPDX-License-Identifier: GPL-3.0-or-later
"""A screen in memory: open windows on it, click, and take pictures."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Sequence, Tuple

from PIL import Image, ImageGrab

OPENING, REACTING = 8.0, 1.5  # seconds that a window gets
_COLOURS = 128  # of a picture: enough for windows, and its file is small


@contextmanager
def screen() -> Iterator[str]:
    """Start a screen in memory; yield its name."""
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1500x1200x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout is not None
    try:
        yield f":{server.stdout.readline().strip()}"
    finally:
        server.terminate()
        server.wait(timeout=20)


@contextmanager
def window(command: Sequence[str], folder: Path, *, seconds: float = OPENING) -> Iterator[None]:
    """Open the window of a program and wait for it; close it at the end."""
    program = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        time.sleep(seconds)
        yield
    finally:
        os.killpg(program.pid, signal.SIGKILL)  # its children too: Scipion's window is one
        program.wait(timeout=20)


def click(x: int, y: int, *, times: int = 1) -> None:
    """Click at a place of the screen, in pixels from its upper left, and wait for what it does."""
    clicks = ["click", "--repeat", str(times), "--delay", "60", "1"]
    subprocess.run(["xdotool", "mousemove", str(x), str(y), *clicks], check=True)
    time.sleep(REACTING)


def keep(path: Path) -> None:
    """Save what the screen shows, without its empty borders."""
    picture = ImageGrab.grab(xdisplay=os.environ["DISPLAY"])
    picture.crop(_shown(picture)).quantize(_COLOURS).save(path, optimize=True)


def _shown(picture: Image.Image) -> Tuple[int, int, int, int]:
    """Return the part of the screen with windows: the rest of it is black."""
    return picture.convert("L").point(lambda value: 255 * (value > 0)).getbbox() or (0, 0, *picture.size)
