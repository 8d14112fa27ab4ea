# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated classes of a made-up complex: all parts that differ are found, with their occupancies, and no others."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.classes import document, measure, scenarios, tables
from benchmarks.occupancy import suite
from benchmarks.occupancy.simulate import Conditions, simulate
from occupy_core.comparing import comparison
from occupy_core.comparing.occupancies import read_occupancies
from occupy_core.errors import MapError
from occupy_core.estimate.coarse_grid import CoarseGrid

WHOLE = dict.fromkeys("ABCDEFG", 1.0)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    return suite.bundles(tmp_path_factory.mktemp("models"))


def classes(model, occupancies, noises, seed=0, **how):
    """Simulate a map for each class."""
    return [
        simulate(
            model.path,
            Conditions(**{"resolution": 7.0, "voxel_size": 2.4, "noise": noise, "seed": 100 * seed + number, **how}),
            chosen,
        )
        for number, (chosen, noise) in enumerate(zip(occupancies, noises))
    ]


@pytest.mark.slow
@pytest.mark.parametrize("partial", [False, True])
def test_differences_of_the_small_benchmark_are_found(bundles, partial):
    chosen = scenarios.differing([bundles], seed=0, noises=(0.05, 0.1, 0.2), partial=partial)
    drawn = {value for item in chosen for occupancies in item.occupancies for value in occupancies.values()}
    assert (drawn > {0.0, 1.0}) == partial
    outcomes = [measure.run(item) for item in chosen]
    matches = [match for outcome in outcomes for match in outcome.matches]
    assert len(matches) >= 3
    assert [match for match in matches if not match.is_found] == []
    assert np.mean([match.error for match in matches]) < 0.1
    assert [outcome.false_regions for outcome in outcomes] == [0] * len(outcomes)


@pytest.mark.slow
def test_identical_classes_of_the_small_benchmark_do_not_differ(bundles):
    assert [measure.run(item).regions for item in scenarios.identical([bundles], seed=0, sets=4)] == [0] * 4


@pytest.mark.parametrize("noise", [0.05, 0.2])
def test_touching_parts_of_different_patterns_are_two_regions(bundles, noise):
    # E and F touch, and both are above 20 kDa.
    truth = {"E": (1.0, 1.0, 0.3), "F": (1.0, 0.0, 1.0)}
    occupancies = [{**WHOLE, **{chain: values[number] for chain, values in truth.items()}} for number in range(3)]
    maps = classes(bundles, occupancies, [noise, 1.2 * noise, 1.4 * noise])
    scenario = scenarios.Scenario(bundles, tuple(occupancies), (), "")
    found = measure.compare_simulated(maps)
    outcome = measure.match_regions(scenario, maps[0], found)
    assert [match.is_found for match in outcome.matches] == [True, True]
    assert max(match.error for match in outcome.matches) < 0.1
    assert outcome.regions == 2
    assert (outcome.fragments, outcome.merged) == (0, 0)
    first, second = found.result.sure_regions
    assert first.volume == pytest.approx(first.mask.sum() * (found.spacing * found.grid.voxel_size) ** 3)
    assert first.volume * first.spread >= second.volume * second.spread
    assert not (first.mask & second.mask).any()
    joined = replace(found.result, regions=(replace(first, mask=first.mask | second.mask),))
    outcome = measure.match_regions(scenario, maps[0], replace(found, result=joined))
    assert (outcome.fragments, outcome.merged) == (0, 1)
    for lower, median, upper in first.occupancies:
        assert 0 <= lower <= median <= upper <= 1


def test_part_between_fully_occupied_neighbours_reads_its_own_occupancy(bundles):
    # Chain A is in the middle of the other six.
    occupancies = [WHOLE, {**WHOLE, "A": 0.3}, {**WHOLE, "A": 0.0}]
    (region,) = measure.compare_simulated(classes(bundles, occupancies, [0.1, 0.1, 0.1])).result.sure_regions
    medians = [median for _, median, _ in region.occupancies]
    assert medians == pytest.approx([1.0, 0.3, 0.0], abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_identical_classes_do_not_differ_at_any_noise(bundles, seed):
    chosen = {**WHOLE, "B": 0.6, "E": 0.4}
    noise = (0.05, 0.1, 0.2, 0.4)[seed]
    maps = classes(bundles, [chosen] * 3, [noise, 1.3 * noise, 1.6 * noise], seed)
    assert measure.compare_simulated(maps).result.sure_regions == ()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 4])
def test_voxels_that_noise_chose_are_no_sure_region(bundles, seed):
    # The mean over such voxels is many times its noise, because they were chosen for their difference.
    maps = classes(bundles, [WHOLE] * 4, [0.4, 0.64, 0.52, 0.56], seed, resolution=5.0)
    assert measure.compare_simulated(maps).result.sure_regions == ()


@pytest.mark.slow
@pytest.mark.parametrize("resolutions", [(4.8, 7.0), (7.0, 10.0)])
@pytest.mark.parametrize("masked", [None, 6.0])
def test_identical_classes_do_not_differ_at_unequal_resolution_grey_scale_and_noise(bundles, resolutions, masked):
    pairs = zip(resolutions, (0.1, 0.4), (1, 2))
    maps = [classes(bundles, [WHOLE], [n], seed, resolution=r, masked=masked)[0] for r, n, seed in pairs]
    assert measure.compare_simulated(maps, factors=[1.0, 0.9]).result.sure_regions == ()
    assert measure.compare_simulated(maps, factors=[0.9, 1.0]).result.sure_regions == ()


@pytest.mark.parametrize("noise", [0.02, 0.05])
def test_part_that_is_fainter_by_a_third_in_one_class_is_found(bundles, noise):
    maps = classes(bundles, [WHOLE, {**WHOLE, "G": 0.7}, WHOLE], [noise, 1.25 * noise, 1.5 * noise])
    (region,) = measure.compare_simulated(maps).result.sure_regions
    assert [median for _, median, _ in region.occupancies] == pytest.approx([1.0, 0.7, 1.0], abs=0.05)


def test_reference_class_can_be_chosen(bundles):
    maps = classes(bundles, [WHOLE, {**WHOLE, "F": 0.0}], [0.1, 0.1])
    found = measure.compare_simulated(maps, factors=[1.0, 0.5], reference=1)
    assert found.result.grey_factors == pytest.approx((2.0, 1.0), abs=0.2)
    (region,) = found.result.sure_regions
    assert [median for _, median, _ in region.occupancies] == pytest.approx([1.0, 0.0], abs=0.1)


def test_part_at_half_occupancy_in_all_classes_is_no_region(bundles):
    chosen = {**WHOLE, "C": 0.5}
    maps = classes(bundles, [chosen, {**chosen, "F": 0.0}], [0.1, 0.1])
    found = measure.compare_simulated(maps)
    (region,) = found.result.sure_regions
    grid = CoarseGrid(region.mask.shape, found.spacing)
    there = grid.nearest(maps[0].chains) == maps[0].names.index("F")
    assert (region.mask & there).sum() / region.mask.sum() > 0.5


def test_unequal_grey_scale_gives_a_warning_and_its_factor(bundles):
    maps = classes(bundles, [WHOLE, WHOLE], [0.1, 0.1])
    assert measure.compare_simulated(maps).warnings == ()
    found = measure.compare_simulated(maps, factors=[1.0, 0.5])
    assert found.result.grey_factors[1] == pytest.approx(0.5, abs=0.05)
    assert "class002.mrc" in found.warnings[0] and "0.50 times" in found.warnings[0]


def test_surroundings_and_noise_of_the_voxels_that_are_read_are_measured(bundles, monkeypatch):
    calls = []

    def read(densities, scales, mixing, noise, noise_of_half):
        calls.append((mixing, noise.of_classes, noise_of_half.of_classes))
        return read_occupancies(densities, scales, mixing, noise, noise_of_half)

    monkeypatch.setattr(comparison, "read_occupancies", read)
    measure.compare_simulated(classes(bundles, [{**WHOLE, "G": 0.0}, WHOLE], [0.1, 0.1]))
    mixing, of_part, of_half = calls[0]
    assert 0.01 < mixing.max() < 0.4  # the part touches neighbours
    assert (of_half > 1.1 * of_part).all()  # a mean over fewer voxels is noisier


def test_benchmark_reads_no_occupancy_in_a_class_that_is_left_out(bundles):
    occupancies = ({**WHOLE, "F": 0.0, "G": 0.0}, WHOLE, WHOLE)
    maps = classes(bundles, occupancies, [0.1] * 3)
    scenario = scenarios.Scenario(bundles, occupancies, (Conditions(),) * 3, "plain")
    maps[2] = replace(maps[2], volume=0.3 * maps[2].volume)
    (match,) = measure.match_regions(scenario, maps[0], measure.compare_simulated(maps)).matches
    assert np.isnan(match.occupancies[2]) and match.occupancies[:2] == pytest.approx((0.0, 1.0), abs=0.1)
    assert match.error < 0.1


def test_maps_like_reconstructions_have_water_a_noise_spectrum_and_alignment_errors_of_their_own(bundles):
    for scenario in scenarios.identical([bundles], 0, 4, as_reconstructed=True):
        assert all(item.solvent > 0 and item.has_coloured_noise for item in scenario.conditions)
        assert len({(item.rotation_error, item.shift_error) for item in scenario.conditions}) == len(
            scenario.conditions
        )
        assert ("masked" in scenario.kind) == (scenario.conditions[0].soft_mask is not None)


def test_benchmark_document_lists_missed_bounds_at_usual_noise_only(bundles):
    match = measure.Match(scenarios.Difference(("A",), (1.0, 0.0), 30.0), 0.1, 0.9, (1.0, 0.5))
    outcomes = [
        measure.Outcome(scenarios.Scenario(bundles, (), (Conditions(noise=noise),), "plain"), (match,), 1, 0, 8.0)
        for noise in (0.2, 0.4)
    ]
    not_found, error = tables.bounds_missed(outcomes, [])
    assert "noise 0.2" in not_found and "coverage 0.10" in not_found and "0.250" in error
    assert tables.bounds_missed(outcomes[1:], []) == []
    for suites in ({"one": outcomes}, {"none": [], "one": outcomes}):
        text = document.text(suites, [], 0)
        assert "| chains one | 0 of 1 | 0.25 |" in text and "Some bounds are missed" in text
    assert "All bounds hold" in document.text({"one": outcomes[1:]}, [], 0)
    regions = [replace(outcomes[0], matches=())]
    assert "1 regions in classes that do not differ" in document.text({}, regions, 0)


def test_no_region_is_sure_if_the_classes_have_nothing_in_common(bundles):
    chains = ("AB", "CDE", "FG")
    maps = classes(bundles, [{name: float(name in own) for name in WHOLE} for own in chains], [0.02] * 3)
    found = measure.compare_simulated(maps).result
    assert found.regions and found.sure_regions == ()
    assert all("no common part" in region.doubt for region in found.regions)


def test_benchmark_finds_nothing_where_fewer_than_two_classes_can_be_compared(bundles, monkeypatch):
    def fail(maps):
        raise MapError("fewer than two of the maps can be compared")

    occupancies = (WHOLE, {**WHOLE, "F": 0.0})
    scenario = scenarios.Scenario(bundles, occupancies, (Conditions(resolution=7.0, voxel_size=2.4),) * 2, "plain")
    monkeypatch.setattr(measure, "compare_simulated", fail)
    outcome = measure.run(scenario)
    assert not outcome.is_compared and outcome.regions == outcome.false_regions == 0
    assert [match.is_found for match in outcome.matches] == [False]
    assert "| - | 0 of 1 |" in tables.by_classification([outcome])
    page = document.text({"at any occupancy": [outcome]}, [outcome], 0)
    assert "1 sets of classes that do not differ (1 of them left with fewer than two classes)" in page
