# SPDX-License-Identifier: GPL-3.0-or-later
"""RELION within Scipion: its plugin, and a home for it as the plugin expects one."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

# The plugin reads the version from the folder's name, and takes no other.
_HOME = "relion-3.1"


def reason_absent() -> str:
    """Why there is no RELION in Scipion here, or nothing."""
    if importlib.util.find_spec("relion") is None:
        return "scipion-em-relion is not installed; install it with: pip install --no-deps scipion-em-relion==4.0.20"
    if shutil.which("relion_refine") is None:
        return "RELION is not installed; on Debian or Ubuntu: apt-get install relion"
    return ""


def make_home(folder: Path) -> None:
    """Links to RELION's programs, wherever they are, under the name that the plugin wants; before Scipion starts."""
    program = shutil.which("relion_refine")
    if program is None:
        return
    home = folder / "software" / "em" / _HOME
    (home / "bin").mkdir(parents=True)
    (home / "lib").mkdir()
    for path in Path(program).parent.glob("relion_*"):
        # Not ours: a link to a Python script does not find the environment it belongs to.
        if path.name != "relion_external_occupy":
            (home / "bin" / path.name).symlink_to(path)
    os.environ["RELION_HOME"] = str(home)
