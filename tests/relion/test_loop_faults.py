# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults in the loop of relion_refine: it stops and says why, or goes on with the plain map and a warning."""

import os
import re
import shutil
import subprocess
import sys

import mrcfile
import numpy as np
import pytest

from demo.particles import write_particles
from relion_external.loop.inversion import INVERSION
from tests.relion.loop_runs import CLASSIFICATION, HOOK, environment, refine, relion_version, rows, run

pytestmark = [pytest.mark.usefixtures("relion"), pytest.mark.slow]
ROOT = "kept/run_it003_class001"
STAR = f"{ROOT}_external_reconstruct.star"
RESULT, RAW = f"{ROOT}_external_reconstruct.mrc", f"{ROOT}_occupy_raw.mrc"
CONSENSUS = ("--method", "consensus", "--start", "1")
SISTER = "kept/run_it002_class002_occupy_raw.mrc"
# RELION calls this in the third iteration of the first class: it keeps the request, and goes on.
KEEP = f"""#!/bin/sh
case $1 in *it003_class001*) cp kept/* saved/;; esac
exec {HOOK} "$1"
"""


@pytest.fixture(scope="module")
def particles(relion, tmp_path_factory):
    """A folder with 60 particles, and `saved`: a run at the moment when RELION asks for its fifth map."""
    folder = tmp_path_factory.mktemp("faults")
    write_particles(folder, numbers=(30, 30), noise=1.5)
    (folder / "saved").mkdir()
    script = folder / "keep.sh"
    script.write_text(KEEP)
    script.chmod(0o755)
    done = refine(folder, "kept", f"{CLASSIFICATION} --K 2 --iter 4", hook=str(script))
    assert done.returncode == 0, done.stdout
    shutil.rmtree(folder / "kept")
    return folder


@pytest.fixture
def project(particles, tmp_path):
    """The run at that moment, in a folder of its own."""
    shutil.copytree(particles / "saved", tmp_path / "kept")
    return tmp_path


def reconstruct(folder, *options, **changes):
    """Call the program as RELION does."""
    return run(folder, [*HOOK.split(), *options, STAR], **changes)


def plain_map(folder):
    """The map that RELION's program makes of the request, regularised as in relion_refine, and with its gridding."""
    text = re.sub(r"^( *[0-4] +)\S+", r"\g<1>1e+20", (folder / STAR).read_text(), flags=re.M)
    (folder / "kept/plain.star").write_text(text.replace(RESULT, "kept/plain.mrc"))
    skip = ["--skip_gridding"] * (relion_version() > 3)
    subprocess.run([INVERSION, "kept/plain.star", *skip], cwd=folder, check=True, capture_output=True)
    return mrcfile.read(folder / "kept/plain.mrc")


def stops(done, *sentences):
    assert done.returncode != 0, done.stdout
    for sentence in sentences:
        assert re.search(sentence, done.stdout), done.stdout
    assert "Traceback" not in done.stdout


def goes_on(done, folder, *sentences, plain):
    """The program succeeds, warns, and gives RELION the plain map."""
    assert done.returncode == 0, done.stdout
    for sentence in sentences:
        assert re.search(sentence, done.stdout), done.stdout
    assert "Traceback" not in done.stdout
    np.testing.assert_array_equal(mrcfile.read(folder / RESULT), plain)


# --------------------------- RELION's program fails: RELION stops ---------------------------

REAL = shutil.which(INVERSION)
_MAP = """
import sys, mrcfile, numpy as np, re
name = re.search(r"_rlnExtReconsResult +(.+)", open(sys.argv[1]).read())[1].strip()
with mrcfile.open(name, "r+") as file:
"""
FAULTY = {
    "killed": ("kill -9 $$", r"iteration 1, class 1: relion_external_reconstruct was killed by signal 9"),
    "fails": ("echo no licence; exit 3", r"ended with exit code 3 \(no licence\)"),
    "no map": ("exit 0", r"relion_external_reconstruct wrote no map"),
    "wrong box": (
        "    file.set_data(file.data[:-2, :-2, :-2].copy())",
        r"wrote a box of 38 x 38 x 38 voxels, expected 40",
    ),
    "not a number": (
        "    file.data[20] = np.nan",
        r"values that are no numbers",
    ),
    "cut short": ("    pass\nopen(name, 'r+b').truncate(100000)", r"100000 bytes of mode 2, expected 257024"),
}


def faulty_program(folder, fault):
    """Put a program that has a fault before RELION's own on the path; return the path."""
    folder.mkdir()
    program, text = folder / INVERSION, FAULTY[fault][0]
    if text.startswith("    "):
        script = folder / "change.py"
        script.write_text(_MAP + text + "\n")
        text = f'{REAL} "$1" && {sys.executable} -W ignore {script} "$1"'
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize("fault", FAULTY)
def test_relion_stops_where_the_inversion_fails(particles, tmp_path, fault):
    job = fault.replace(" ", "_")
    path = faulty_program(tmp_path / "bin", fault)
    done = refine(particles, job, f"{CLASSIFICATION} --K 2 --iter 2", PATH=path)
    stops(done, FAULTY[fault][1], "relion_external_occupy_reconstruct: ERROR")
    left = {path.name.split("class001")[-1] for path in (particles / job).glob("run_it001*")}
    arrays = {f"_external_reconstruct_{name}.mrc" for name in ("data_real", "data_imag", "weight")}
    assert left == {*arrays, "_external_reconstruct.star"}


def test_relion_stops_without_its_program_on_the_path(particles, tmp_path):
    (tmp_path / "relion_refine").symlink_to(shutil.which("relion_refine"))
    (tmp_path / "sh").symlink_to("/bin/sh")
    done = refine(particles, "no_path", f"{CLASSIFICATION} --K 2 --iter 2", PATH=str(tmp_path))
    stops(done, "relion_external_reconstruct was not found on the PATH.*add RELION's folder")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--method consent", "invalid choice: 'consent'"),
        ("--metod confidence", "unknown option --metod; did you mean --method"),
        ("--start 0", "got '0', expected the number of an iteration"),
        ("--smooth fine", "got 'fine', expected a length in Å"),
    ],
)
def test_relion_stops_at_a_wrong_option(particles, options, sentence):
    """In the first iteration, before anything is computed in vain."""
    done = refine(particles, "option", f"{CLASSIFICATION} --K 2 --iter 2", hook=f"{HOOK} {options}")
    stops(done, sentence, "correct RELION_EXTERNAL_RECONSTRUCT_EXECUTABLE")


def test_relion_stops_where_the_disk_is_full(particles, tmp_path):
    """A limit of the size of files stands for the disk: the arrays of RELION are larger, so it is set in the hook."""
    hook = tmp_path / "hook.sh"
    hook.write_text(f'#!/bin/sh\nulimit -f 300\nexec {HOOK} "$1"\n')  # blocks of 512 bytes: 150 kB
    hook.chmod(0o755)
    done = refine(particles, "full", f"{CLASSIFICATION} --K 2 --iter 2", hook=str(hook))
    stops(done, "iteration 1, class 1: relion_external_reconstruct")


# --------------------------- the request is damaged: the program says so ---------------------------


def test_missing_array_is_named(project):
    (project / f"{ROOT}_external_reconstruct_weight.mrc").unlink()
    stops(reconstruct(project), "it003_class001_external_reconstruct_weight.mrc: found no map, expected an array")
    assert not (project / RESULT).exists() and not (project / RAW).exists()


def test_array_that_is_cut_short_is_named(project):
    """RELION's program reads it without an error, and makes a wrong map."""
    os.truncate(project / f"{ROOT}_external_reconstruct_data_real.mrc", 5000)
    stops(reconstruct(project), "data_real.mrc: found 5000 bytes of mode 2, expected .* cut short")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("data_external_reconstruct_general", "data_other", "in data_external_reconstruct_general"),
        ("_rlnExtReconsResult ", "_rlnOther ", "has no rlnExtReconsResult"),
        ("_rlnOriginalImageSize ", "_rlnOther ", "has no rlnOriginalImageSize"),
    ],
)
def test_star_without_its_tables_is_an_error(project, old, new, sentence):
    text = (project / STAR).read_text()
    (project / STAR).write_text(text.replace(old, new))
    stops(reconstruct(project), sentence)


def test_star_that_does_not_exist_is_an_error(project):
    (project / STAR).unlink()
    stops(reconstruct(project), "no such file, expected a STAR file")


def test_folder_that_cannot_be_written_to_is_an_error(project):
    as_user = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("needs setpriv: root may write to every folder")
        as_user = "setpriv --reuid=65534 --clear-groups".split()
        for folder in (project, *project.parents[:2]):
            folder.chmod(0o755)
    (project / "kept").chmod(0o555)
    done = run(project, [*as_user, *HOOK.split(), STAR])
    (project / "kept").chmod(0o755)
    stops(done, "Permission denied")


# --------------------------- the map cannot be weighted: RELION gets the plain map ---------------------------


def damage_nothing(project):
    pass


def remove_models(project):
    for path in project.glob("kept/*_model.star"):
        path.unlink()


def garble_model(project):
    (project / "kept/run_it002_model.star").write_bytes(b"\x00\xff garbage")


def remove_sister(project):
    (project / SISTER).unlink()


def put_sister_of_another_run(project):
    """A run of another name in the same folder."""
    (project / SISTER).rename(project / SISTER.replace("run_it", "other_it"))


def remove_all_raw_maps(project):
    for path in project.glob("kept/*_raw.mrc"):
        path.unlink()


def cut_sister(project):
    os.truncate(project / SISTER, 20000)


def shrink_sister(project):
    with mrcfile.open(project / SISTER, "r+") as file:
        file.set_data(file.data[:-2, :-2, :-2].copy())


def copy_own_to_sister(project):
    """Both classes are one map."""
    with mrcfile.open(project / SISTER, "r+") as file:
        file.set_data(plain_map(project))


# RELION 4 and 5 give the voxel size with the request.
NOT_KNOWN = "(the voxel size is not known|no class has particles and a raw map of iteration 2)"
DAMAGES = [
    (remove_models, (), f"WARNING: iteration 3, class 1: plain map .{NOT_KNOWN}"),
    (garble_model, (), f"WARNING.*{NOT_KNOWN}"),
    (remove_all_raw_maps, (), "WARNING.*no class has particles and a raw map of iteration 2"),
    (remove_sister, CONSENSUS, "WARNING.*class 2 has a share of the particles, but no raw map of iteration 2"),
    (remove_sister, (), "WARNING.*class 2 has a share of the particles, but no raw map of iteration 2"),
    (put_sister_of_another_run, (), "WARNING.*class 2 has a share of the particles, but no raw map of iteration 2"),
    (cut_sister, CONSENSUS, "WARNING.*run_it002_class002_occupy_raw.mrc: .*cut short"),
    (shrink_sister, CONSENSUS, "WARNING.*found a box of 38 x 38 x 38 voxels, expected 40"),
    (copy_own_to_sister, CONSENSUS, "WARNING.*two classes with the same map"),
    (damage_nothing, ("--smooth", "900"), "WARNING"),
]


@pytest.mark.parametrize(("damage", "options", "sentence"), DAMAGES)
def test_goes_on_with_the_plain_map(project, damage, options, sentence):
    plain = plain_map(project)
    damage(project)
    goes_on(reconstruct(project, *options), project, sentence, plain=plain)
    assert rows(project, "kept")[0][-1] == (3, 1, "none")


@pytest.mark.parametrize("options", [(), CONSENSUS])
def test_without_damage_the_map_is_weighted(project, options):
    plain = plain_map(project)
    done = reconstruct(project, *options)
    assert done.returncode == 0 and "WARNING" not in done.stdout, done.stdout
    assert not np.array_equal(mrcfile.read(project / RESULT), plain)
    np.testing.assert_array_equal(mrcfile.read(project / RAW), plain)
    assert not list(project.glob("kept/*_weight.mrc"))


def test_request_of_relion_4_tells_the_voxel_size_itself(project):
    """From 4.0.1 on."""
    model = project / "kept/run_it002_model.star"
    model.write_text(model.read_text().replace("_rlnPixelSize ", "_rlnOther "))
    (project / "kept/run_it002_optimiser.star").unlink()
    text = (project / STAR).read_text()
    size = "_rlnPixelSize 4.000000\n_rlnParticleDiameter 140.000000\n_rlnOriginalImageSize "
    if "_rlnPixelSize" not in text:
        (project / STAR).write_text(text.replace("_rlnOriginalImageSize ", size))
    done = reconstruct(project)
    assert done.returncode == 0 and "iteration 3, class 1: confidence keeps" in done.stdout, done.stdout


def test_last_iteration_of_a_refine3d_is_told(project):
    """It joins the halves, and only these have model STAR files of the iteration before."""
    plain = plain_map(project)
    (project / "kept/run_it002_model.star").rename(project / "kept/run_it002_half1_model.star")
    optimiser = project / "kept/run_it002_optimiser.star"
    text, count = re.subn(r"(_rlnDoAutoRefine\s+)0", r"\g<1>1", optimiser.read_text())
    assert count == 1
    optimiser.write_text(text)
    done = reconstruct(project)
    goes_on(done, project, "iteration 3, class 1: plain map .is of a Refine3D", plain=plain)
    assert "WARNING" not in done.stdout


@pytest.mark.parametrize("library", ["numpy", "mrcfile", "scipy"])
def test_broken_installation_goes_on_with_the_plain_map(project, tmp_path, library):
    plain = plain_map(project)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / f"{library}.py").write_text("raise ImportError('cannot be loaded')\n")
    path = f"{broken}:{environment()['PYTHONPATH']}"
    goes_on(reconstruct(project, PYTHONPATH=path), project, "WARNING.*cannot be loaded", plain=plain)


def test_lack_of_memory_goes_on_with_the_plain_map(project):
    plain = plain_map(project)
    limited = ["sh", "-c", f"ulimit -v 60000; exec {HOOK} {STAR}"]
    goes_on(run(project, limited), project, "WARNING", plain=plain)


def test_disk_that_is_full_for_the_weighted_map_goes_on_with_the_plain_map(project, tmp_path):
    """The plain map has two names and is on the disk once."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small disk")
    plain, small = plain_map(project), tmp_path / "small"
    small.mkdir()
    used = sum(path.stat().st_size for path in (project / "kept").iterdir())
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={(used + 400_000) // 1024}k", "tmpfs", small]).returncode:
        pytest.skip("cannot mount a small disk")
    try:
        shutil.copytree(project / "kept", small / "kept")
        done = reconstruct(small)
        goes_on(done, small, "WARNING: iteration 3, class 1: plain map .No space left on device", plain=plain)
        assert not list(small.glob("kept/*.partial"))
    finally:
        subprocess.run(["umount", small], check=True)


def test_maps_without_a_molecule_stay_plain(particles, tmp_path):
    """Particles of noise alone."""
    for name in ("particles.star", "reference.mrc"):
        shutil.copy(particles / name, tmp_path)
    (tmp_path / "Particles").mkdir()
    with mrcfile.open(particles / "Particles/particles.mrcs") as file:
        noise = np.random.default_rng(1).normal(size=file.data.shape).astype(np.float32)
    with mrcfile.new(tmp_path / "Particles/particles.mrcs") as file:
        file.set_data(-np.abs(noise))
    done = refine(tmp_path, "noise", f"{CLASSIFICATION} --K 2 --iter 3")
    assert done.returncode == 0 and "Traceback" not in done.stdout, done.stdout
    assert all(np.isfinite(mrcfile.read(path)).all() for path in tmp_path.glob("noise/run_it00*_class00?.mrc"))


# --------------------------- what is left of other runs, and the record ---------------------------


def test_what_an_earlier_run_left_is_not_taken(project):
    """A result STAR file that is there is read by RELION; a result map would be taken if the program were killed."""
    stale = project / f"{ROOT}_external_reconstruct_out.star"
    stale.write_text("data_\n")
    (project / RESULT).write_bytes(b"stale")
    (project / f"{ROOT}_external_reconstruct_weight.mrc").unlink()
    stops(reconstruct(project), "weight.mrc: found no map")
    assert not stale.exists() and not (project / RESULT).exists()


def test_other_name_is_passed_through(project):
    plain = plain_map(project)
    os.rename(project / STAR, project / "kept/other.star")
    done = run(project, [*HOOK.split(), "kept/other.star"])
    goes_on(done, project, "WARNING: other: plain map .the name is not that of a class", plain=plain)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("_class001", "_body001", "iteration 3, body 1: plain map .is a body"),
        ("_class", "_half1_class", "of a Refine3D"),
    ],
)
def test_bodies_and_halves_are_passed_through(project, old, new, sentence):
    """By their names: the arrays of a body or a half have the same form."""
    plain = plain_map(project)
    star = STAR.replace(old, new)
    os.rename(project / STAR, project / star)
    done = run(project, [*HOOK.split(), star])
    goes_on(done, project, sentence, plain=plain)
    assert "WARNING" not in done.stdout


def test_record_that_cannot_be_written_is_told(project):
    record = project / "kept/occupy_loop.star"
    record.unlink(missing_ok=True)
    record.mkdir()
    done = reconstruct(project)
    assert done.returncode == 0 and "not recorded in occupy_loop.star (Is a directory)" in done.stdout
    assert (project / RESULT).exists()
