# SPDX-License-Identifier: GPL-3.0-or-later
"""How matplotlib is loaded for a job. Each test runs in a new Python process."""

import os
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

LOADED = "import sys\nfrom occupy_core.reporting.pdf.preload import load_matplotlib\nload_matplotlib()\n"


def run(code, *words, **environment):
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=REPOSITORY, env={**os.environ, **environment}
    )


def test_parts_that_are_left_out_are_loaded_when_used(tmp_path):
    code = LOADED + (
        "assert 'fontTools.ttLib' not in sys.modules\n"
        "import matplotlib\nfrom matplotlib.figure import Figure\nfrom matplotlib.artist import kwdoc\n"
        "matplotlib.rcParams['pdf.fonttype'] = 42\nfigure = Figure()\nfigure.text(0.5, 0.5, 'words')\n"
        "figure.savefig(sys.argv[1])\nassert 'fontTools.ttLib' in sys.modules\n"
        "import fontTools.subset\nassert fontTools.subset.Options and 'alpha' in kwdoc(Figure)\n"
    )
    done = run(code, str(tmp_path / "words.pdf"))
    assert done.returncode == 0, done.stderr
    assert b"CIDFontType2" in (tmp_path / "words.pdf").read_bytes()


def test_matplotlib_and_font_tools_may_be_loaded_already():
    done = run("import matplotlib.figure, fontTools.subset\n" + LOADED + "assert fontTools.subset.Options\n")
    assert done.returncode == 0, done.stderr


def test_a_cache_folder_that_cannot_be_written_gives_no_message(tmp_path):
    (tmp_path / "file").touch()
    done = run(LOADED, MPLCONFIGDIR=str(tmp_path / "file" / "none"))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("backend", ["module://gone.backend_inline", "nonsense", "svg", ""])
def test_the_backend_of_a_notebook_neither_stops_the_loading_nor_is_lost(backend):
    code = LOADED + "import os, matplotlib\nprint(os.environ['MPLBACKEND'], matplotlib.get_backend(), sep='|')\n"
    done = run(code, MPLBACKEND=backend)
    assert (done.returncode, done.stderr) == (0, "")
    kept, used = done.stdout.strip().split("|")
    assert kept == backend
    if backend == "svg":
        assert used == "svg"


def test_a_home_folder_is_not_needed(tmp_path):
    environment = {"HOME": str(tmp_path / "gone"), "XDG_CACHE_HOME": str(tmp_path / "gone"), "MPLCONFIGDIR": ""}
    done = run(LOADED, **environment)
    assert (done.returncode, done.stderr) == (0, "")


DRAW = """
import sys
from matplotlib.figure import Figure
from occupy_core.reporting.pdf.logfile import fixed_style
from occupy_core.reporting.pdf.frames import Frame
from occupy_core.reporting.pdf.pages_file import pdf_pages
from occupy_core.reporting.pdf.sheets import Page
from pathlib import Path
with fixed_style(), pdf_pages(Path(sys.argv[1])) as add_page:
    page = Page("title")
    frame = Frame(page, 1, 2, 3, 3)
    frame.picture([[0, 1], [2, 3]], "viridis", (0, 3))
    frame.line((0, 1), (0, 1), "line")
    frame.legend()
    add_page(page.figure)
"""


def test_pages_are_the_same_without_axes(tmp_path):
    for name, axes in (("with", True), ("without", False)):
        code = f"from occupy_core.reporting.pdf.preload import load_drawing\nassert not load_drawing(axes={axes})\n"
        loaded = f"import sys\nassert ('matplotlib.axes._axes' in sys.modules) == {axes}\n"
        done = run(code + loaded + DRAW + loaded, str(tmp_path / name))
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "with").read_bytes() == (tmp_path / "without").read_bytes()


def test_axes_are_loaded_where_matplotlib_cannot_do_without(tmp_path):
    """Here a class that a version of matplotlib might need while it is loaded."""
    code = (
        "import occupy_core.reporting.pdf.preload as preload\nreal = preload.load_matplotlib\n"
        "def needing():\n    from matplotlib.axes import SubplotBase\n    real()\n"
        "calls = []\ndef load():\n    calls.append(1)\n    needing() if len(calls) == 1 else real()\n"
        "preload.load_matplotlib = load\nassert not preload.load_drawing(axes=False) and len(calls) == 2\n"
        "from matplotlib.figure import Figure\nassert Figure().subplots().plot([1, 2])\n"
    )
    done = run(code + DRAW, str(tmp_path / "pages.pdf"))
    assert done.returncode == 0, done.stderr
