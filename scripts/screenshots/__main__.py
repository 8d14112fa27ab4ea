# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the pictures of the tutorial, and one of each window and page of the plugin: `make screenshots`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from ctypes.util import find_library
from pathlib import Path

from demo.run import OUTPUT
from demo.scipion_project import prepare_environment
from scripts.screenshots.inputs import write_inputs
from scripts.screenshots.relion_windows import reports, take_relion_pictures
from scripts.screenshots.screen import screen
from scripts.screenshots.tutorial import IMAGES, take_tutorial_pictures

# Programs, with their Debian packages.
_PROGRAMS = {"Xvfb": "xvfb", "xdotool": "xdotool", "relion": "relion-gui", "pdftoppm": "poppler-utils"}
# Libraries that Scipion's metadata viewer (Qt 5) needs, with their Debian packages.
_LIBRARIES = {"xcb-icccm": "libxcb-icccm4", "xcb-keysyms": "libxcb-keysyms1", "xcb-xinerama": "libxcb-xinerama0"}
_WINDOWS = OUTPUT / "windows"
# Pictures of windows that the documentation shows, by their names there.
_SHOWN = {"scipion_wizard": "wizard_sigmoid", "scipion_regions": "viewer_classes_showComparison_0"}


def main() -> int:
    """Take all pictures; return 1 with a line that says what is missing, else 0."""
    missing = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    missing += [package for name, package in _LIBRARIES.items() if find_library(name) is None]
    if missing:
        print(f"To take the pictures, install first: apt-get install {' '.join(missing)}", file=sys.stderr)
        return 1
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shutil.rmtree(_WINDOWS, ignore_errors=True)
    _WINDOWS.mkdir()
    with screen() as display:
        os.environ["DISPLAY"] = display
        if "--windows" not in sys.argv:
            take_tutorial_pictures()
        write_inputs()
        take_relion_pictures(_WINDOWS)
        prepare_environment(OUTPUT / "scipion")
        os.environ.pop("MPLBACKEND", None)
        subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "scripts.screenshots.scipion_windows", str(_WINDOWS)], check=True
        )
    subprocess.run(["scripts/environment.sh", "--with-forms"], check=True)
    form = _WINDOWS / "himena_form.png"
    subprocess.run(
        [".venv-forms/bin/python", "-W", "ignore", "-m", "scripts.screenshots.himena_window", form], check=True
    )
    for name, report in reports().items():
        subprocess.run(["pdftoppm", "-png", "-r", "80", str(report), str(_WINDOWS / f"page_{name}")], check=True)
    for name, window in _SHOWN.items():
        shutil.copy(_WINDOWS / f"{window}.png", IMAGES / f"{name}.png")
    print(f"Every window and page, to look at: {_WINDOWS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
