# SPDX-License-Identifier: GPL-3.0-or-later
"""The real windows, on a screen in memory (Xvfb): the form follows the question, and a wizard fills in the form."""

import json
import shutil
import subprocess
import sys

import pytest

from occupy_scipion import protocols, wizards
from tests.conftest import skip_or_fail

# Opens Scipion's form of "local scale" on a map; runs in a process of its own, with a screen.
FORM = """
import json, sys, tkinter
import pyworkflow
from pyworkflow.project import Manager

pyworkflow.Config.getDomain().getProtocols()
project = Manager().loadProject(sys.argv[1])
import pyworkflow.gui.project  # before the form: a circular import
from pyworkflow.gui import Window
from pyworkflow.gui.form import FormWindow
from occupy_scipion.protocols import ProtOccupyLocalScale

(source,) = (run for run in project.getRuns() if run.strId() == sys.argv[2])
protocol = project.newProtocol(ProtOccupyLocalScale, numberOfThreads=1)
protocol.inputVolumes.set(source)
protocol.inputVolumes.setExtended("outputVolume")
main = Window("main")
form = FormWindow("local scale", protocol, lambda *words, **more: None, main, hostList=["localhost"])
form.root.deiconify()
form.root.update()

def shown(*names):
    form.root.update()
    return [name for name in names if form.widgetDict[name].label.winfo_manager()]

def ask(number):
    form.setVar("preset", number)
    form._checkChanges("preset")

found = {}
"""

QUESTIONS = """
names = ("amplifyPower", "attenuatePower", "makeSubtractionMask", "presetSets1", "presetSets3", "presetSets4")
for number in (0, 1, 3, 4):
    ask(number)
    found[number] = shown(*names)
print("FOUND" + json.dumps(found))
"""

WIZARD = """
from occupy_scipion.wizards import OccupySigmoidWizard

def press():
    windows = [child for child in form.root.winfo_children() if isinstance(child, tkinter.Toplevel)]
    if not windows:  # the wizard still computes
        form.root.after(200, press)
        return
    children = windows[-1].winfo_children()
    sliders = {child.cget("label"): child for child in children if isinstance(child, tkinter.Scale)}
    sliders["Power"].set(6.0)
    sliders["Pivot"].set(0.5)
    (buttons,) = [child for child in children if type(child) is tkinter.Frame]
    windows[-1].after(600, buttons.children[sys.argv[3]].invoke)

form.setVar("doSigmoid", True)
form.root.after(200, press)
OccupySigmoidWizard().show(form)
for name in ("sigmoidPower", "sigmoidPivot"):
    found[name] = getattr(protocol, name).get()
print("FOUND" + json.dumps(found))
"""

CLOSED = """
from occupy_scipion.wizards import OccupySigmoidWizard

form.setVar("doSigmoid", True)
plain = tkinter.Toplevel.update
tkinter.Toplevel.update = lambda window: window.destroy() if window.title() == "Sigmoid" else plain(window)
OccupySigmoidWizard().show(form)
print("FOUND" + json.dumps(protocol.sigmoidPower.get()))
"""


@pytest.fixture(scope="module")
def screen():
    """The name of a screen in memory."""
    if shutil.which("Xvfb") is None:
        skip_or_fail("Xvfb is not installed; install it with: apt-get install xvfb")
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield f":{server.stdout.readline().strip()}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def run_with_screen(screen, lab, source, actions, monkeypatch, *words):
    monkeypatch.setenv("DISPLAY", screen)
    monkeypatch.delenv("MPLBACKEND", raising=False)
    command = [sys.executable, "-W", "ignore", "-c", FORM + actions, lab.name, source.strId(), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    lines = [line for line in done.stdout.splitlines() if line.startswith("FOUND")]
    assert lines, done.stderr
    return json.loads(lines[-1][len("FOUND") :])


def test_form_follows_the_question(lab, a_map, screen, monkeypatch):
    found = run_with_screen(screen, lab, a_map, QUESTIONS, monkeypatch)
    assert found == {
        "0": [],
        "1": ["presetSets1"],
        "3": ["attenuatePower", "makeSubtractionMask", "presetSets3"],
        "4": ["amplifyPower", "presetSets4"],
    }


@pytest.mark.parametrize(("button", "values"), [("ok", (6.0, 0.5)), ("cancel", (4.0, 0.3))])
def test_wizard_fills_in_the_form(lab, a_map, screen, monkeypatch, button, values):
    found = run_with_screen(screen, lab, a_map, WIZARD, monkeypatch, button)
    assert (found["sigmoidPower"], found["sigmoidPivot"]) == values


def test_a_wizard_that_is_closed_while_it_opens_changes_nothing(lab, a_map, screen, monkeypatch):
    assert run_with_screen(screen, lab, a_map, CLOSED, monkeypatch) == 4.0


def test_each_protocol_and_wizard_has_a_picture_by_the_script():
    from scripts.screenshots.scipion_runs import RUNS
    from scripts.screenshots.scipion_windows import WIZARDS

    assert {kind for kind, _, _ in RUNS.values()} == {kind for kind in protocols.__all__ if kind.startswith("Prot")}
    assert {wizard for wizard, _, _ in WIZARDS.values()} == set(wizards.__all__)
    assert {run for _, run, _ in WIZARDS.values()} <= set(RUNS)
