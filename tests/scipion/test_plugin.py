# SPDX-License-Identifier: GPL-3.0-or-later
"""Scipion finds the plugin, its protocols and its viewers."""

import os
import re
import subprocess
import sys

import pytest
import pyworkflow
from PIL import Image
from pyworkflow.gui.project.viewprotocols_extra import ProtocolTreeConfig
from pyworkflow.viewer import DESKTOP_TKINTER

import occupy_core
import occupy_scipion
from demo.atomic_model import write_model
from demo.simulate import phantom
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


def scipion(lab, *words):
    """Run a command of Scipion's launcher in the projects of these tests; return what it prints."""
    environment = {**os.environ, "SCIPION_TEST_NOSYNC": "True"}
    done = subprocess.run(
        [sys.executable, "-m", "scipion", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_scipion_finds_and_passes_the_tests_of_the_plugin(lab):
    said = scipion(lab, "inspect", "occupy_scipion")
    assert {"protocols", "viewers", "wizards", "tests"} <= set(re.findall(r">>> (\w+):  loaded", said))
    assert "occupy_scipion.tests.test_protocols.TestOccupy" in scipion(lab, "tests", "--grep", "occupy")
    assert "run 2 tests" in scipion(lab, "tests", "occupy_scipion.tests.test_protocols")


def test_the_scripts_of_the_documentation_run(lab, map_file, tmp_path):
    page = (REPOSITORY / "docs/scipion.md").read_text(encoding="utf-8")
    section = re.search(r"## From a script\n(.*?)\n## ", page, re.DOTALL)[1]
    one_map, model = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    fitted = write_model(phantom(), tmp_path / "fitted.cif")
    path = tmp_path / "script.py"
    paths = {"/path/to/map.mrc": str(map_file), "/path/to/fitted.cif": str(fitted), "my_project": "documented"}
    script = f"{one_map}\n{model}"
    for name, path_of_test in paths.items():
        script = script.replace(name, path_of_test)
    path.write_text(script.replace("samplingRate=1.2", "samplingRate=3.0"))
    said = scipion(lab, "python", str(path))
    assert said.count("finished\n") == 2 and "scale.mrc" in said and "*Result:*" in said
    assert "model_occupancy.cif" in said and "*Occupancy of the chains of fitted.cif" in said


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


XMIPP = "pwem.viewers.DataViewer"
OURS = "occupy_scipion.viewers.OccupyVolumeViewer"


def test_double_click_opens_our_maps_in_scipions_window(tmp_path):
    """With the choice of viewers that Scipion's launcher makes for its window."""
    script = tmp_path / "viewers.py"
    script.write_text(
        "import pyworkflow\n"
        "from pwem.objects import Volume, VolumeMask\n"
        "domain = pyworkflow.Config.getDomain()\n"
        "domain.getProtocols()\n"
        "for kind, name in ((Volume, 'Runs/000012_ProtOccupyLocalScale/extra/scale.mrc'),\n"
        "                   (VolumeMask, 'Runs/000012_ProtOccupyLocalScale/extra/subtraction_mask_attenuated.mrc'),\n"
        "                   (Volume, 'Runs/000012_ProtImportVolumes/extra/scale.mrc')):\n"
        "    volume = kind()\n"
        "    volume.setFileName(name)\n"
        "    print('FIRST', domain.findViewers(volume, 'tkinter')[0].__name__)\n"
    )
    chosen = {"VIEWERS": str({"Volume": [XMIPP], "VolumeMask": [XMIPP]})}
    words = [sys.executable, "-W", "ignore", str(script)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env={**os.environ, **chosen})
    found = [line.split()[-1] for line in done.stdout.splitlines() if line.startswith("FIRST")]
    assert found == ["OccupyVolumeViewer", "OccupyVolumeViewer", "DataViewer"], done.stderr


@pytest.mark.parametrize(
    ("chosen", "has_xmipp", "expected"),
    [
        ([XMIPP], False, [OURS, XMIPP]),
        ([], False, [OURS]),
        ([XMIPP], True, [XMIPP]),  # those who have Xmipp keep its viewer
        (["pwem.viewers.ChimeraViewer"], False, ["pwem.viewers.ChimeraViewer"]),  # so does who chose another
        ([OURS, XMIPP], False, [OURS, XMIPP]),
    ],
)
def test_viewer_of_maps_is_preferred_where_xmipps_fails(chosen, has_xmipp, expected):
    viewers = {"Volume": list(chosen), "VolumeMask": [XMIPP], "SetOfVolumes": ["other"]}
    occupy_scipion.prefer_own_viewer(viewers, has_xmipp=has_xmipp)
    assert viewers["Volume"] == expected and viewers["SetOfVolumes"] == ["other"]
    assert viewers["AtomStruct"] == ["occupy_scipion.viewers.OccupyModelOutputViewer"]
    viewers = {"AtomStruct": ["pwem.viewers.ChimeraViewer"]}
    occupy_scipion.prefer_own_viewer(viewers, has_xmipp=has_xmipp)
    assert viewers["AtomStruct"] == ["pwem.viewers.ChimeraViewer"]
