# SPDX-License-Identifier: GPL-3.0-or-later
"""Packed models that unpack to far more than a model has."""

import gzip
import subprocess
import sys
import zlib

import numpy as np
import pytest

from occupy_core.errors import ModelError
from occupy_core.modelling.atoms.atomic_model import read_model
from occupy_core.modelling.atoms.model_file import check_model_file
from tests.core.modelling.pdb_text import chain

PDB = chain("A", range(1, 11)).encode()
# Prints the error and the peak of the memory, kB. Not that of getrusage, which begins with the peak of the parent.
PEAK = """
import re, sys
from occupy_core.modelling.atoms.atomic_model import read_model
try:
    read_model(sys.argv[1])
except Exception as error:
    print(type(error).__name__, re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


def write_bomb(path, megabytes, filling=b"\n", start=PDB):
    """Write a small file that unpacks to a model and much after it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    chunk = filling * ((1 << 20) // len(filling))
    packed = [packer.compress(start)]
    packed += [packer.compress(chunk) for _ in range(megabytes)]
    path.write_bytes(b"".join(packed) + packer.flush())
    return str(path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bomb.pdb.gz", "bomb.cif.gz", "bomb.pdb"])
@pytest.mark.parametrize("filling", [b"\n", b"\0", b"HETATM    1  O   HOH A   1       0.000   0.000   0.000\n"])
def test_a_bomb_is_refused_by_its_unpacked_size(tmp_path, name, filling):
    path = write_bomb(tmp_path / name, 100, filling)
    with pytest.raises(
        ModelError, match="bytes that unpack to more than 16,777,216, expected an atomic model .*at most"
    ):
        read_model(path)


@pytest.mark.slow
def test_a_bomb_takes_no_memory(tmp_path):
    """gemmi refuses what unpacks to more than a hundred times its size, and takes memory for anything less."""
    start = b"data_x\n# " + np.random.default_rng(1).bytes(3_500_000).hex().encode() + b"\n"
    path = write_bomb(tmp_path / "bomb.cif.gz", 300, b" ", start)
    done = subprocess.run([sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True)
    error, peak = done.stdout.split()
    assert error == "ModelError" and int(peak) < 250_000  # kB; numpy, scipy and gemmi alone take 100,000


def test_a_large_model_may_be_packed_as_text_is(tmp_path):
    path = tmp_path / "model.pdb.gz"
    numbers = np.random.default_rng(1).integers(0, 10**9, 600_000)
    remarks = "".join(f"REMARK 999 {number:9d} of the journal\n" for number in numbers).encode()
    path.write_bytes(gzip.compress(remarks + PDB, compresslevel=1))
    assert len(remarks) > 5 * path.stat().st_size > 1 << 24
    assert len(read_model(str(path)).residues) == 10


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(PDB)[:-60], "end-of-stream"),
        (gzip.compress(PDB)[:-8] + bytes(8), "CRC check failed"),
        (gzip.compress(PDB)[:40] + bytes(100), ""),
        (gzip.compress(PDB) + b"more", "Not a gzipped file"),
    ],
)
def test_a_packed_model_that_is_damaged_says_so(tmp_path, content, reason):
    path = tmp_path / "model.pdb.gz"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=f"model.pdb.gz: .* [(]it cannot be unpacked: .*{reason}.*copy the file again"):
        check_model_file(str(path))
