# SPDX-License-Identifier: GPL-3.0-or-later
"""Open every window of the plugin in a Scipion project, and save a picture of each.

A process of its own: Scipion is imported with the demo's home, and its windows need the screen of DISPLAY.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
import tkinter
from pathlib import Path
from tkinter import ttk
from typing import Any, Callable, Dict, Iterator, List, Tuple

import psutil
import pyworkflow

from scripts.screenshots.scipion_runs import load_runs
from scripts.screenshots.screen import OPENING, keep

_REACTING = 0.5  # seconds that a window gets
# Wizards: a name, the run whose form they are on, and the box on it that must be ticked before.
WIZARDS: Dict[str, Tuple[str, str, str]] = {
    "lowpass_map": ("OccupyLowpassWizard", "map", ""),
    "lowpass_classes": ("OccupyLowpassWizard", "classes", ""),
    "lowpass_model": ("OccupyLowpassWizard", "model", ""),
    "amplify": ("OccupyAmplifyWizard", "map", "doAmplify"),
    "attenuate": ("OccupyAttenuateWizard", "map", "doAttenuate"),
    "sigmoid": ("OccupySigmoidWizard", "map", "doSigmoid"),
    "threshold": ("OccupyThresholdWizard", "map", "solventFromScale"),
}
_OTHER_PROGRAMS = ("showDocument",)  # buttons that open one which need not be installed


def main(folder: Path) -> None:
    """Run the protocols and save the pictures of their windows to a folder."""
    project, runs = load_runs()
    importlib.import_module("pyworkflow.gui.project")  # before the form: a circular import
    from pyworkflow.gui import Window

    master = Window("Scipion")
    master.root.withdraw()
    for name, run in runs.items():
        _form_pictures(folder, name, run, master)
    for name, (wizard, run, box) in WIZARDS.items():
        _wizard_picture(folder / f"wizard_{name}.png", wizard, runs[run], box, master)
    for name, run in runs.items():
        _viewer_pictures(folder, name, project, run, master)
        _output_pictures(folder, name, project, run, master)
    master.root.destroy()
    _project_pictures(folder, project, runs)


def _form_pictures(folder: Path, name: str, run: Any, master: Any) -> None:
    """Save a picture of each tab of the form of a run, for users and for experts."""
    from pyworkflow.protocol.constants import LEVEL_ADVANCED, LEVEL_NORMAL

    for level, level_name in ((LEVEL_NORMAL, ""), (LEVEL_ADVANCED, "_advanced")):
        run.expertLevel.set(level)
        form = _form(run, master)
        for tabs in _tabs(form.root):
            for tab in tabs.tabs():
                tabs.select(tab)
                title = tabs.tab(tab, "text").strip().lower().replace(" ", "_")
                _picture(form.root, folder / f"form_{name}_{title}{level_name}.png")
        form.root.destroy()


def _form(run: Any, master: Any, title: str = "", **options: Any) -> Any:
    from pyworkflow.gui.form import FormWindow

    return FormWindow(
        title or run.getClassLabel(), run, lambda *words, **more: None, master, hostList=["localhost"], **options
    )


def _tabs(widget: Any) -> Iterator[Any]:
    for child in widget.winfo_children():
        if isinstance(child, ttk.Notebook):
            yield child
        yield from _tabs(child)


def _wizard_picture(path: Path, wizard: str, run: Any, box: str, master: Any) -> None:
    """Save a picture of the window of a wizard."""
    from occupy_scipion.wizards import wizards

    form = _form(run, master)
    if box:
        form.setVar(box, True)
    _dialog_picture(path, form.root, lambda: getattr(wizards, wizard)().show(form))
    form.root.destroy()


def _dialog_picture(path: Path, parent: Any, show: Callable[[], Any]) -> None:
    """Save a picture of a window that `show` opens, and in which it waits for the user."""

    def photograph() -> None:
        if parent.grab_current() is None:  # not open yet
            parent.after(200, photograph)
            return
        window = _toplevels(parent)[-1]
        _picture(window, path)
        window.destroy()

    parent.after(200, photograph)
    show()


def _viewer_pictures(folder: Path, name: str, project: Any, run: Any, master: Any) -> None:
    """Save a picture of the viewer of a run, and of each window that its buttons open."""
    from pyworkflow.viewer import MessageView

    found = pyworkflow.Config.getDomain().findViewers(run.getClassName(), "tkinter")
    (kind,) = [item for item in found if item.__module__.startswith("occupy_scipion")]
    viewer, form = _open_viewer(kind, project, run, master)
    _picture(form.root, folder / f"viewer_{name}.png")
    form.root.withdraw()
    for button, show in viewer._getVisualizeDict().items():
        if button in _OTHER_PROGRAMS or button not in form.widgetDict:
            continue
        if button == "showAttributes":
            _attributes_picture(folder / f"viewer_{name}_{button}.png", project, run, master)
            continue
        for number, view in enumerate(show(button) or []):
            path = folder / f"viewer_{name}_{button}_{number}.png"
            if isinstance(view, MessageView):
                form.root.deiconify()
                _dialog_picture(path, form.root, view.show)
                form.root.withdraw()
            else:
                _view_picture(path, view, form.root)
    form.root.destroy()


def _open_viewer(kind: Any, project: Any, run: Any, master: Any) -> Tuple[Any, Any]:
    """Return a viewer of a run, and its window."""
    viewer = kind(project=project, protocol=run)
    viewer.setProtocol(run)
    buttons = viewer._getVisualizeDict()
    form = _form(viewer, master, "Analyze results", visualizeDict=buttons, visualizeMode=True)
    viewer.formWindow, viewer._tkRoot = form, form.root
    return viewer, form


def _attributes_picture(path: Path, project: Any, run: Any, master: Any) -> None:
    from occupy_scipion.viewers.viewer_model import OccupancyAttributeViewer

    _, form = _open_viewer(OccupancyAttributeViewer, project, run, master)
    _picture(form.root, path)
    form.root.destroy()


def _view_picture(path: Path, view: Any, parent: Any) -> None:
    """Save a picture of the window of a view: one of ours, or one of another program."""
    if hasattr(view, "getFigure"):
        view.show()
        window = _toplevels(parent)[-1]
        _picture(window, path)
        window.destroy()
        return
    before = psutil.Process().children()
    view.show()
    end = time.monotonic() + OPENING
    while time.monotonic() < end:
        parent.update()  # so that the windows that were closed before disappear
        time.sleep(0.1)
    keep(path)
    print(path.name, flush=True)
    for program in set(psutil.Process().children()) - set(before):
        program.kill()


def _output_pictures(folder: Path, name: str, project: Any, run: Any, master: Any) -> None:
    """Save a picture of what a double click on each output map and model of a run opens, without other plugins."""
    from occupy_scipion.viewers import OccupyModelOutputViewer, OccupyVolumeViewer

    for output_name, output in run.iterOutputAttributes():
        if output_name.startswith("partMask") and output_name != "partMask1":
            continue  # one is enough
        for kind in (OccupyVolumeViewer, OccupyModelOutputViewer):
            if isinstance(output, tuple(kind._targets)) and kind.can_handle_this_instance(output):
                viewer = kind(project=project, protocol=run, parent=master)
                for view in viewer._visualize(output):
                    _view_picture(folder / f"output_{name}_{output_name}.png", view, master.root)


def _project_pictures(folder: Path, project: Any, runs: Dict[str, Any]) -> None:
    """Save pictures of Scipion's window with the summary, the methods and the log of each run."""
    from pyworkflow.gui.project import ProjectWindow

    window = ProjectWindow(project.path)
    protocols = window.viewWidget
    tabs = next(_tabs(protocols))
    for name, run in runs.items():
        protocols._deselectItems(protocols.runsGraph.getNode(str(run.getObjId())).item)
        protocols._selectItemProtocol(run)
        for tab in tabs.tabs()[:3]:
            tabs.select(tab)
            title = tabs.tab(tab, "text").strip().lower().replace(" ", "_")
            _picture(window.root, folder / f"project_{name}_{title}.png")


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
    sys.stdout.flush()
    os._exit(0)  # Scipion's window has a thread that never ends
