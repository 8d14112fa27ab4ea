# SPDX-License-Identifier: GPL-3.0-or-later
"""Open every window of the plugin in a Scipion project of the demo's maps, and save a picture of each.

A process of its own: Scipion is imported with the demo's home, and its windows need the screen of DISPLAY.
"""

from __future__ import annotations

import importlib
import sys
import time
import tkinter
from pathlib import Path
from tkinter import ttk
from typing import Any, Iterator, List

import mrcfile
import numpy as np
import pyworkflow
from pyworkflow.project import Manager

from demo.run import OUTPUT
from demo.simulate import phantom
from scripts.screenshots.screen import keep

_PROJECT = "occupy_windows"
_NAMES = ("map", "set", "classes", "ensemble", "model")  # of the runs, in pictures; in the order in which they run
_VOLUMES = 24  # of the ensemble
_REACTING = 0.5  # seconds that a window gets
# Wizards, with the protocol and the box on its form that must be ticked before.
_WIZARDS = {
    "OccupyLowpassWizard": "",
    "OccupyAmplifyWizard": "doAmplify",
    "OccupyAttenuateWizard": "doAttenuate",
    "OccupySigmoidWizard": "doSigmoid",
    "OccupyThresholdWizard": "solventFromScale",
}


def main(folder: Path) -> None:
    """Run the protocols and save the pictures of their windows to a folder."""
    domain = pyworkflow.Config.getDomain()
    domain.getProtocols()
    manager = Manager()
    is_new = not manager.hasProject(_PROJECT)
    if is_new:
        manager.createProject(_PROJECT)
    project = manager.loadProject(_PROJECT)
    if is_new:
        _run_all(project, domain)
    ours = [run for run in project.getRuns() if run.getClassName().startswith("ProtOccupy")]
    runs = dict(zip(_NAMES, sorted(ours, key=lambda run: run.getObjId())))
    importlib.import_module("pyworkflow.gui.project")  # before the form: a circular import
    from pyworkflow.gui import Window

    master = Window("Scipion")
    master.root.withdraw()
    for name, run in runs.items():
        _form_pictures(folder, name, run, master)
    _wizard_pictures(folder, project, runs["map"], master)
    for name, run in runs.items():
        _viewer_pictures(folder, name, project, domain, run, master)


def _run_all(project: Any, domain: Any) -> None:
    """Run "local scale" on a map and on a set, "compare classes" on maps and an ensemble, "model occupancy"."""

    def run(protocol_name: str, *inputs: Any, **values: Any) -> Any:
        protocol = project.newProtocol(domain.findClass(protocol_name), **values)
        for parameter, source, output in inputs:
            getattr(protocol, parameter).set(source)
            getattr(protocol, parameter).setExtended(output)
        project.launchProtocol(protocol, wait=True)
        if not protocol.isFinished():
            raise SystemExit(f"{protocol.getObjLabel()}: {protocol.getErrorMessage()}")
        return protocol

    sampling = phantom(noise=0.1).voxel_size
    maps = OUTPUT / "relion_project" / "Class3D" / "simulated"
    one = run("ProtImportVolumes", filesPath=str(OUTPUT / "simulated.mrc"), samplingRate=sampling)
    classes = run("ProtImportVolumes", filesPath=str(maps), filesPattern="*_class*.mrc", samplingRate=sampling)
    many = run("ProtImportVolumes", filesPath=str(_ensemble(sampling)), filesPattern="*.mrc", samplingRate=sampling)
    model = run("ProtImportPdb", inputPdbData=1, pdbFile=str(OUTPUT / "simulated.cif"))
    of_map, of_classes, of_many = (
        ("inputVolumes", one, "outputVolume"),
        ("inputVolumes", classes, "outputVolumes"),
        ("inputVolumes", many, "outputVolumes"),
    )
    all_kinds = {"doAmplify": True, "doAttenuate": True, "doSigmoid": True, "makeSubtractionMask": True}
    run("ProtOccupyLocalScale", of_map, preset=6, solventFromScale=True, **all_kinds)
    run("ProtOccupyLocalScale", of_classes)
    run("ProtOccupyCompareClasses", of_classes)
    run("ProtOccupyCompareClasses", of_many)
    run("ProtOccupyModel", of_classes, ("inputModel", model, "outputPdb"))


def _ensemble(voxel_size: float) -> Path:
    """Write volumes of the demo's complex in which two parts come and go; return their folder."""
    folder = OUTPUT / "windows_volumes"
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(1)
    for number in range(1, _VOLUMES + 1):
        occupancies = (1.0, float(rng.random() < 0.5), float(rng.uniform(0.1, 1.0)))
        simulated = phantom(noise=0.1, occupancies=occupancies, noise_seed=number)
        with mrcfile.new(str(folder / f"volume{number:03d}.mrc"), overwrite=True) as mrc:
            mrc.set_data(simulated.volume)
            mrc.voxel_size = voxel_size
    return folder


def _form_pictures(folder: Path, name: str, run: Any, master: Any) -> None:
    """Save a picture of each tab of the form of a run."""
    from pyworkflow.gui.form import FormWindow

    form = FormWindow(run.getClassLabel(), run, lambda *words, **more: None, master, hostList=["localhost"])
    for number, tabs in enumerate(_tabs(form.root)):
        for tab in tabs.tabs():
            tabs.select(tab)
            title = tabs.tab(tab, "text").strip().lower().replace(" ", "_")
            _picture(form.root, folder / f"form_{name}_{number}_{title}.png")
    form.root.destroy()


def _tabs(widget: Any) -> Iterator[Any]:
    for child in widget.winfo_children():
        if isinstance(child, ttk.Notebook):
            yield child
        yield from _tabs(child)


def _wizard_pictures(folder: Path, project: Any, run: Any, master: Any) -> None:
    """Save a picture of the window of each wizard."""
    from pyworkflow.gui.form import FormWindow

    from occupy_scipion.wizards import wizards

    form = FormWindow(run.getClassLabel(), run, lambda *words, **more: None, master, hostList=["localhost"])

    def photograph(name: str) -> None:
        if form.root.grab_current() is None:  # the wizard still computes
            form.root.after(200, photograph, name)
            return
        (window,) = _toplevels(form.root)
        _picture(window, folder / f"wizard_{name}.png")
        window.destroy()

    for name, box in _WIZARDS.items():
        if box:
            form.setVar(box, True)
        form.root.after(200, photograph, name)
        getattr(wizards, name)().show(form)
    form.root.destroy()


def _viewer_pictures(folder: Path, name: str, project: Any, domain: Any, run: Any, master: Any) -> None:
    """Save a picture of the viewer of a run, and of each window that its buttons open."""
    from pyworkflow.gui.form import FormWindow

    (kind,) = [item for item in domain.findViewers(run.getClassName(), "tkinter") if item.__module__.startswith("occ")]
    viewer = kind(project=project, protocol=run)
    viewer.setProtocol(run)
    buttons = viewer._getVisualizeDict()
    form = FormWindow("Analyze", viewer, lambda: None, master, visualizeDict=buttons, visualizeMode=True)
    viewer.formWindow, viewer._tkRoot = form, form.root
    _picture(form.root, folder / f"viewer_{name}.png")
    form.root.withdraw()
    for button, show in buttons.items():
        if button in ("showDocument", "showChimera", "showAttributes"):  # another program
            continue
        for number, view in enumerate(show(button) or []):
            if not hasattr(view, "getFigure"):
                continue
            view.show()
            _picture(_toplevels(form.root)[-1], folder / f"viewer_{name}_{button}_{number}.png")
            _toplevels(form.root)[-1].destroy()
    form.root.destroy()


def _toplevels(widget: Any) -> List[Any]:
    return [child for child in widget.winfo_children() if isinstance(child, tkinter.Toplevel)]


def _picture(window: Any, path: Path) -> None:
    window.deiconify()
    window.geometry("+0+0")
    window.lift()
    end = time.monotonic() + _REACTING
    while time.monotonic() < end:
        window.update()
        time.sleep(0.02)
    keep(path)
    print(path.name, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
