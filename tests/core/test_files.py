# SPDX-License-Identifier: GPL-3.0-or-later
import os
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from occupy_core.files import read_text, write_text
from occupy_core.job.run import run_job
from occupy_core.maps.reading import read_map
from occupy_core.maps.writing import write_map
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.settings import Settings


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_new_files_replace_links(tmp_path, link):
    (tmp_path / "target").write_text("kept")
    link(tmp_path / "target", tmp_path / "file")
    write_text(tmp_path / "file", "Å")
    assert (tmp_path / "file").read_bytes() == "Å".encode() and not (tmp_path / "file").is_symlink()
    assert (tmp_path / "target").read_text() == "kept"


def test_new_files_replace_links_to_nothing(tmp_path):
    (tmp_path / "file").symlink_to(tmp_path / "target")
    write_text(tmp_path / "file", "new")
    assert not (tmp_path / "target").exists()


def test_only_regular_files_are_read(tmp_path):
    write_text(tmp_path / "file", "Å")
    assert read_text(tmp_path / "file") == "Å"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is not a regular file"):
        read_text(tmp_path / "pipe")
    with pytest.raises(OSError, match="is not a regular file"):
        read_text("/dev/zero")


@pytest.mark.parametrize("name", ["new.mrc", "new.mrc.partial"])
def test_a_map_is_not_written_through_a_link(phantom_file, tmp_path, name):
    given = read_map(phantom_file)
    before = (tmp_path / "phantom.mrc").read_bytes()
    (tmp_path / name).symlink_to("phantom.mrc")
    write_map(tmp_path / "new.mrc", np.zeros(given.grid.shape, np.float32), given.grid, label="zeros")
    assert (tmp_path / "phantom.mrc").read_bytes() == before
    assert not (tmp_path / "new.mrc").is_symlink() and not (tmp_path / "new.mrc.partial").exists()


def test_no_file_of_a_job_is_written_through_a_link(phantom_file, tmp_path):
    """Somebody plants links where the job is about to write."""
    names = ["scale.mrc", "scale.mrc.partial", "confidence.mrc.partial", "logfile.pdf", "occupy.cxc", "report.json"]

    def plant(line):
        if line.startswith("Map 1"):
            (new,) = (tmp_path / "job").glob(".occupy_staging_*/new")
            for name in names:
                with suppress(FileExistsError):  # logfile.pdf may be open by now
                    (new / name).symlink_to(phantom_file)

    before = Path(phantom_file).read_bytes()
    run_job(Job((MapInput(phantom_file),), str(tmp_path / "job"), Settings()), progress=plant)
    assert Path(phantom_file).read_bytes() == before
    found = {path.name: path.is_symlink() for path in (tmp_path / "job").iterdir()}
    assert found == dict.fromkeys(["scale.mrc", "confidence.mrc", "logfile.pdf", "occupy.cxc", "report.json"], False)


ATOM = "ATOM      1  CA  ALA A   1      10.000  10.000  10.000  1.00 20.00           C  \n"


def test_a_model_is_not_written_through_a_link(tmp_path):
    from occupy_core.modelling.outputs import _write_model

    (tmp_path / "model.pdb").write_text(ATOM)
    (tmp_path / "model_occupancy.cif").symlink_to("model.pdb")
    result = SimpleNamespace(model=SimpleNamespace(path=str(tmp_path / "model.pdb")), groups=[])
    _write_model(tmp_path / "model_occupancy.cif", result, [])
    assert (tmp_path / "model.pdb").read_text() == ATOM and not (tmp_path / "model_occupancy.cif").is_symlink()
