# SPDX-License-Identifier: GPL-3.0-or-later
import contextlib
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from occupy_core.errors import ChangedInputError, JobError, MapError, ModelError, SettingsError
from occupy_core.input_files import open_regular_file, read_input_text, remember_inputs, unchanged_inputs
from occupy_core.job.output_folder import OutputFolder
from occupy_core.job.repeat import read_job_record
from occupy_core.job.staging import staged_outputs
from occupy_core.maps.reading import read_map
from occupy_core.settings.job_spec import read_job


@contextlib.contextmanager
def odd_file(folder, kind):
    """A path that is no regular file with content."""
    path = folder / f"{kind}.mrc"
    if kind == "named pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "empty file":
        path.symlink_to("/proc/self/status")
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            yield str(path)
        return
    yield str(path)


KINDS = ("named pipe", "folder", "device", "socket", "empty file")


def read_model(path):
    from occupy_core.modelling.atoms.atomic_model import read_model

    return read_model(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("read", "error"),
    [(read_map, MapError), (read_model, ModelError), (read_job_record, JobError), (read_job, JobError)],
)
def test_readers_refuse_at_once_what_is_no_file(tmp_path, kind, read, error):
    with odd_file(tmp_path, kind) as path, pytest.raises(error) as caught:
        read(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: found a{'n' * (kind == 'empty file')} {kind}, expected ") and "; " in text


@pytest.mark.parametrize("option", ["--in_3dref", "--target_mask", "--in_mask", "--settings", "--model"])
def test_a_job_does_not_wait_for_a_pipe(phantom_file, tmp_path, option):
    os.mkfifo(tmp_path / "pipe")
    words = [] if option in ("--in_3dref", "--settings") else ["--in_3dref", phantom_file]
    command = [sys.executable, "-m", "relion_external", "--o", f"{tmp_path}/job/", *words, option, f"{tmp_path}/pipe"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and f"{tmp_path}/pipe: found a named pipe, expected" in line


def test_paths_that_no_file_can_have_are_one_line(tmp_path):
    for name in ("a\0b", "x" * 5000, f"{tmp_path}/loop"):
        Path(tmp_path, "loop").unlink(missing_ok=True)
        Path(tmp_path, "loop").symlink_to("loop")
        with pytest.raises(MapError, match="cannot be opened .*expected a map"):
            read_map(name)


@pytest.mark.parametrize("moment", ["opened again", "end"])
@pytest.mark.parametrize("change", ["changed from 3 to 5 bytes", "changed", "removed", "replaced by another file"])
def test_a_changed_file_is_found_when_it_is_opened_again_and_at_the_end(tmp_path, change, moment):
    path = tmp_path / "a.txt"
    path.write_text("one")
    (tmp_path / "copy").write_text("one")
    changes = {
        "changed from 3 to 5 bytes": lambda: path.write_text("three"),
        "changed": lambda: os.utime(path, ns=(1, 1)),
        "removed": path.unlink,
        "replaced by another file": lambda: os.replace(tmp_path / "copy", path),
    }
    with pytest.raises(ChangedInputError) as caught, unchanged_inputs():
        assert read_input_text(path, expected="text") == "one"
        changes[change]()
        if moment == "opened again":
            read_input_text(path, expected="text")
            pytest.fail("the changed file was opened")
    assert str(caught.value) == (
        f"{path}: was {change} while the job read it, expected one version from start to end; run again when it is "
        "complete"
    )


def test_a_file_that_appears_is_a_change(tmp_path):
    with pytest.raises(ChangedInputError, match="late: was written"), unchanged_inputs([tmp_path / "late"]):
        (tmp_path / "late").write_text("now")


def test_an_error_of_a_changed_file_names_the_change(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one")
    with pytest.raises(ChangedInputError) as caught, unchanged_inputs([path]):
        path.write_text("")
        open_regular_file(tmp_path / "other", expected="text")
    assert isinstance(caught.value.__cause__, JobError)
    with pytest.raises(SettingsError), unchanged_inputs([path]):
        raise SettingsError("mode", "as it was")


def test_files_that_a_host_reads_first_are_remembered(tmp_path):
    path = tmp_path / "run_model.star"
    path.write_text("one")
    with remember_inputs():
        read_input_text(path, expected="a STAR file")
        path.write_text("another")
        with pytest.raises(ChangedInputError, match="run_model.star"), unchanged_inputs():
            pass
    with unchanged_inputs():
        read_input_text(path, expected="a STAR file")


def test_a_file_that_cannot_be_opened_again_was_not_removed(tmp_path):
    path = tmp_path / "map.mrc"
    path.write_text("one")
    with unchanged_inputs([path]):
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
            with pytest.raises(JobError, match="map.mrc: cannot be opened .Too many open files"):
                open_regular_file(path, expected="a map")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize(
    ("read", "error", "size"),
    [(read_job_record, JobError, 300), (read_job, JobError, 300), (read_model, ModelError, 1100)],
)
def test_a_huge_text_file_is_refused_by_its_size(read, error, size, tmp_path):
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(size * 1024**2)
    with pytest.raises(
        error, match=rf"huge\.txt: has {size * 1024**2:,} bytes, expected .* of at most [\d,]+ bytes; check"
    ):
        read(str(path))


def test_a_huge_report_in_the_output_folder_is_refused_by_its_size(tmp_path):
    with (tmp_path / "report.json").open("wb") as file:
        file.truncate(300 * 1024**2)
    with OutputFolder(str(tmp_path)) as folder, pytest.raises(
        JobError, match=r"report.json: .*\(has more than 268,435,456"
    ), staged_outputs(folder, [], ()):
        pass
