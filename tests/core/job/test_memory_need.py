# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory that a job needs: estimated right, compared with what the process may use, before the work."""

import errno
import os
import resource
import subprocess
import sys

import numpy as np
import pytest

from occupy_core.errors import JobError
from occupy_core.job.memory_limit import memory_limit
from occupy_core.job.memory_need import needed_memory
from occupy_core.job.run import run_job
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.settings import Settings
from tests.fuzzing.headers import map_bytes

FILLER, CALIBRATED = {"attenuate": 3.0}, {"normalisation": "calibrated"}
# Measured peaks of the resident memory, MiB: side of the box, settings, whether two maps are compared.
PEAKS = [
    (128, {}, False, 90),
    (256, {}, False, 271),
    (384, {}, False, 486),
    (384, {"max_box": 0}, False, 773),
    (512, {"max_box": 0}, False, 1750),
    (512, {"max_box": 128}, False, 743),
    (512, {"max_box": 0, **FILLER}, False, 2893),
    (512, {"max_box": 384, **FILLER}, False, 1450),
    (512, FILLER, False, 831),
    (256, {"amplify": 3.0, "sigmoid": 4.0, **FILLER}, False, 421),
    (256, {"amplify": 3.0, "lowpass_output": 6.0}, False, 332),
    (256, {"amplify": 3.0, "hist_match": True}, False, 503),
    (384, {"amplify": 3.0, "hist_match": True}, False, 1511),
    (256, {"nlrc": True}, False, 400),
    (256, CALIBRATED, False, 308),
    (256, {**CALIBRATED, **FILLER}, False, 446),
    (256, {"target_mask": ("m",)}, False, 335),
    (384, {"target_mask": ("m",), **CALIBRATED}, False, 590),
    (256, {"solvent_def": "m"}, False, 354),
    (384, {"solvent_def": "m", **FILLER}, False, 827),
    (256, {"solvent_def": "m", "target_mask": ("m",), **FILLER}, False, 517),
    (384, {"subtraction_mask": True, **FILLER}, False, 723),
    (384, {"solvent_threshold": 0.5}, False, 775),
    (320, {"figures": True}, False, 402),
    (200, {"figures": True, "model": "m"}, False, 343),
    (256, {"figures": True, "model": "m"}, False, 388),
    (320, {"figures": True, "model": "m"}, False, 605),
    (128, {}, True, 97),
    (256, {}, True, 279),
    (384, {}, True, 682),
    (384, {"max_box": 128}, True, 374),
    (384, {"max_box": 0}, True, 787),
]


@pytest.mark.parametrize(("side", "settings", "compare", "peak"), PEAKS)
def test_the_estimate_agrees_with_the_measured_peaks(side, settings, compare, peak):
    model_bytes = 9_201_238 * ("model" in settings)  # of 100 chains, 115,000 atoms
    settings = Settings(**{"figures": False, **settings})
    estimate = needed_memory((side,) * 3, settings, compare=compare, model_bytes=model_bytes) / 2**20
    assert 0.84 * peak < estimate < 1.12 * peak


def test_a_small_model_needs_little_memory():
    """Measured: 135 MB for a job on five chains, 0.6 MB of text, in a box of 78."""
    estimate = needed_memory((78,) * 3, Settings(figures=False, model="m"), model_bytes=600_000)
    assert 0.84 * 135e6 < estimate < 1.12 * 135e6


# Prints the peak of a command's memory. Runs in a process of its own: a child begins with the peak of its parent.
MEASURE = """
import os, resource, subprocess, sys
limit = int(sys.argv[1])
bound = (lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))) if limit else None
subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL, preexec_fn=bound)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


@pytest.fixture(autouse=True)
def threads_of_libraries(monkeypatch):
    """Leave the threads of numpy's libraries, whose stacks count as address space, as they are without settings."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


def run_command(folder, path, *options, address_space=0):
    """Run a job; return its standard error and the peak of its memory in bytes."""
    words = ["-m", "relion_external", "--o", f"{folder}/job/", "--in_3dref", str(path), "--figures", "no", *options]
    command = [sys.executable, "-c", MEASURE, str(address_space), sys.executable, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stderr, int(done.stdout)


def address_space_of_libraries():
    """Return the address space of a process that has loaded the program and its libraries, which versions differ in."""
    code = "import relion_external.job, occupy_core.job.run; print(open('/proc/self/statm').read().split()[0])"
    pages = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return int(pages) * resource.getpagesize()


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"attenuate": 3.0}, {"max_box": 96}])
def test_the_estimate_agrees_with_a_job(tmp_path, options):
    side = 192
    values = np.random.default_rng(0).standard_normal((side,) * 3, dtype=np.float32)
    values[64:128, 64:128, 64:128] += 3
    (tmp_path / "map.mrc").write_bytes(map_bytes(values))
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    errors, peak = run_command(tmp_path, tmp_path / "map.mrc", *words)
    assert errors == ""
    estimate = needed_memory((side,) * 3, Settings(figures=False, **options))
    assert peak / 1.5 < estimate < 1.5 * peak


@pytest.fixture
def large_map(tmp_path):
    """A function that makes a map of a box that takes no room on the disk."""

    def make(side):
        path = tmp_path / "large.mrc"
        path.write_bytes(map_bytes(np.zeros((2, 2, 2)))[:1024])
        with open(path, "r+b") as file:
            sides = np.array([side] * 3, "<i4").tobytes()
            file.write(sides)
            file.seek(28)
            file.write(sides)
            file.write(np.array([3.0 * side] * 3, "<f4").tobytes())
        os.truncate(path, 1024 + 4 * side**3)
        return path

    return make


@pytest.mark.parametrize(
    ("side", "max_box", "beyond_libraries", "way_out"),
    [
        (512, 0, 965_000_000, "set max_box to 256 or less, or raise it with ulimit -v"),
        (640, 256, 665_000_000, "(the limit of ulimit -v); raise it with ulimit -v"),
    ],
)
def test_a_job_that_cannot_fit_is_refused_before_the_work(
    tmp_path, large_map, side, max_box, beyond_libraries, way_out
):
    limit = beyond_libraries + address_space_of_libraries()
    errors, peak = run_command(tmp_path, large_map(side), "--max_box", str(max_box), address_space=limit)
    (line,) = errors.splitlines()
    assert f"large.mrc: the job needs about 1.{8 if side == 512 else 5} GB of memory for the box of {side} x" in line
    assert "but about " in line and line.endswith(way_out)
    assert peak < 100_000_000


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.ENOMEM, "Cannot allocate memory")])
def test_memory_that_runs_out_is_one_sentence_with_both_figures(phantom_file, tmp_path, error):
    def say(line):
        if line.startswith("Map 1"):
            raise error  # as where the next array would not fit

    job = Job((MapInput(phantom_file),), str(tmp_path / "out"), Settings(figures=False))
    words = rf"^out of memory: {phantom_file}: the job needs about 66 MB of memory for the box of 64 x 64 x 64 voxels"
    with pytest.raises(JobError, match=rf"{words} \(max_box 256\), and about .* can be used \(.*\); "):
        run_job(job, progress=say)
    assert list((tmp_path / "out").iterdir()) == []


def write_tree(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


MEMINFO = "MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable: 400 kB\nSwapTotal: 100 kB\nSwapFree: 50 kB\n"
STAT = "anon 1\ninactive_file 3000\nactive_file 2000\n"


@pytest.mark.parametrize(
    ("files", "most", "free", "name"),
    [
        ({}, 1100, 450, "this machine"),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "cg/a/memory.max": "512000\n",
                "cg/a/memory.current": "100000\n",
                "cg/a/memory.stat": STAT,
                "cg/a/b/memory.max": "max\n",
                "cg/a/memory.swap.max": "0\n",
            },
            500,
            (512000 - 100000 + 5000) / 1024,
            "queue or container",
        ),
        (
            {
                "proc/self/cgroup": "9:cpu:/x\n4:memory,hugetlb:/job_1\n",
                "cg/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "cg/memory/job_1/memory.limit_in_bytes": "204800\n",
                "cg/memory/job_1/memory.usage_in_bytes": "51200\n",
                "cg/memory/job_1/memory.stat": "inactive_file 1\ntotal_inactive_file 10240\ntotal_active_file 0\n",
            },
            300,
            160 + 100,
            "queue or container",
        ),
        (
            {"proc/self/cgroup": "4:memory:/of/the/machine\n", "cg/memory/memory.limit_in_bytes": "1024\n"},
            101,
            101,
            "queue or container",
        ),
    ],
)
def test_the_tightest_limit_is_found(tmp_path, files, most, free, name):
    write_tree(tmp_path, {"proc/meminfo": MEMINFO, **files})
    limit = memory_limit(in_use=0, proc=str(tmp_path / "proc"), cgroups=str(tmp_path / "cg"))
    assert (limit.most / 1024, name in limit.name) == (most, True)
    assert limit.free / 1024 == pytest.approx(free)


def test_a_system_without_these_files_has_no_limit(tmp_path):
    assert memory_limit(in_use=0, proc=str(tmp_path), cgroups=str(tmp_path)) is None


@pytest.mark.parametrize(("side", "volumes", "peak"), [(96, 100, 136), (64, 500, 136)])
def test_the_estimate_of_an_ensemble_agrees_with_the_measured_peaks(side, volumes, peak):
    estimate = needed_memory((side,) * 3, Settings(), compare=True, volumes=volumes)
    assert 0.85 * peak < estimate / 2**20 < 1.1 * peak


def test_small_maps_that_are_compared_on_several_threads_need_more():
    one, two, many = (needed_memory((128,) * 3, Settings(), compare=True, threads=count) for count in (1, 2, 8))
    assert 20_000_000 < two - one < 40_000_000 and many == two  # two of 128^3 at a time, at most
