# SPDX-License-Identifier: GPL-3.0-or-later
"""Scipion finds the plugin, its protocols and its viewers."""

import os
import subprocess
import sys

import pytest
import pyworkflow
from PIL import Image
from pyworkflow.gui.project.viewprotocols_extra import ProtocolTreeConfig
from pyworkflow.viewer import DESKTOP_TKINTER

import occupy_core
import occupy_scipion
from occupy_scipion.constants import REFERENCE
from occupy_scipion.protocols import ProtOccupyLocalScale
from tests.conftest import REPOSITORY


def test_imports_without_any_scipion_environment():
    bare = {"PATH": os.defpath, "PYTHONPATH": str(REPOSITORY)}
    code = "from occupy_scipion import Plugin; from occupy_scipion.protocols import ProtOccupyLocalScale"
    done = subprocess.run(
        [sys.executable, "-c", code], env=bare, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=os.sep
    )
    assert done.returncode == 0, done.stdout


def test_protocol_is_registered(lab):
    assert lab.domain.findClass("ProtOccupyLocalScale") is ProtOccupyLocalScale
    assert ProtOccupyLocalScale.getClassLabel(prependPackageName=False) == "local scale"
    assert ProtOccupyLocalScale.getClassLabel() == "OccuPy - local scale"
    assert occupy_scipion.__version__ == occupy_core.__version__


@pytest.mark.parametrize(
    ("view", "name", "place"),
    [
        ("Protocols SPA", "ProtOccupyLocalScale", ("3D", "Postprocess")),
        ("Protocols SPA", "ProtOccupyCompareClasses", ("3D", "Analysis", "Heterogeneity")),
        ("Protocols SPA", "ProtOccupyModel", ("3D", "Analysis")),
        ("Model building", "ProtOccupyModel", ("Validation",)),
    ],
)
def test_protocol_is_in_the_right_group_of_the_tree(lab, view, name, place):
    tree = ProtocolTreeConfig.load(lab.domain, pyworkflow.Config.SCIPION_PROTOCOLS)[view]

    def places(node, above=()):
        for child in node.childs:
            text = getattr(child.text, "get", lambda child=child: child.text)()
            if str(getattr(child.value, "get", lambda child=child: child.value)()) == name:
                yield above
            yield from places(child, (*above, str(text)))

    assert list(places(tree)) == [place]


def test_logo_is_a_small_square():
    with Image.open(REPOSITORY / "occupy_scipion" / occupy_scipion._logo) as logo:
        assert logo.size == (128, 128)


def test_citation_is_the_paper(lab):
    (citation,) = lab.local_scale().getCitations(bibTexOutput=True).values()
    assert citation["ID"] == REFERENCE and citation["doi"].endswith("10.1038/s41467-023-41478-1")
    assert "Forsberg" in lab.local_scale().citations()[1]


def test_child_processes_find_the_core(monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    done = subprocess.run(
        # -S: without the packages that pip installed.
        [sys.executable, "-S", "-c", "import occupy_core; print(occupy_core.__file__)"],
        env=occupy_scipion.Plugin.getEnviron(),
        cwd=os.sep,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert os.path.samefile(done.stdout.strip(), occupy_core.__file__)


def test_scipion_offers_the_viewer(lab):
    names = [viewer.__name__ for viewer in lab.domain.findViewers(lab.local_scale(), DESKTOP_TKINTER)]
    assert names == ["OccupyLocalScaleViewer"]
