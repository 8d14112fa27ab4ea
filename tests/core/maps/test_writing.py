# SPDX-License-Identifier: GPL-3.0-or-later
import mrcfile
import numpy as np
import pytest

from occupy_core.maps.reading import read_map
from occupy_core.maps.writing import MapWriter, open_written, write_map

VALUES = np.random.default_rng(0).standard_normal((7, 8, 9)).astype(np.float32)


@pytest.mark.parametrize("threads", [1, 3])
def test_header_statistics_cover_all_sections(write_mrc, tmp_path, monkeypatch, threads):
    monkeypatch.setattr("occupy_core.arrays.slabs._VALUES_PER_SLAB", 200)  # several slabs, the last one smaller
    values = VALUES + np.arange(7, dtype=np.float32)[:, None, None]
    read = read_map(write_mrc(values))
    write_map(tmp_path / "out.mrc", values, read.grid, label="copy", threads=threads)
    header = mrcfile.open(tmp_path / "out.mrc", header_only=True).header
    assert (header.dmin, header.dmax) == (values.min(), values.max())
    assert (header.dmean, header.rms) == pytest.approx((values.mean(), values.std()), rel=1e-6)


def test_equal_maps_give_equal_bytes(write_mrc, tmp_path):
    read = read_map(write_mrc(VALUES))
    for name in ("a.mrc", "b.mrc"):
        write_map(tmp_path / name, read.data, read.grid, label="copy")
    assert (tmp_path / "a.mrc").read_bytes() == (tmp_path / "b.mrc").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mrc", "b.mrc", "map.mrc"]


def test_failed_write_keeps_the_old_file(write_mrc, tmp_path, monkeypatch):
    read = read_map(write_mrc(VALUES))
    out = tmp_path / "out.mrc"
    write_map(out, read.data, read.grid, label="first")
    before = out.read_bytes()

    def full_disk(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("occupy_core.maps.writing.os.replace", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_map(out, read.data * 3, read.grid, label="second")
    assert out.read_bytes() == before
    assert not list(tmp_path.glob("*.partial"))


def test_slabs_may_have_any_order_and_memory_layout(write_mrc, tmp_path):
    read = read_map(write_mrc(VALUES))
    write_map(tmp_path / "complete.mrc", VALUES, read.grid, label="copy")
    turned = np.asfortranarray(VALUES)
    with MapWriter(tmp_path / "slabs.mrc", read.grid, label="copy") as writer:
        for slab in (slice(5, 7), slice(0, 3), slice(3, 5)):
            writer.write_slab(slab, turned[slab])
        assert not (tmp_path / "slabs.mrc").exists()
    complete, slabs = (mrcfile.read(tmp_path / name) for name in ("complete.mrc", "slabs.mrc"))
    np.testing.assert_array_equal(slabs, complete)
    header = mrcfile.open(tmp_path / "slabs.mrc", header_only=True).header
    assert (header.dmin, header.dmax) == (VALUES.min(), VALUES.max())
    assert (header.dmean, header.rms) == pytest.approx((VALUES.mean(), VALUES.std()), rel=1e-6)
    assert mrcfile.validate(str(tmp_path / "slabs.mrc"))


@pytest.mark.parametrize("slabs", [[slice(0, 3)], [slice(0, 7), slice(3, 4)]])
def test_missing_or_repeated_slabs_raise_an_error_and_keep_the_old_file(write_mrc, tmp_path, slabs):
    read = read_map(write_mrc(VALUES))
    out = tmp_path / "out.mrc"
    write_map(out, VALUES, read.grid, label="first")
    before = out.read_bytes()
    error = pytest.raises(ValueError, match=r"values in all slabs, expected 504 \(grid of shape \(7, 8, 9\)\)")
    with error, MapWriter(out, read.grid, label="second") as writer:
        for slab in slabs:
            writer.write_slab(slab, VALUES[slab])
    assert out.read_bytes() == before
    assert not list(tmp_path.glob("*.partial"))


def test_interrupted_write_keeps_the_old_file(write_mrc, tmp_path):
    read = read_map(write_mrc(VALUES))
    out = tmp_path / "out.mrc"
    write_map(out, VALUES, read.grid, label="first")
    with pytest.raises(KeyboardInterrupt), MapWriter(out, read.grid, label="second") as writer:
        writer.write_slab(slice(0, 7), 2 * VALUES)
        raise KeyboardInterrupt
    np.testing.assert_array_equal(read_map(out).data, VALUES)
    assert not list(tmp_path.glob("*.partial"))


def test_written_values_can_be_opened_read_only(write_mrc, tmp_path, monkeypatch):
    read = read_map(write_mrc(VALUES))
    write_map(tmp_path / "out.mrc", VALUES, read.grid, label="copy")
    mapped = open_written(tmp_path / "out.mrc", VALUES.shape)
    np.testing.assert_array_equal(mapped, VALUES)
    with pytest.raises(ValueError, match="read-only"):
        mapped[0] = 0

    def not_supported(*_):
        raise OSError("this file system does not support memory maps")

    monkeypatch.setattr(np, "memmap", not_supported)
    np.testing.assert_array_equal(open_written(tmp_path / "out.mrc", VALUES.shape), VALUES)
