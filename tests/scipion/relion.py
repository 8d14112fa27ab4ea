# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare RELION for use in Scipion: find its plugin, and make the folder that the plugin expects."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

# The plugin reads RELION's version from the folder's name, and accepts only some versions.
_HOME = "relion-3.1"


def reason_missing() -> str:
    """Return why RELION cannot be used in Scipion; empty if it can."""
    if importlib.util.find_spec("relion") is None:
        return "scipion-em-relion is not installed; install it with: pip install --no-deps scipion-em-relion==4.0.20"
    if shutil.which("relion_refine") is None:
        return "RELION is not installed; on Debian or Ubuntu: apt-get install relion"
    return ""


def make_home(folder: Path) -> None:
    """Link RELION's programs into a folder with the name that the plugin expects, before Scipion is imported."""
    program = shutil.which("relion_refine")
    if program is None:
        return
    home = folder / "software" / "em" / _HOME
    (home / "bin").mkdir(parents=True)
    (home / "lib").mkdir()
    for path in Path(program).parent.glob("relion_*"):
        # Not this project's commands: a Python script does not work through a link from another folder.
        if not path.name.startswith("relion_external_occupy"):
            (home / "bin" / path.name).symlink_to(path)
    os.environ["RELION_HOME"] = str(home)
