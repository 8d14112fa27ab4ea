# SPDX-License-Identifier: GPL-3.0-or-later
"""The direction of imports between packages and folders, and rules for the whole repository."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scripts.settings_table import PAGE, with_table
from tests.star_text import write_iteration

REPOSITORY = Path(__file__).resolve().parents[1]
HOSTS = {"pwem", "pyworkflow", "occupy_scipion", "relion_external"}
TABLES = {"starfile", "pandas", "emtable"}  # STAR files are read and written by relion_files alone
MAY_NOT_IMPORT = {
    "occupy_core": HOSTS | TABLES | {"relion_files"},
    "relion_files": HOSTS | TABLES | {"numpy", "scipy", "matplotlib"},
    "relion_external": {"pwem", "pyworkflow", "occupy_scipion", "matplotlib"} | TABLES,
    "occupy_scipion": {"relion_external"} | TABLES,
}
# The folders and root modules of occupy_core, from the lowest to the highest: each imports only itself and lower ones.
FLOORS = (
    *(
        "version",
        "errors",
        "files",
        "input_files",
        "progress",
        "arrays",
        "fourier",
        "maps",
        "settings",
        "solvent",
        "estimate",
        "modify",
    ),
    *(
        "weighting",
        "map_estimate",
        "process",
        "comparing",
        "ensembles",
        "modelling.atoms",
        "modelling.fit",
        "modelling",
        "reporting",
        "reporting.pdf",
        "api",
        "job",
        "__main__",
    ),
)
# Longer than 300 lines: texts for users, or many lines of docstrings and signatures.
LONG_MODULES = {
    "occupy_core.settings.settings": 480,
}
CODE = ("occupy_core", "relion_files", "occupy_scipion", "relion_external", "benchmarks", "demo", "scripts")
# Modules that a job on one map loads after its start, or not at all.
LATE = (
    *(
        "occupy_core.comparing",
        "occupy_core.ensembles",
        "occupy_core.modelling",
        "occupy_core.estimate.calibration",
        "occupy_core.reporting.pdf.sections_figure",
        "occupy_core.reporting.region_sections",
        "importlib.metadata",
    ),
    *("gemmi", "matplotlib", "PIL", "fontTools", "pandas", "starfile", "skimage"),
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
    """Names of the modules that a file imports, also in functions and under TYPE_CHECKING."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_name(path):
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def lines_of_code(function):
    """Number of lines of a function's body, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def floor_of(module):
    """Place of a module of occupy_core in `FLOORS`."""
    parts = module.split(".")[1:]
    two = ".".join(parts[:2])
    return FLOORS.index(two if two in FLOORS else parts[0])


@pytest.mark.parametrize("package", sorted(MAY_NOT_IMPORT))
def test_packages_import_in_one_direction(package):
    modules = list((REPOSITORY / package).rglob("*.py"))
    assert modules
    for path in modules:
        assert not MAY_NOT_IMPORT[package] & {name.split(".")[0] for name in imports_of(path)}, path


def test_folders_of_the_core_import_in_one_direction():
    for path in (REPOSITORY / "occupy_core").rglob("*.py"):
        module = module_name(path)
        if module == "occupy_core":
            continue  # names the public modules, and imports none of them before it is used
        for name in imports_of(path):
            if name.startswith("occupy_core."):
                assert floor_of(name) <= floor_of(module), f"{module} imports {name}"


def test_no_modules_import_each_other_in_a_circle():
    paths = [path for folder in CODE for path in (REPOSITORY / folder).rglob("*.py")]
    modules = {module_name(path): path for path in paths}
    waiting = {
        name: {other for other in imports_of(path) if other in modules and other != name}
        for name, path in modules.items()
    }
    while True:
        free = [name for name, needs in waiting.items() if not needs & waiting.keys()]
        if not free:
            break
        for name in free:
            del waiting[name]
    assert not waiting, f"in circles, or importing one: {sorted(waiting)}"


def test_the_root_of_the_core_holds_few_modules_and_no_module_is_long():
    root = [path.name for path in (REPOSITORY / "occupy_core").glob("*.py")]
    assert len(root) <= 10
    for path in (REPOSITORY / "occupy_core").rglob("*.py"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= LONG_MODULES.get(module_name(path), 300), path


def test_no_function_is_longer_than_sixty_lines_of_code():
    for folder in CODE:
        for path in (REPOSITORY / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    assert lines_of_code(node) <= 60, f"{path}: {node.name}"


def test_tests_mirror_the_folders_of_the_core():
    tests = REPOSITORY / "tests" / "core"
    for path in tests.rglob("test_*.py"):
        folder = path.parent.relative_to(tests)
        assert (REPOSITORY / "occupy_core" / folder).is_dir(), path
    for folder in (REPOSITORY / "occupy_core").iterdir():
        if (folder / "__init__.py").is_file():
            assert list((tests / folder.name).rglob("test_*.py")), folder


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


def test_a_job_on_classes_loads_no_pandas(tmp_path):
    write_iteration(f"{tmp_path}/run_it001", np.random.default_rng(1))
    code = BLOCKED.format(blocked={"matplotlib", "pandas", "starfile"}) + (
        "from relion_external.job import run\nsys.exit(run(sys.argv[1:]))\n"
    )
    done = run(code, "--o", f"{tmp_path}/job/", "--in_parts", f"{tmp_path}/run_it001_data.star", "--figures", "no")
    assert done.returncode == 0, done.stderr


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


def test_type_checkers_see_the_public_names():
    import occupy_core

    tree = ast.parse((REPOSITORY / "occupy_core/__init__.py").read_text(encoding="utf-8"))
    seen = {
        alias.asname: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }
    modules = {name: f"occupy_core.{module}" for name, module in occupy_core._MODULES.items()}
    assert seen == {**modules, "__version__": "occupy_core.version"}
    assert set(seen) == set(occupy_core.__all__)
    assert (REPOSITORY / "occupy_core/py.typed").is_file()


def test_the_table_of_settings_in_the_documentation_agrees_with_the_settings():
    text = PAGE.read_text(encoding="utf-8")
    assert with_table(text) == text, "run: make settings-table"


def test_every_file_of_code_names_its_licence():
    for package in (*MAY_NOT_IMPORT, "demo", "benchmarks", "scripts", "tests"):
        for path in (REPOSITORY / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert not text or text.startswith("# SPDX-License-Identifier: GPL-3.0-or-later"), path
