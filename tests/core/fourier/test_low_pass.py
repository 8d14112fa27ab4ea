# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import scipy.fft

from occupy_core.fourier.low_pass import low_pass, low_pass_in_two_boxes
from occupy_core.fourier.resize import cropped_shape, resize, resize_in_slabs, sample_nearest
from occupy_core.fourier.transforms import Workspace

SHAPES = [(24, 24, 24), (25, 25, 25), (20, 31, 16)]


def wave(shape, axis, cycles):
    """Return a cosine wave with this number of cycles along one axis."""
    positions = np.arange(shape[axis]) / shape[axis]
    line = np.cos(2 * np.pi * cycles * positions + 0.3)
    return np.broadcast_to(np.expand_dims(line, [other for other in range(3) if other != axis]), shape).astype("f4")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_low_pass_keeps_low_frequencies_and_removes_high_ones(shape, axis):
    voxel_size, longest = 2.0, max(shape)
    kept_shells = int(longest * voxel_size / 10.0) + 1
    for cycles in range(1, shape[axis] // 2):
        filtered = low_pass(wave(shape, axis, cycles), voxel_size=voxel_size, cutoff_angstrom=10.0)
        assert filtered.dtype == np.float32
        expected = wave(shape, axis, cycles) if cycles * longest / shape[axis] < kept_shells else 0 * filtered
        np.testing.assert_allclose(filtered, expected, atol=1e-5)


def test_low_pass_is_symmetric_around_a_voxel():
    volume = np.zeros((32, 32, 32), dtype=np.float32)
    volume[16, 16, 16] = 1
    filtered = low_pass(volume, voxel_size=1.0, cutoff_angstrom=4.0)[1:, 1:, 1:]
    np.testing.assert_allclose(filtered, filtered[::-1, ::-1, ::-1], atol=1e-7)


@pytest.mark.parametrize(("old", "new"), [((24,) * 3, (18,) * 3), ((25,) * 3, (16,) * 3), ((20, 31, 16), (13, 21, 11))])
def test_cropping_a_padded_map_returns_the_map(old, new):
    volume = np.random.default_rng(0).standard_normal(new).astype(np.float32)
    # Components at the Nyquist frequency are dropped on purpose.
    smooth = resize(volume, new)
    np.testing.assert_allclose(resize(resize(smooth, old), new), smooth, atol=1e-5)


@pytest.mark.parametrize(("old", "new"), [((24,) * 3, (48,) * 3), ((21,) * 3, (63,) * 3), ((30, 20, 10), (60, 40, 20))])
def test_resizing_keeps_positions_and_grey_scale(old, new):
    volume = resize(np.random.default_rng(0).standard_normal(old).astype(np.float32) + 5, old)
    ratio = new[0] // old[0]
    np.testing.assert_allclose(resize(volume, new)[::ratio, ::ratio, ::ratio], volume, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "max_box", "expected"),
    [
        ((400, 400, 400), 256, (256, 256, 256)),
        ((301, 301, 301), 256, (256, 256, 256)),
        ((400, 300, 350), 256, (256, 192, 224)),
        ((256, 256, 256), 256, (256, 256, 256)),
        ((512, 512, 512), 0, (512, 512, 512)),
        # Thin boxes are not cropped below 64 voxels a side, and voxels stay cubes.
        ((40, 200, 30), 64, (40, 200, 30)),
        ((100, 400, 100), 128, (64, 256, 64)),
        ((96, 96, 96), 32, (32, 32, 32)),
    ],
)
def test_longest_side_is_cropped_to_max_box(shape, max_box, expected):
    assert cropped_shape(shape, max_box) == expected


@pytest.mark.parametrize(("old", "new"), [(12, 12), (12, 6), (13, 8), (100, 64)])
def test_sampled_values_are_those_of_the_nearest_voxels(old, new):
    indices = np.broadcast_to(np.arange(old, dtype=np.float32)[:, None, None], (old, old, old))
    found = sample_nearest(indices, (new, new, new))
    assert found.shape == (new, new, new)
    np.testing.assert_allclose(found[:, 0, 0], np.arange(new) * old / new, atol=0.5)


@pytest.mark.parametrize("cutoff", [2.0, 3.1, 8.0])
@pytest.mark.parametrize("shape", [(20, 20, 20), (21, 16, 25), (16, 22, 17), (64, 64, 64)])
def test_low_pass_is_equal_to_scipy_to_the_bit_for_any_number_of_threads(shape, cutoff):
    volume = np.random.default_rng(0).standard_normal(shape).astype("f4")
    spectrum = scipy.fft.rfftn(volume)
    z, y, x = (scipy.fft.fftfreq(side, 1 / max(shape)) ** 2 for side in shape)
    squared = z[:, None, None] + y[:, None] + x[: shape[2] // 2 + 1]
    spectrum[np.round(squared, 6) >= (int(max(shape) / cutoff * (1 + 1e-6)) + 1) ** 2] = 0
    expected = scipy.fft.irfftn(spectrum, shape)
    for threads in (1, 3):
        found = low_pass(volume, voxel_size=1.0, cutoff_angstrom=cutoff, threads=threads)
        np.testing.assert_array_equal(found, expected)
    assert low_pass(volume, voxel_size=1.0, cutoff_angstrom=cutoff, out=volume) is volume
    np.testing.assert_array_equal(volume, expected)


@pytest.mark.parametrize(("old", "new"), [((64, 64, 64), (40, 40, 40)), ((21, 16, 25), (42, 31, 50))])
def test_resizing_is_equal_to_scipy_to_the_bit(old, new):
    volume = np.random.default_rng(0).standard_normal(old).astype("f4")
    count = [(min(sides) + 1) // 2 for sides in zip(old, new)]
    rows = [np.r_[0:kept, -kept + 1 : 0] for kept in count[:2]]
    spectrum = np.zeros((*new[:2], new[2] // 2 + 1), dtype="c8")
    spectrum[np.ix_(*rows, range(count[2]))] = scipy.fft.rfftn(volume)[np.ix_(*rows, range(count[2]))]
    spectrum *= np.prod(new) / np.prod(old)
    np.testing.assert_array_equal(resize(volume, new, threads=2), scipy.fft.irfftn(spectrum, new))


def test_resizing_in_slabs_lets_the_sink_change_slabs_and_a_workspace_be_reused():
    workspace, random = Workspace(), np.random.default_rng(0)
    for old, new in [((20, 24, 16), (30, 36, 24)), ((40, 30, 36), (21, 16, 19)), ((20, 24, 16), (30, 36, 24))]:
        volume = (random.random(old) > 0.5).astype("f4")
        ringing = resize(volume, new)
        assert ringing.min() < 0 and ringing.max() > 1
        for threads in (1, 2):
            found, sections = np.full(new, np.nan, dtype="f4"), []

            def clip(slab, values, found=found, sections=sections):
                sections.extend(range(slab.start, slab.stop))
                found[slab] = np.clip(values, 0, 1, out=values)

            resize_in_slabs(volume, new, clip, workspace=workspace, threads=threads)
            assert sorted(sections) == list(range(new[0]))
            np.testing.assert_array_equal(found, np.clip(ringing, 0, 1))


@pytest.mark.parametrize("cutoff", [2.0, 3.1, 8.0])
@pytest.mark.parametrize(
    ("shape", "smaller"), [((20, 20, 20), (16, 16, 16)), ((21, 16, 25), (17, 13, 20)), ((64, 64, 64), (27, 27, 27))]
)
def test_low_pass_in_two_boxes_is_equal_to_low_pass_and_resize(shape, smaller, cutoff):
    volume = np.random.default_rng(0).standard_normal(shape).astype("f4")
    expected = low_pass(volume, voxel_size=1.0, cutoff_angstrom=cutoff)
    for threads in (1, 3):
        own, resized = low_pass_in_two_boxes(volume, smaller, voxel_size=1.0, cutoff_angstrom=cutoff, threads=threads)
        np.testing.assert_array_equal(own, expected)
        np.testing.assert_allclose(resized, resize(expected, smaller), atol=1e-5)
    low_pass_in_two_boxes(volume, smaller, voxel_size=1.0, cutoff_angstrom=cutoff, out=volume)
    np.testing.assert_array_equal(volume, expected)
