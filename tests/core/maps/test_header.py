# SPDX-License-Identifier: GPL-3.0-or-later
"""Headers and files that are odd or wrong: read right, with a warning, or refused in one line."""

import bz2
import gzip
import io
import json
import re
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from occupy_core.errors import MapError
from occupy_core.job.run import run_job
from occupy_core.maps.density_map import map_from_array
from occupy_core.maps.reading import read_grid, read_map
from occupy_core.maps.writing import write_map
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.settings import Settings
from tests.fuzzing.headers import map_bytes

VALUES = np.random.default_rng(0).standard_normal((12, 10, 8)).astype(np.float32)
WORDS = {"mode": 12, "mx": 28, "my": 32, "mz": 36, "mapc": 64, "mapr": 68, "maps": 72, "ispg": 88, "nsymbt": 92}
NUMBERS = {"cella.x": 40, "cella.y": 44, "cella.z": 48, "alpha": 52, "origin.x": 196}


@pytest.fixture
def file(tmp_path):
    """A function that writes bytes to a file and returns its path."""

    def write(content, name="map.mrc"):
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    return write


def changed(content=None, **fields):
    """The bytes of a map with other fields in its header."""
    content = bytearray(map_bytes(VALUES) if content is None else content)
    for name, value in fields.items():
        if name in WORDS:
            struct.pack_into("<i", content, WORDS[name], value)
        else:
            struct.pack_into("<f", content, NUMBERS[name.replace("_", ".")], value)
    return bytes(content)


def npy(values):
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def spider():
    words = np.zeros(256, "f4")
    words[[0, 1, 4, 11, 12, 21, 22]] = 64, 64, 3, 64, 4, 1024, 256
    return words.tobytes() + bytes(64**3 * 4)


def bomb(size):
    """A small map packed by gzip that goes on with `size` zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    chunks = [packer.compress(map_bytes(VALUES))]
    chunks += [packer.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    return b"".join([*chunks, packer.flush()])


PDB = b"HEADER    PROTEIN\nATOM      1  N   MET A   1      27.340  24.430   2.614  1.00  9.67           N\n" * 30
KINDS = {
    "an HDF5 file": b"\x89HDF\r\n\x1a\n" + bytes(5000),
    "a numpy array (.npy)": npy(np.zeros((16, 16, 16))),
    "a TIFF image": b"II*\x00" + bytes(5000),
    "a PNG image": b"\x89PNG\r\n\x1a\n" + bytes(5000),
    "a PDF document": b"%PDF-1.4\n" + bytes(5000),
    "a zip archive or a numpy .npz file": b"PK\x03\x04" + bytes(5000),
    "a SPIDER volume": spider(),
    "an EM file (.em)": bytes([6, 0, 0, 5]) + struct.pack("<3i", 8, 8, 8) + bytes(496 + 4 * 512),
    "a file of DigitalMicrograph (.dm3)": struct.pack(">iii", 3, 5000, 1) + bytes(5000),
    "a file of DigitalMicrograph (.dm4)": struct.pack(">iqi", 4, 5000, 1) + bytes(5000),
    "a PDB file": PDB,
    "an mmCIF file": b"data_1ABC\n#\n_entry.id   1ABC\n#\nloop_\n_atom_site.group_PDB\n" + b"ATOM 1 N\n" * 200,
    "a STAR file": b"\n# version 30001\n\ndata_model_classes\n\nloop_\n_rlnReferenceImage #1\n" + b"a.mrc 0.5\n" * 200,
    "a JSON file": json.dumps({"program": "x" * 2000}).encode(),
    "a web page, perhaps the error of a download": b"<!DOCTYPE html><html>404</html>" * 50,
    "a pointer of Git LFS to a file elsewhere": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
    "a text file": "naïve text\n".encode() * 500,
    "a file compressed by xz": b"\xfd7zXZ\x00" + bytes(5000),
    "a file compressed by gzip twice": gzip.compress(gzip.compress(np.random.default_rng(0).bytes(5000))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_other_kinds_are_named_as_what_they_are(file, kind):
    path = file(KINDS[kind])
    with pytest.raises(MapError) as caught:
        read_map(path)
    assert str(caught.value).startswith(
        f"{path}: cannot be read as an MRC or CCP4 map (it is {kind}, expected a map in MRC or CCP4 format); "
    )


def test_a_packed_file_of_another_kind_is_named_too(file):
    with pytest.raises(MapError, match="it is a PDB file, expected"):
        read_map(file(gzip.compress(PDB), "model.pdb.gz"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (changed(nsymbt=2**31 - 1), "2147483647 bytes of extended header, more than the file holds"),
        (changed(nsymbt=-5), "-5 bytes of extended header"),
        (changed(mode=3), "complex 16-bit integers .mode 3., expected real values; give the map before"),
        (changed(mode=101), "4-bit values .mode 101.*convert the map to mode 2"),
        (changed(mode=77), "mode 77, expected 0, 1, 2, 6 or 12"),
        (changed(map_bytes(VALUES, mode=4)), "complex values"),
        (changed(ispg=401), "a stack of volumes .ISPG 401., expected one 3D map"),
        (map_bytes(VALUES)[:-4], "found 4860 bytes, expected 4864 for the box of 8 x 10 x 12 voxels.*cut short"),
        (struct.pack("<3i", 2**31 - 1, 2**31 - 1, 2**31 - 1) + map_bytes(VALUES)[12:], "found 4864 bytes, expected"),
        (struct.pack("<3i", 8, -10, 12) + map_bytes(VALUES)[12:], "a box of 8 x -10 x 12 voxels"),
        (map_bytes(VALUES)[:1000], "found 1000 bytes, fewer than a header has"),
        (gzip.compress(map_bytes(VALUES)[:-4]), "found 4860 bytes when unpacked, expected 4864"),
        (gzip.compress(map_bytes(VALUES))[:-20], "cannot be read"),
        (bz2.compress(map_bytes(VALUES))[:-20], "cannot be read"),
        (gzip.compress(map_bytes(VALUES))[:-6] + b"abcdef", "CRC check failed"),
        (gzip.compress(map_bytes(VALUES)) + b"more", "something else follows the data that gzip packed"),
        (gzip.compress(changed(nsymbt=2**31 - 1)), "bytes of extended header, more than the file holds"),
    ],
)
def test_a_file_that_is_not_what_its_header_says_is_refused(file, content, words):
    path = file(content)
    with pytest.raises(MapError, match=words) as caught:
        read_map(path)
    assert str(caught.value).startswith(path) and "; " in str(caught.value)


def test_a_compressed_file_that_goes_on_and_on_takes_neither_memory_nor_time(file):
    start = time.process_time()
    with pytest.raises(MapError, match="goes on for more than 1048576 bytes after the map, expected 4864"):
        read_map(file(bomb(1 << 27)))
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"origin_x": np.nan}, "the origin nan, 0, 0, expected numbers in Å; 0, 0, 0 is used"),
        ({"origin_x": -np.inf}, "the origin -inf, 0, 0"),
        ({"alpha": np.nan}, "cell angles of nan, 90, 90 degrees; 90 is used"),
        ({"mapc": 2}, r"the axis order \[2, 2, 3\], expected 1, 2 and 3 once each; 1, 2, 3 is used"),
        ({"mapc": -7, "mapr": 0, "maps": 12}, r"the axis order \[-7, 0, 12\]"),
        ({"mx": 1}, "MX, MY, MZ 1, 10, 12, which gives voxels of 24 x 3 x 3 Å; the cell divided by the box, 3 Å"),
        ({"mx": 1000, "my": 1250, "mz": 1500}, "voxels of 0.024 x 0.024 x 0.024 Å; the cell divided by the box, 3 Å"),
        ({"cella_x": 8, "cella_y": 10, "cella_z": 12}, "exactly 1 Å, as programs write it that do not know it"),
    ],
)
def test_odd_geometry_is_a_warning_and_outputs_are_right(file, tmp_path, fields, words):
    read = read_map(file(changed(**fields)))
    (warning,) = read.warnings
    assert warning.startswith("map.mrc: ")
    assert re.search(words, warning)
    write_map(tmp_path / "out.mrc", read.data, read.grid, label="x")
    again = read_map(tmp_path / "out.mrc", voxel_size=read.grid.voxel_size)
    assert again.warnings == () and again.grid.difference(read.grid) == ""


def test_zeros_for_the_axis_order_are_the_usual_order(file):
    read = read_map(file(changed(mapc=0, mapr=0, maps=0)))
    assert read.warnings == () and int(read.grid.header.maps) == 3


def test_a_part_of_a_larger_map_keeps_the_voxel_size_of_its_cell(file):
    read = read_map(file(changed(mx=16, my=20, mz=24, cella_x=32, cella_y=40, cella_z=48)))
    assert read.grid.voxel_size == 2 and read.warnings == ()


@pytest.mark.parametrize("size", [0.001, 160.0, 500.0, 3e28])
def test_a_voxel_size_that_no_map_has_is_refused_and_can_be_given(file, size):
    path = file(map_bytes(VALUES, voxel_size=size))
    with pytest.raises(MapError, match=r"found a voxel size of .* Å in the header .*expected 0.1 to 100 Å; give it"):
        read_map(path)
    with pytest.raises(MapError, match="found a voxel size"):
        read_grid(path)
    assert read_map(path, voxel_size=2.0).grid.voxel_size == 2


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("mode", [0, 1, 2, 6, 12])
def test_each_mode_is_read_in_both_byte_orders_also_when_the_header_names_the_other(file, order, mode):
    values = np.round(VALUES * 10).clip(0 if mode == 6 else -100, 100)
    for stamp in (b"DD\0\0", b"\x11\x11\0\0", b"\0\0\0\0"):
        content = bytearray(map_bytes(values, mode=mode, order=order))
        content[212:216] = stamp
        read = read_map(file(bytes(content)))
        np.testing.assert_array_equal(read.data, values)
        assert read.data.dtype == np.float32 and read.data.dtype.isnative


def test_compressed_files_are_known_by_their_content(file):
    for name, content in (
        ("a.mrc", gzip.compress(map_bytes(VALUES))),
        ("b.mrc", bz2.compress(map_bytes(VALUES))),
        ("c.mrc.gz", map_bytes(VALUES)),
        ("d.map.gz", gzip.compress(map_bytes(VALUES, extended=bytes(160)))),
    ):
        np.testing.assert_array_equal(read_map(file(content, name)).data, VALUES)


def test_bytes_are_read_without_sign_where_they_jump_with_it(file):
    z, y, x = np.indices((16, 16, 16))
    ball = 250 * np.exp(-((z - 8) ** 2 + (y - 8) ** 2 + (x - 8) ** 2) / 40)
    unsigned = map_bytes(np.zeros_like(ball), mode=0)[:1024] + ball.astype("u1").tobytes()
    read = read_map(file(unsigned))
    assert read.data.max() > 200 and "bytes (mode 0) are read without sign" in read.warnings[0]
    mask = map_bytes(np.zeros_like(ball), mode=0)[:1024] + (255 * (ball > 100)).astype("u1").tobytes()
    read = read_map(file(mask))
    assert read.data.max() == 255 and "since with sign no voxel would be above 0" in read.warnings[0]
    signed = read_map(file(map_bytes(ball - 125, mode=0)))
    assert signed.data.min() < -100 and signed.warnings == ()


def test_files_of_imod_say_whether_bytes_have_a_sign(file):
    values = np.arange(960).reshape(12, 10, 8) % 256
    content = bytearray(map_bytes(np.zeros((12, 10, 8)), mode=0)[:1024] + values.astype("u1").tobytes())
    for flags, highest in ((0, 255), (1, 127), (4, 255)):
        struct.pack_into("<2i", content, 152, 1146047817, flags)
        read = read_map(file(bytes(content)))
        assert read.data.max() == highest and read.warnings == ()


def test_a_job_on_maps_with_odd_headers_writes_readable_reports(file, tmp_path, three_parts):
    whole = map_bytes(three_parts.volume)
    for number, fields in enumerate(({"origin_x": 3e38}, {"mapc": 9}, {"alpha": 0.0})):
        folder = tmp_path / f"out{number}"
        job = Job((MapInput(file(changed(whole, **fields))),), str(folder), Settings(figures=False))
        run_job(job)
        json.loads((folder / "report.json").read_text(), parse_constant=pytest.fail)
        assert Path(folder, "scale.mrc").stat().st_size == len(whole)


@pytest.mark.parametrize("voxel_size", [1e300, 1e-300, 0.001, 160, 500, 3e28, float("nan"), -3])
def test_a_given_voxel_size_that_no_map_of_a_molecule_has_is_refused(file, voxel_size):
    with pytest.raises(MapError, match="got a voxel size of .* Å, expected 0.1 to 100 Å; give the edge"):
        read_map(file(map_bytes(VALUES)), voxel_size=voxel_size)
    with pytest.raises(MapError, match="got a voxel size of .* Å, expected 0.1 to 100 Å; give the edge"):
        map_from_array(VALUES, voxel_size=voxel_size)
