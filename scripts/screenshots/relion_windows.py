# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a picture of each tab of the External jobs in RELION's window, and of what its *Display* opens."""

from __future__ import annotations

from pathlib import Path

from demo.run import OUTPUT
from scripts.screenshots.relion_gui import TABS, open_job, open_tab
from scripts.screenshots.screen import keep, window

_PROJECT = OUTPUT / "relion_project"
_JOBS = {2: "map", 4: "classes"}  # the External jobs of the demo's project, which has four jobs
_COUNT = 4
# Options of relion_display, as *Display* gives them: it shows all slices of a map, and the central slices of the maps
# in a table.
_SHOWN = {
    "map_scale": "--i External/job002/scale.mrc --scale 1",
    "map_table": "--i External/job002/occupancy_maps.star --display rlnReferenceImage --scale 2",
    "classes_table": "--i External/job004/occupancy_maps.star --display rlnReferenceImage --scale 1",
    "classes_region": "--i External/job004/region001_mask.mrc --scale 1",
}


def take_relion_pictures(folder: Path) -> None:
    """Take the pictures from the screen of DISPLAY into a folder, as relion_<job>_<what>.png."""
    for number, name in _JOBS.items():
        with window(["relion"], _PROJECT):
            open_job(_COUNT, number)
            for tab in TABS:
                open_tab(tab)
                keep(folder / f"relion_{name}_{tab.lower()}.png")
    for name, words in _SHOWN.items():
        with window(["relion_display", *words.split()], _PROJECT):
            keep(folder / f"relion_display_{name}.png")
