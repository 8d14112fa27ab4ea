# SPDX-License-Identifier: GPL-3.0-or-later
"""Scipion finds the plugin, its protocols and its viewers."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import pyworkflow
from PIL import Image
from pyworkflow.gui.project.viewprotocols_extra import ProtocolTreeConfig
from pyworkflow.viewer import DESKTOP_TKINTER

import occupy_core
import occupy_scipion
from demo.atomic_model import write_model
from demo.particles import VOXEL_SIZE
from demo.simulate import phantom
from occupy_scipion.constants import REFERENCE
from occupy_scipion.protocols import ProtOccupyLocalScale
from tests.conftest import REPOSITORY, skip_or_fail
from tests.core.ensembles.made_volumes import made_volumes, present_or_absent, write_volumes
from tests.scipion import relion


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
    one_map, model, *_ = scripts_of_the_documentation()
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


def test_the_commands_of_the_documentation_lead_the_plugin_of_relion_to_its_programs(tmp_path):
    if relion.reason_missing():
        skip_or_fail(relion.reason_missing())
    page = (REPOSITORY / "docs/install.md").read_text(encoding="utf-8")
    section = re.search(r"### The plugin of RELION\n(.*?)\nScipion is an optional", page, re.DOTALL)[1]
    install, home = re.findall(r"```\n(.*?)```", section, re.DOTALL)
    version = re.search(r"scipion-em-relion==\S+", (REPOSITORY / "scripts/environment.sh").read_text())[0]
    assert f"pip install --no-deps {version}\n" in install
    home = home.replace("/usr/bin", str(Path(shutil.which("relion_refine")).parent))
    code = (
        "import pyworkflow; pyworkflow.Config.getDomain().getProtocols(); from relion import Plugin; "
        "print(Plugin.getActiveVersion(), Plugin.validateInstallation())"
    )
    done = subprocess.run(
        ["sh", "-e", "-c", f"{home}\n{sys.executable} -c '{code}'; test -e $RELION_HOME/bin/relion_refine"],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and done.stdout.endswith("3.1 []\n"), done.stdout + done.stderr


def test_the_commands_of_the_tutorial_start_scipion_in_a_fresh_shell(lab, tmp_path):
    """Scipion starts another Python, which it looks for on the PATH."""
    page = (REPOSITORY / "docs/tutorial.md").read_text(encoding="utf-8")
    (commands,) = [block for block in re.findall(r"```\n(.*?)```", page, re.DOTALL) if "scipion" in block]
    script, home = tmp_path / "script.py", os.environ["SCIPION_HOME"]
    script.write_text("import pwem; print('started')")
    for old, new in (
        (".venv/bin", str(Path(sys.executable).parent)),
        ("$PWD/demo_output/scipion", home),
        ("project occupy_demo", f"python {script}"),
    ):
        assert old in commands
        commands = commands.replace(old, new)
    words, fresh = ["bash", "-e", "-c", commands], {"PATH": os.defpath, "HOME": home}
    done = subprocess.run(words, env=fresh, cwd=home, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "started\n" in done.stdout, done.stdout + done.stderr


def scripts_of_the_documentation():
    """Return the scripts for a map, a model, classes and a series of volumes."""
    page = (REPOSITORY / "docs/scipion.md").read_text(encoding="utf-8")
    section = re.search(r"## From a script\n(.*?)\n## ", page, re.DOTALL)[1]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


def test_the_script_of_the_documentation_compares_the_classes_of_relion(lab, class3d, tmp_path, monkeypatch):
    monkeypatch.delenv("RELION_HOME")  # an import needs none
    one_map, _, of_classes, _ = scripts_of_the_documentation()
    start = one_map[: one_map.index("imported =")].replace("my_project", "documented_classes")
    star = lab.folder / class3d[0]._getExtraPath("relion_it012_data.star")
    script = of_classes.replace("/path/to/Class3D/job003/run_it025_data.star", str(star))
    path = tmp_path / "script.py"
    path.write_text(start + script.replace("samplingRate=1.2", f"samplingRate={VOXEL_SIZE}"))
    said = scipion(lab, "python", str(path))
    assert "finished\n" in said and "*Result:*\nThe maps differ in 1 region" in said
    found = re.findall(r"^region 1 in class [12]: \S+ (\S+) \S+$", said, re.MULTILINE)
    low, high = sorted(map(float, found))
    assert low < 0.2 and high > 0.8
    (mask,) = re.findall(r"^mask: (\S+region001_mask.mrc)$", said, re.MULTILINE)
    assert (lab.folder.parent / "documented_classes" / mask).exists()


def test_the_script_of_the_documentation_compares_a_series_of_volumes(lab, tmp_path):
    volumes = tmp_path / "volumes"
    volumes.mkdir()
    write_volumes(volumes, made_volumes(present_or_absent(12, 2)))
    one_map, _, of_classes, of_series = scripts_of_the_documentation()
    imports = "".join(f"{line}\n" for line in of_classes.splitlines() if "import " in line)
    start = one_map[: one_map.index("imported =")].replace("my_project", "documented_series")
    script = of_series.replace("/path/to/volumes", str(volumes)).replace("samplingRate=1.2", "samplingRate=3.0")
    path = tmp_path / "script.py"
    path.write_text(start + imports + script)
    said = scipion(lab, "python", str(path))
    assert len(re.findall(r"^\d+ \d \d\.\d+$", said, re.MULTILINE)) == 12
    assert re.findall(r"^part (\d) 0\.\d+ comes and goes$", said, re.MULTILINE) == ["1", "2"]


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
