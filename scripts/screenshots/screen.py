# SPDX-License-Identifier: GPL-3.0-or-later
"""A screen in memory, and pictures of it."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Tuple

from PIL import Image, ImageGrab

_COLOURS = 64  # of a picture: enough for windows, and its file is small


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


def keep(path: Path) -> None:
    """Save what the screen shows, without its empty borders."""
    picture = ImageGrab.grab(xdisplay=os.environ["DISPLAY"])
    picture.crop(_shown(picture)).quantize(_COLOURS).save(path, optimize=True)


def _shown(picture: Image.Image) -> Tuple[int, int, int, int]:
    """Return the part of the screen with windows: the rest of it is black."""
    return picture.convert("L").point(lambda value: 255 * (value > 0)).getbbox() or (0, 0, *picture.size)
