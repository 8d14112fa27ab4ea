# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import scipy.fft

from occupy_core.fourier.filters import low_pass
from occupy_core.fourier.resize import cropped_shape, resize, resize_in_slabs, sample_nearest
from occupy_core.fourier.transforms import Workspace

SHAPES = [(24, 24, 24), (25, 25, 25), (20, 31, 16)]


def wave(shape, axis, waves):
    places = np.arange(shape[axis]) / shape[axis]
    line = np.cos(2 * np.pi * waves * places + 0.3)
    return np.broadcast_to(np.expand_dims(line, [other for other in range(3) if other != axis]), shape).astype("f4")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_low_pass_keeps_coarse_waves_and_drops_fine_ones(shape, axis):
    voxel_size, longest = 2.0, max(shape)
    kept_shells = int(longest * voxel_size / 10.0) + 1
    for waves in range(1, shape[axis] // 2):
        filtered = low_pass(wave(shape, axis, waves), voxel_size=voxel_size, cutoff_angstrom=10.0)
        assert filtered.dtype == np.float32
        expected = wave(shape, axis, waves) if waves * longest / shape[axis] < kept_shells else 0 * filtered
        np.testing.assert_allclose(filtered, expected, atol=1e-5)


def test_low_pass_is_centred():
    volume = np.zeros((32, 32, 32), dtype=np.float32)
    volume[16, 16, 16] = 1
    filtered = low_pass(volume, voxel_size=1.0, cutoff_angstrom=4.0)[1:, 1:, 1:]
    np.testing.assert_allclose(filtered, filtered[::-1, ::-1, ::-1], atol=1e-7)


@pytest.mark.parametrize(("old", "new"), [((24,) * 3, (18,) * 3), ((25,) * 3, (16,) * 3), ((20, 31, 16), (13, 21, 11))])
def test_padding_and_cropping_are_inverse(old, new):
    volume = np.random.default_rng(0).standard_normal(new).astype(np.float32)
    # Waves at the Nyquist frequency are dropped on purpose.
    smooth = resize(volume, new)
    np.testing.assert_allclose(resize(resize(smooth, old), new), smooth, atol=1e-5)


@pytest.mark.parametrize(("old", "new"), [((24,) * 3, (48,) * 3), ((21,) * 3, (63,) * 3), ((30, 20, 10), (60, 40, 20))])
def test_resizing_leaves_places_and_grey_levels(old, new):
    volume = resize(np.random.default_rng(0).standard_normal(old).astype(np.float32) + 5, old)
    every = new[0] // old[0]
    np.testing.assert_allclose(resize(volume, new)[::every, ::every, ::every], volume, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "max_box", "expected"),
    [
        ((400, 400, 400), 256, (256, 256, 256)),
        ((301, 301, 301), 256, (256, 256, 256)),
        ((400, 300, 350), 256, (256, 192, 224)),
        ((256, 256, 256), 256, (256, 256, 256)),
        ((512, 512, 512), 0, (512, 512, 512)),
        # Thin boxes keep 64 voxels, or what they have, so that voxels stay cubes.
        ((40, 200, 30), 64, (40, 200, 30)),
        ((100, 400, 100), 128, (64, 256, 64)),
        ((96, 96, 96), 32, (32, 32, 32)),
    ],
)
def test_cropped_shape(shape, max_box, expected):
    assert cropped_shape(shape, max_box) == expected


@pytest.mark.parametrize(("old", "new"), [(12, 12), (12, 6), (13, 8), (100, 64)])
def test_sampled_values_are_the_nearest(old, new):
    places = np.broadcast_to(np.arange(old, dtype=np.float32)[:, None, None], (old, old, old))
    found = sample_nearest(places, (new, new, new))
    assert found.shape == (new, new, new)
    np.testing.assert_allclose(found[:, 0, 0], np.arange(new) * old / new, atol=0.5)


@pytest.mark.parametrize("cutoff", [2.0, 3.1, 8.0])
@pytest.mark.parametrize("shape", [(20, 20, 20), (21, 16, 25), (16, 22, 17), (64, 64, 64)])
def test_low_pass_is_to_the_bit_what_whole_transforms_give_in_any_number_of_threads(shape, cutoff):
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
def test_another_box_is_to_the_bit_what_whole_transforms_give(old, new):
    volume = np.random.default_rng(0).standard_normal(old).astype("f4")
    count = [(min(sides) + 1) // 2 for sides in zip(old, new)]
    rows = [np.r_[0:kept, -kept + 1 : 0] for kept in count[:2]]
    spectrum = np.zeros((*new[:2], new[2] // 2 + 1), dtype="c8")
    spectrum[np.ix_(*rows, range(count[2]))] = scipy.fft.rfftn(volume)[np.ix_(*rows, range(count[2]))]
    spectrum *= np.prod(new) / np.prod(old)
    np.testing.assert_array_equal(resize(volume, new, threads=2), scipy.fft.irfftn(spectrum, new))


def test_in_another_box_slabs_are_given_away_as_they_are_made():
    """And may be changed by who takes them; memory that is used again makes no difference."""
    room, random = Workspace(), np.random.default_rng(0)
    for old, new in [((20, 24, 16), (30, 36, 24)), ((40, 30, 36), (21, 16, 19)), ((20, 24, 16), (30, 36, 24))]:
        volume = (random.random(old) > 0.5).astype("f4")
        ringing = resize(volume, new)
        assert ringing.min() < 0 and ringing.max() > 1
        for threads in (1, 2):
            found, sections = np.full(new, np.nan, dtype="f4"), []

            def take(slab, values, found=found, sections=sections):
                sections.extend(range(slab.start, slab.stop))
                found[slab] = np.clip(values, 0, 1, out=values)

            resize_in_slabs(volume, new, take, workspace=room, threads=threads)
            assert sorted(sections) == list(range(new[0]))
            np.testing.assert_array_equal(found, np.clip(ringing, 0, 1))
