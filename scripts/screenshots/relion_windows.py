# SPDX-License-Identifier: GPL-3.0-or-later
"""Run External jobs of every kind in a RELION project; take pictures of their tabs and of what they show."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Dict

from demo.classification import classes, write_classification
from demo.relion_project import RelionProject
from demo.run import OUTPUT
from occupy_core.settings.output_names import FIGURE
from scripts.screenshots.inputs import CHAINS, VOLUMES
from scripts.screenshots.relion_gui import TABS, open_job, open_list_of_results, open_log, open_tab
from scripts.screenshots.screen import keep, window

PROJECT = OUTPUT / "windows_relion"
_MAP = {"in_3dref": "simulated.mrc"}
_CLASSES = {"in_part": "Class3D/simulated/run_it025_data.star"}
# The External jobs by the names of their pictures, with their inputs and parameters.
JOBS: Dict[str, Dict[str, str]] = {
    "map": {**_MAP, "preset": "show_weak", "attenuate": "", "sigmoid": "", "subtraction_mask": "yes"},
    "set": {"maps": "Class3D/simulated/run_it025_class*.mrc"},
    "classes": {**_CLASSES, "particles": "yes"},
    "ensemble": {"maps": "volumes/*.mrc"},
    "model": {**_MAP, "model": "chains.cif", "model_masks": "C1,C2"},
    "model_classes": {**_CLASSES, "model": "simulated.cif"},
    "failed": {**_MAP, "lowpas": "8"},
}
_FOLDERS = {name: f"External/job{number:03d}" for number, name in enumerate(JOBS, start=1)}
# Options of relion_display, as *Display* gives them: it shows all slices of a map, and the central slices of the maps
# in a table.
_TABLE = "occupancy_maps.star --display rlnReferenceImage"
_SHOWN = {
    "map_scale": ("map", "scale.mrc --scale 1"),
    "map_table": ("map", f"{_TABLE} --scale 2"),
    "classes_table": ("classes", f"{_TABLE} --scale 1"),
    "classes_region": ("classes", "region001_mask.mrc --scale 1"),
    "ensemble_table": ("ensemble", f"{_TABLE} --scale 1"),
    "model_mask": ("model", "group_C1_mask.mrc --scale 1"),
}


def take_relion_pictures(folder: Path) -> None:
    """Take the pictures from the screen of DISPLAY into a folder, as relion_<job>_<what>.png."""
    run_jobs()
    for number, name in enumerate(JOBS, start=1):
        with window(["relion"], PROJECT):
            open_job(len(JOBS), number)
            for tab in TABS:
                open_tab(tab)
                keep(folder / f"relion_{name}_{tab.lower()}.png")
            open_list_of_results()
            keep(folder / f"relion_{name}_display.png")
        with window(["relion"], PROJECT):
            open_job(len(JOBS), number)
            open_log()
            keep(folder / f"relion_{name}_log.png")
    for name, (job, words) in _SHOWN.items():
        with window(["relion_display", "--i", *f"{_FOLDERS[job]}/{words}".split()], PROJECT):
            keep(folder / f"relion_display_{name}.png")


def reports() -> Dict[str, Path]:
    """Return the PDF of each job by the name of its pictures."""
    return {name: PROJECT / folder / FIGURE for name, folder in _FOLDERS.items() if name != "failed"}


def run_jobs() -> None:
    """Run the jobs in a new project."""
    shutil.rmtree(PROJECT, ignore_errors=True)
    project = RelionProject(PROJECT)
    write_classification(PROJECT / "Class3D" / "simulated", classes())
    for path in (OUTPUT / "simulated.mrc", OUTPUT / "simulated.cif", CHAINS, VOLUMES):
        os.symlink(path, PROJECT / path.name)
    for name, values in JOBS.items():
        inputs = {key: value for key, value in values.items() if key.startswith("in_")}
        parameters = {}
        for number, (label, value) in enumerate((item for item in values.items() if item[0] not in inputs), start=1):
            parameters[f"param{number}_label"] = label
            parameters[f"param{number}_value"] = f'"{value}"'
        job = project.add("External", fn_exe="relion_external_occupy", nr_threads="2", **inputs, **parameters)
        status = project.run(job)
        print(f"{job} ({name}): {status}", flush=True)
        if (status == "Failed") != (name == "failed"):
            raise SystemExit(f"{job}: {status}; see {PROJECT / job}")
