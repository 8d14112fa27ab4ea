# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the pictures of docs/tutorial.md from the windows of RELION and Scipion, on a screen in memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Tuple

from PIL import Image, ImageGrab

from demo.run import OUTPUT
from demo.scipion_project import prepare_environment
from demo.tutorial import run_tutorial

_IMAGES = Path(__file__).resolve().parents[1] / "docs/images/tutorial"
_PROGRAMS = {"Xvfb": "xvfb", "xdotool": "xdotool", "relion": "relion-gui"}  # with their Debian packages
_OPENING, _REACTING = 8.0, 1.5  # seconds that a window gets
# Pixels in RELION's window (3.1.3), which opens at the upper left: tabs, and the first and the distance of listed jobs.
_TABS, _TABS_DOWN = {"Input": 225, "Params": 281, "Running": 350}, 36
_JOBS_ACROSS, _FIRST_JOB_DOWN, _JOB_HEIGHT = 76, 464, 15
_COMPARED = 500, 297  # the box of "compare classes" in Scipion's window of the demo's project
_SCIPION_FORM = """
import os, sys
import pyworkflow
from pyworkflow.project import Manager
pyworkflow.Config.getDomain().getProtocols()
project = Manager().loadProject("occupy_demo")
import pyworkflow.gui.project
from pyworkflow.gui import Window
from pyworkflow.gui.form import FormWindow
runs = [run for run in project.getRuns() if type(run).__name__ == sys.argv[1]]
form = FormWindow("run", runs[0], lambda *words, **more: None, Window("main"), hostList=["localhost"])
form.root.after(1000, lambda: form.root.geometry("+0+0"))
form.show()
"""


def main() -> int:
    """Take all pictures; return 1 with a line that says what is missing, else 0."""
    missing = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    if missing:
        print(f"To take the pictures, install first: apt-get install {' '.join(missing)}", file=sys.stderr)
        return 1
    _IMAGES.mkdir(parents=True, exist_ok=True)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    project = OUTPUT / "tutorial"
    run_tutorial(project)
    with _screen() as display:
        os.environ["DISPLAY"] = display
        with _window(["relion"], project):
            _open_job(7, 4)
            _keep("relion_input")
            _click(_TABS["Params"], _TABS_DOWN)
            _keep("relion_params")
            _click(_TABS["Input"], _TABS_DOWN)
            _open_job(7, 7)
            _keep("relion_result")
        prepare_environment(OUTPUT / "scipion")
        os.environ.pop("MPLBACKEND", None)
        for name, protocol in (("scale", "ProtOccupyLocalScale"), ("classes", "ProtOccupyCompareClasses")):
            with _window([sys.executable, "-W", "ignore", "-c", _SCIPION_FORM, protocol], OUTPUT):
                _keep(f"scipion_{name}_form")
        with _window([sys.executable, "-m", "scipion", "project", "occupy_demo"], OUTPUT, seconds=2 * _OPENING):
            _move("occupy_demo")
            _click(*_COMPARED)
            # The mouse moves away from the box, whose description would cover it.
            subprocess.run(["xdotool", "mousemove", "1000", "450"], check=True)
            time.sleep(2 * _REACTING)
            _keep("scipion_project")
    print(f"Pictures: {_IMAGES}")
    return 0


@contextmanager
def _screen() -> Iterator[str]:
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
def _window(command: list, folder: Path, *, seconds: float = _OPENING) -> Iterator[None]:
    """Open the window of a program and wait for it; close it at the end."""
    program = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(seconds)
        yield
    finally:
        program.kill()
        program.wait(timeout=20)


def _move(name: str) -> None:
    """Move a window, by a part of its name, to the upper left of the screen."""
    subprocess.run(["xdotool", "search", "--name", name, "windowmove", "0", "0"], check=True)
    time.sleep(_REACTING)


def _click(x: int, y: int) -> None:
    subprocess.run(["xdotool", "mousemove", str(x), str(y), "click", "1"], check=True)
    time.sleep(_REACTING)


def _open_job(count: int, number: int) -> None:
    """Click on a job, by its number, in RELION's list of so many finished jobs, which begins with the last one."""
    _click(_JOBS_ACROSS, _FIRST_JOB_DOWN + _JOB_HEIGHT * (count - number))


def _keep(name: str) -> None:
    """Save what the screen shows, without its empty borders."""
    picture = ImageGrab.grab(xdisplay=os.environ["DISPLAY"])
    picture.crop(_shown(picture)).quantize(64).save(_IMAGES / f"{name}.png", optimize=True)


def _shown(picture: Image.Image) -> Tuple[int, int, int, int]:
    """Return the part of the screen with windows: the rest of it is black."""
    return picture.convert("L").point(lambda value: 255 * (value > 0)).getbbox() or (0, 0, *picture.size)


if __name__ == "__main__":
    sys.exit(main())
