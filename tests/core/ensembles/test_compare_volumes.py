# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare many volumes: parts, occupancies, clusters, grey scales, motion, and nothing where nothing differs."""

import numpy as np
import pytest
from scipy import ndimage

from occupy_core.ensembles.compare_volumes import compare_volumes
from occupy_core.errors import JobError, MapError
from occupy_core.settings.settings import Settings
from tests.core.ensembles.made_volumes import bodies, few_components, made_volumes, present_or_absent, write_volumes

COUNT = 24


def values_of(part):
    return np.array([item.value for item in part.occupancies])


def overlap(part, body):
    """Return the share of a body's inner voxels in a part's mask; both on the grid of the volumes (3 Å)."""
    return float(part.mask[body].mean())


@pytest.fixture(scope="module")
def two_parts(tmp_path_factory):
    """A comparison of volumes, each in a grey scale of its own, in which two bodies come and go, and the truth."""
    truth = present_or_absent(COUNT, 3)
    truth[:, 2] = 1.0
    truth[::5, 0] = 0.5
    factors = np.random.default_rng(1).uniform(0.5, 2.0, COUNT)
    maps = write_volumes(tmp_path_factory.mktemp("two_parts"), made_volumes(truth, factors=factors))
    return compare_volumes(maps, Settings(), threads=2), truth[:, :2], factors


@pytest.mark.slow
def test_parts_that_come_and_go_are_found_with_their_occupancies(two_parts):
    comparison, truth, _ = two_parts
    assert [part.moves for part in comparison.parts] == [False, False]
    for body, column in zip(bodies()[1][1:3], truth.T):
        part = max(comparison.parts, key=lambda item: overlap(item, body))
        assert overlap(part, body) > 0.9
        assert np.corrcoef(values_of(part), column)[0, 1] > 0.98
        assert np.abs(values_of(part) - column).mean() < 0.08
        inside = [item.low <= value <= item.high for item, value in zip(part.occupancies, column)]
        assert np.mean(inside) > 0.8


def test_grey_scales_are_found(two_parts):
    comparison, _, factors = two_parts
    found = comparison.volumes.grey_factors
    np.testing.assert_allclose(found / np.median(found), factors / np.median(factors), rtol=0.03)
    always = bodies()[1][0]
    densities = [comparison.volumes.load(number)[always].mean() for number in range(COUNT)]
    np.testing.assert_allclose(densities, comparison.volumes.mean[always].mean(), rtol=0.03)


def test_volumes_of_one_composition_are_one_cluster(two_parts):
    comparison, truth, _ = two_parts
    numbers = comparison.clusters.numbers
    for one in range(COUNT):
        for other in range(COUNT):
            apart = np.abs(truth[one] - truth[other]).max()
            if apart == 0:
                assert numbers[one] == numbers[other]
            if apart == 1:
                assert numbers[one] != numbers[other]
    assert sorted(comparison.clusters.order.tolist()) == list(range(COUNT))


def test_nothing_is_found_where_volumes_differ_by_noise_alone(tmp_path):
    same = np.ones((COUNT, 3))
    factors = np.random.default_rng(2).uniform(0.8, 1.25, COUNT)
    comparison = compare_volumes(write_volumes(tmp_path, made_volumes(same, noise=0.2, factors=factors)), Settings())
    assert comparison.parts == ()
    assert set(comparison.clusters.numbers.tolist()) == {1}


@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_is_found_where_noise_is_a_mixture_of_few_components(tmp_path, seed):
    volumes = few_components(made_volumes(np.ones((30, 3)), noise=0.2, seed=seed), 3)
    assert compare_volumes(write_volumes(tmp_path, volumes), Settings(), threads=2).parts == ()


def test_parts_are_found_where_noise_is_a_mixture_of_few_components(tmp_path):
    truth = present_or_absent(60, 3)
    truth[:, 2] = 1.0
    volumes = few_components(made_volumes(truth, noise=0.1), 4)
    comparison = compare_volumes(write_volumes(tmp_path, volumes), Settings(), threads=2)
    assert len(comparison.parts) == 2
    agreement = np.corrcoef([*map(values_of, comparison.parts), *truth[:, :2].T])[:2, 2:]
    assert (agreement.max(axis=0) > 0.98).all()
    assert "mixture of a few components" in " ".join(comparison.warnings)


@pytest.mark.parametrize("absent, uneven", [(1, 0.0), (15, 0.3)])
def test_independent_volumes_are_not_called_a_mixture(tmp_path, absent, uneven):
    truth = np.ones((30, 3))
    truth[:absent, 1] = 0.0
    volumes = made_volumes(truth, noise=0.05)
    noises = np.array(made_volumes(np.ones((30, 3)), noise=0.05, seed=1)) - made_volumes(np.ones((1, 3)), noise=0)[0]
    place = np.linspace(0, 2 * np.pi, volumes[0].shape[2], dtype=np.float32)
    uneven_volumes = [volume + uneven * np.cos(place) * noise for volume, noise in zip(volumes, noises)]
    comparison = compare_volumes(write_volumes(tmp_path, uneven_volumes), Settings(), threads=2)
    assert len(comparison.parts) == 1 and comparison.warnings == ()


@pytest.mark.parametrize("noise", [0.005, 0.02])
def test_small_part_is_found_in_clean_volumes(tmp_path, noise):
    truth = np.ones((COUNT, 3))
    volumes = made_volumes(truth, noise=noise)
    z, y, x = np.indices(volumes[0].shape) - np.argwhere(bodies()[1][1]).mean(axis=0).round()[:, None, None, None]
    ball = (z**2 + y**2 + x**2 < 4.5**2).astype(np.float32)
    present = np.arange(COUNT) % 2
    without = [volume * (1 - ball * (not there)) for volume, there in zip(volumes, present)]
    (part,) = compare_volumes(write_volumes(tmp_path, without), Settings(), threads=2).parts
    assert np.corrcoef(values_of(part), present)[0, 1] > 0.98


@pytest.mark.slow
def test_part_that_moves_has_no_occupancy(tmp_path):
    truth = np.ones((COUNT, 2))
    shifts = np.random.default_rng(3).uniform(-3, 3, COUNT)
    comparison = compare_volumes(write_volumes(tmp_path, made_volumes(truth, shifts=shifts)), Settings())
    assert [part.moves for part in comparison.parts] == [True]
    assert comparison.parts[0].occupancies == ()
    reach = np.argwhere(comparison.parts[0].mask).mean(axis=0) - np.argwhere(bodies()[1][3]).mean(axis=0)
    assert np.linalg.norm(reach) < 4


def test_part_in_one_of_many_volumes_is_found(tmp_path):
    truth = np.ones((COUNT, 3))
    truth[:, 1] = 0.0
    truth[7, 1] = 1.0
    comparison = compare_volumes(write_volumes(tmp_path, made_volumes(truth)), Settings())
    assert [int(values_of(part).argmax()) for part in comparison.parts] == [7]
    assert values_of(comparison.parts[0])[7] > 0.8
    assert np.delete(values_of(comparison.parts[0]), 7).max() < 0.2


@pytest.mark.slow
def test_result_does_not_depend_on_the_number_of_threads(tmp_path):
    maps = write_volumes(tmp_path, made_volumes(present_or_absent(12, 3)))
    one, two = (compare_volumes(maps, Settings(), threads=threads) for threads in (1, 2))
    assert [part.occupancies for part in one.parts] == [part.occupancies for part in two.parts]


def test_order_of_the_volumes_does_not_matter(tmp_path):
    maps = write_volumes(tmp_path, made_volumes(present_or_absent(12, 3)))
    forth, back = compare_volumes(maps, Settings()), compare_volumes(maps[::-1], Settings())
    for one, other in zip(forth.parts, back.parts):
        np.testing.assert_allclose(values_of(one), values_of(other)[::-1], atol=2e-3)


def test_volume_without_a_molecule_is_left_out(tmp_path):
    volumes = made_volumes(present_or_absent(12, 3))
    volumes[4] = np.random.default_rng(0).standard_normal(volumes[4].shape).astype(np.float32)
    comparison = compare_volumes(write_volumes(tmp_path, volumes), Settings())
    assert 4 not in comparison.volumes.indices
    assert len(comparison.volumes) == 11
    assert any("vol_005.mrc is left out" in text for text in comparison.warnings)


def test_volumes_on_two_grids_are_refused(tmp_path):
    maps = write_volumes(tmp_path, made_volumes(present_or_absent(11, 3)))
    maps += write_volumes(tmp_path, [made_volumes([(1, 1, 1)])[0][:60, :60, :60]], names="small.mrc")
    with pytest.raises(JobError, match="small.mrc.*one grid"):
        compare_volumes(maps, Settings())


def test_noise_alone_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    maps = write_volumes(tmp_path, [rng.standard_normal((48, 48, 48)) for _ in range(11)])
    with pytest.raises(MapError, match="fewer than two of the volumes"):
        compare_volumes(maps, Settings())


def test_volumes_without_a_common_part_are_refused(tmp_path):
    whole, rng = sum(bodies()[0]), np.random.default_rng(0)
    fields = [ndimage.gaussian_filter(rng.standard_normal(whole.shape), 3.0) for _ in range(COUNT)]
    volumes = [whole * np.exp(field / field.std()) for field in fields]
    maps = write_volumes(tmp_path, [volume + 0.01 * rng.standard_normal(whole.shape) for volume in volumes])
    with pytest.raises(MapError, match="24 volumes have no part in common"):
        compare_volumes(maps, Settings())


@pytest.mark.slow
def test_grey_scales_of_noisy_volumes_make_no_parts(tmp_path):
    factors = np.random.default_rng(4).uniform(0.5, 2.0, 60)
    comparison = compare_volumes(
        write_volumes(tmp_path, made_volumes(np.ones((60, 3)), noise=0.4, factors=factors)), Settings()
    )
    assert comparison.parts == ()
    found = comparison.volumes.grey_factors
    np.testing.assert_allclose(found / np.median(found), factors / np.median(factors), rtol=0.1)
