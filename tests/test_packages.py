# SPDX-License-Identifier: GPL-3.0-or-later
"""Which package may know which, and what holds for the repository as a whole."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.settings_table import README, with_table

REPOSITORY = Path(__file__).resolve().parents[1]
HOSTS = {"pwem", "pyworkflow", "occupy_scipion", "relion_external"}
MAY_NOT_IMPORT = {
    "occupy_core": HOSTS | {"starfile", "pandas"},
    "relion_external": {"pwem", "pyworkflow", "occupy_scipion", "matplotlib"},
    "occupy_scipion": {"relion_external", "starfile"},
}
# What a job on one map loads later than at the start, or not at all.
LATE = (
    *(
        "occupy_core.comparing",
        "occupy_core.estimate.calibration",
        "occupy_core.reporting.pdf.slices",
        "importlib.metadata",
    ),
    *("matplotlib", "PIL", "fontTools", "pandas", "starfile", "skimage"),
    *("scipy.ndimage", "scipy.special", "scipy.linalg", "scipy.sparse"),
)
BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Blocker())
"""


def run(code, *words):
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False, cwd=REPOSITORY
    )


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").split(".")[0]


@pytest.mark.parametrize("package", sorted(MAY_NOT_IMPORT))
def test_packages_import_in_one_direction(package):
    modules = list((REPOSITORY / package).rglob("*.py"))
    assert modules
    for path in modules:
        assert not MAY_NOT_IMPORT[package] & set(imports_of(path)), path


def test_the_core_works_with_the_hosts_absent(phantom_file):
    code = BLOCKED.format(blocked=HOSTS | {"matplotlib", "starfile", "pandas"}) + (
        "from occupy_core import Settings, process_map, read_map\n"
        "print(process_map(read_map(sys.argv[1]), Settings(amplify=3.0)).median_scale)\n"
    )
    done = run(code, phantom_file)
    assert done.returncode == 0, done.stderr
    assert 0 < float(done.stdout) <= 1


def test_the_relion_job_works_with_scipion_absent_and_loads_no_pandas_for_a_map(phantom_file, tmp_path):
    code = BLOCKED.format(blocked={"pwem", "pyworkflow", "occupy_scipion", "matplotlib", "pandas", "starfile"}) + (
        "from relion_external.supervisor import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    done = run(code, "--o", f"{tmp_path}/job/", "--in_3dref", phantom_file)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "job" / "scale.mrc").exists()
    assert "WARNING: no logfile.pdf was drawn: matplotlib is missing" in done.stdout


def test_a_job_on_one_map_loads_nothing_that_it_does_not_need(phantom_file, tmp_path):
    code = (
        "import sys\nfrom relion_external.job import run\nstatus = run(sys.argv[1:])\n"
        f"print(*[name for name in sys.modules if name.startswith({LATE!r})])\nsys.exit(status)\n"
    )
    words = ["--o", f"{tmp_path}/job/", "--in_3dref", phantom_file, "--attenuate", "3", "--figures", "no"]
    done = run(code, *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == ""
    assert (
        "occupy_core.estimate.calibration" in run(code, *words, "--normalisation", "calibrated").stdout.splitlines()[-1]
    )


def test_options_are_checked_before_numpy_is_loaded():
    code = BLOCKED.format(blocked={"numpy", "scipy", "mrcfile"}) + (
        "from relion_external.options import parse\n"
        "print(parse(['--o', 'x/', '--in_3dref', 'm.mrc', '--amplify']).settings.amplify)\n"
    )
    assert run(code).stdout.strip() == "3.0"


def test_public_names_are_there():
    import occupy_core

    for name in occupy_core.__all__:
        assert getattr(occupy_core, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        occupy_core.nonsense  # noqa: B018


def test_the_table_of_settings_in_the_readme_is_the_settings():
    text = README.read_text(encoding="utf-8")
    assert with_table(text) == text, "run: make readme"


def test_every_file_of_code_names_its_licence():
    for package in (*MAY_NOT_IMPORT, "demo", "benchmarks", "scripts", "tests"):
        for path in (REPOSITORY / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert not text or text.startswith("# SPDX-License-Identifier: GPL-3.0-or-later"), path
