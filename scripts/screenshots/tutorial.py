# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the pictures of docs/tutorial.md from the windows of RELION and Scipion, on a screen in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from demo.run import OUTPUT
from demo.scipion_project import prepare_environment
from demo.tutorial import run_tutorial
from scripts.screenshots.screen import keep

_IMAGES = Path(__file__).resolve().parents[2] / "docs/images/tutorial"
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


def take_tutorial_pictures() -> None:
    """Run the jobs of the tutorial, and take its pictures from the screen of DISPLAY."""
    _IMAGES.mkdir(parents=True, exist_ok=True)
    project = OUTPUT / "tutorial"
    run_tutorial(project)
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
    keep(_IMAGES / f"{name}.png")
