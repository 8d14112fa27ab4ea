# SPDX-License-Identifier: GPL-3.0-or-later
import bz2
import gzip
import os
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from occupy_core.errors import ChangedInputError, MapError
from occupy_core.input_files import unchanged_inputs
from occupy_core.maps.reading import read_map
from occupy_core.maps.writing import write_map
from tests.conftest import geometry

VALUES = np.random.default_rng(0).standard_normal((7, 8, 9)).astype(np.float32)


def test_reading_and_writing_keep_values_and_geometry(write_mrc, tmp_path):
    source = write_mrc(
        VALUES, voxel_size=1.7, nxstart=-3, nystart=5, nzstart=11, mapc=3, mapr=1, maps=2, origin=(10.0, -20.0, 30.5)
    )
    read = read_map(source)
    assert read.warnings == ()
    assert read.grid.voxel_size == 1.7
    out = tmp_path / "out.mrc"
    write_map(out, read.data * 2, read.grid, label="twice")
    assert geometry(out) == geometry(source)
    again = read_map(out)
    np.testing.assert_array_equal(again.data, VALUES * 2)
    assert mrcfile.validate(str(out))
    assert b"twice" in b"".join(mrcfile.open(out).header.label.tolist())


@pytest.mark.parametrize(("suffix", "module"), [(".gz", gzip), (".bz2", bz2)])
def test_compressed_maps_are_read(write_mrc, suffix, module):
    plain = write_mrc(VALUES)
    Path(plain + suffix).write_bytes(module.compress(Path(plain).read_bytes()))
    np.testing.assert_array_equal(read_map(plain + suffix).data, VALUES)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint16, np.float16])
def test_maps_of_other_modes_become_float32(write_mrc, dtype):
    values = np.arange(60).reshape(3, 4, 5).astype(dtype)
    read = read_map(write_mrc(values))
    assert read.data.dtype == np.float32
    np.testing.assert_array_equal(read.data, values.astype(np.float32))


def test_big_endian_maps_are_read(write_mrc):
    read = read_map(write_mrc(VALUES.astype(">f4")))
    np.testing.assert_array_equal(read.data, VALUES)
    assert read.data.dtype.isnative


def test_map_marked_as_an_image_stack_is_read_and_written_as_a_volume(write_mrc, tmp_path):
    read = read_map(write_mrc(VALUES, ispg=0))
    write_map(tmp_path / "out.mrc", read.data, read.grid, label="x")
    assert mrcfile.open(tmp_path / "out.mrc").is_volume()


def test_map_with_an_invalid_header_is_read_with_a_warning(write_mrc):
    source = write_mrc(VALUES)
    damaged = bytearray(Path(source).read_bytes())
    damaged[208:212] = b"junk"  # the bytes that should be "MAP "
    Path(source).write_bytes(damaged)
    read = read_map(source)
    np.testing.assert_array_equal(read.data, VALUES)
    assert read.warnings and "map.mrc" in read.warnings[0]


def test_given_voxel_size_overrides_the_header(write_mrc, tmp_path):
    read = read_map(write_mrc(VALUES, voxel_size=1.0), voxel_size=2.5)
    assert read.grid.voxel_size == 2.5
    assert "2.5" in read.warnings[0] and "header says 1" in read.warnings[0]
    write_map(tmp_path / "out.mrc", read.data, read.grid, label="x")
    assert read_map(tmp_path / "out.mrc").grid.voxel_size == 2.5


def test_given_voxel_size_completes_a_header_without_samples(write_mrc, tmp_path):
    read = read_map(write_mrc(VALUES, mx=0, my=0, mz=0), voxel_size=2.0)
    write_map(tmp_path / "out.mrc", read.data, read.grid, label="x")
    assert read_map(tmp_path / "out.mrc").grid.voxel_size == 2.0


@pytest.mark.parametrize(
    ("cell", "side", "size", "words"),
    [
        (72.0, 24, 3.0, "gives voxels of 72 x 72 x 72 Å; the cell divided by the box, 3 Å, is used"),
        (12.0, 8, 12.0, "gives voxels of 12 Å; the cell divided by the box gives 1.5 Å"),
        (1.5, 24, 1.5, ""),
    ],
)
def test_cell_of_a_header_with_one_sample_a_side(write_mrc, cell, side, size, words):
    values = np.random.default_rng(0).standard_normal((side,) * 3).astype(np.float32)
    read = read_map(write_mrc(values, mx=1, my=1, mz=1, cella=(cell,) * 3))
    assert read.grid.voxel_size == size
    assert words in "".join(read.warnings) and len(read.warnings) == bool(words)


def test_given_voxel_size_that_differs_by_rounding_is_ignored(write_mrc):
    read = read_map(write_mrc(VALUES, voxel_size=3.54), voxel_size=3.5401)
    assert read.grid.voxel_size == 3.54
    assert read.warnings == ()


def bad_cell(**fields):
    return lambda write: write(VALUES, **fields)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda write: write(VALUES, voxel_size=None), ["voxel size"]),
        (lambda write: write(np.full_like(VALUES, 3)), ["every voxel is 3"]),
        (lambda write: write(np.full_like(VALUES, -0.0)), ["every voxel is 0,"]),
        (lambda write: write(np.where(VALUES > 2, np.nan, VALUES)), ["NaN", "of 504"]),
        (lambda write: write(np.where(VALUES > 2, np.inf, VALUES)), ["infinite"]),
        (lambda write: write(VALUES * np.float32(1e30)), ["too large", "grey scale"]),
        (lambda write: write(VALUES * np.float32(1e-35)), ["too small", "grey scale"]),
        (lambda write: write(VALUES + np.float32(1e6)), ["too alike", "grey scale"]),
        (lambda write: write(VALUES[0]), ["(8, 9)", "3D map"]),
        (lambda write: write(VALUES.astype(np.complex64)), ["complex"]),
        (lambda write: write(VALUES, "stack.mrcs"), ["stack of images"]),
        (lambda write: write(VALUES, cella=(9.0, 8.0, 7.5)), ["1 x 1 x 1.071", "cubes"]),
        (lambda write: write(VALUES, cellb=(90.0, 94.3, 90.0)), ["94.3", "90"]),
    ],
)
def test_error_names_the_file_and_the_problem_of_an_unusable_map(write_mrc, make, words):
    path = make(write_mrc)
    with pytest.raises(MapError) as caught:
        read_map(path)
    message = str(caught.value)
    assert message.startswith(path) and "\n" not in message
    for word in words:
        assert word in message


def test_files_that_are_not_maps_are_refused(tmp_path):
    for name, content in (("text.mrc", b"not a map"), ("bad.mrc.gz", b"\x1f\x8bgarbage")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(MapError, match="cannot be read"):
            read_map(path)
    (tmp_path / "empty.mrc").write_bytes(b"")
    with pytest.raises(MapError, match="found an empty file, expected a map in MRC"):
        read_map(tmp_path / "empty.mrc")
    with pytest.raises(MapError, match="no such file"):
        read_map(tmp_path / "missing.mrc")
    with pytest.raises(MapError, match="folder"):
        read_map(tmp_path)


def test_truncated_maps_are_refused(write_mrc):
    path = Path(write_mrc(VALUES))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(MapError, match="cannot be read"):
        read_map(path)


def test_released_values_are_read_again_and_the_file_never_changes(write_mrc):
    values = np.random.default_rng(0).standard_normal((12, 10, 8)).astype("f4")
    path = write_mrc(values)
    before = Path(path).read_bytes()
    found, read = read_map(path, releasable=True), read_map(path)
    np.testing.assert_array_equal(found.data, read.data)
    assert found.limits == read.limits == (values.min(), values.max())
    assert found.warnings == read.warnings and found.grid.difference(read.grid) == ""
    for source in (found, read):
        source.data[0, 0, 0] = 99  # the comparison of classes overwrites maps
        source.release()
    assert Path(path).read_bytes() == before
    np.testing.assert_array_equal(found.data, values)
    assert read.data[0, 0, 0] == 99
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        found.nonsense  # noqa: B018


def test_released_values_are_not_read_from_another_file(write_mrc):
    found = read_map(write_mrc(VALUES), releasable=True)
    with pytest.raises(ChangedInputError), unchanged_inputs([found.path]):
        found.release()
        np.testing.assert_array_equal(found.data, VALUES)
        found.release()
        os.replace(write_mrc(VALUES + 1, "other.mrc"), found.path)
        with pytest.raises(ChangedInputError, match=r"map.mrc: was replaced by another file while the job read it"):
            found.data  # noqa: B018


@pytest.mark.parametrize("kind", ["int16", "extended", "longer"])
def test_files_of_other_layouts_are_read(write_mrc, kind):
    values = np.random.default_rng(0).integers(-99, 99, (12, 10, 8)).astype("i2" if kind == "int16" else "f4")
    path = write_mrc(values)
    with mrcfile.open(path, "r+") as file:
        if kind == "extended":
            file.set_extended_header(np.zeros(80, "V1"))
    if kind == "longer":
        with open(path, "ab") as file:
            file.write(b"more")
    read = read_map(path)
    np.testing.assert_array_equal(read.data, values)
    assert bool(read.warnings) == (kind == "longer")


def test_truncated_files_and_stacks_are_refused(write_mrc):
    path = write_mrc(np.random.default_rng(0).standard_normal((12, 10, 8)).astype("f4"))
    with mrcfile.open(path, "r+") as file:
        file.header.ispg, file.header.mz = 401, 12  # a stack of volumes
    with pytest.raises(MapError, match="expected one 3D map"):
        read_map(path)
    os.truncate(path, 2000)
    with pytest.raises(MapError, match="cannot be read .*found 2000 bytes, expected 4864 for the box of 8 x 10 x 12"):
        read_map(path)
