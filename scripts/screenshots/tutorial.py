# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the pictures of docs/tutorial.md from the windows of RELION and Scipion, on a screen in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from demo.run import OUTPUT
from demo.scipion_project import prepare_environment
from demo.tutorial import run_tutorial
from scripts.screenshots import screen
from scripts.screenshots.relion_gui import open_job, open_tab
from scripts.screenshots.screen import OPENING, REACTING, click, window

IMAGES = Path(__file__).resolve().parents[2] / "docs/images/tutorial"
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
    IMAGES.mkdir(parents=True, exist_ok=True)
    project = OUTPUT / "tutorial"
    run_tutorial(project)
    with window(["relion"], project):
        open_job(7, 4)
        _keep("relion_input")
        open_tab("Params")
        _keep("relion_params")
        open_tab("Input")
        open_job(7, 7)
        _keep("relion_result")
    prepare_environment(OUTPUT / "scipion")
    os.environ.pop("MPLBACKEND", None)
    for name, protocol in (("scale", "ProtOccupyLocalScale"), ("classes", "ProtOccupyCompareClasses")):
        with window([sys.executable, "-W", "ignore", "-c", _SCIPION_FORM, protocol], OUTPUT):
            _keep(f"scipion_{name}_form")
    with window([sys.executable, "-m", "scipion", "project", "occupy_demo"], OUTPUT, seconds=2 * OPENING):
        _move("occupy_demo")
        click(*_COMPARED)
        # The mouse moves away from the box, whose description would cover it.
        subprocess.run(["xdotool", "mousemove", "1000", "450"], check=True)
        time.sleep(2 * REACTING)
        _keep("scipion_project")


def _move(name: str) -> None:
    """Move a window, by a part of its name, to the upper left of the screen."""
    subprocess.run(["xdotool", "search", "--name", name, "windowmove", "0", "0"], check=True)
    time.sleep(REACTING)


def _keep(name: str) -> None:
    screen.keep(IMAGES / f"{name}.png")
