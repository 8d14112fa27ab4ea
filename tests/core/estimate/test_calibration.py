# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, gaussian_filter

from demo.simulate import phantom
from occupy_core.errors import MapError
from occupy_core.estimate import molecule
from occupy_core.estimate.calibration import calibrate
from occupy_core.estimate.coarse_grid import coarse_grid
from occupy_core.estimate.intervals import doubt_about_reference, occupancy_interval
from occupy_core.estimate.kernel import ball_mask, ball_maximum
from occupy_core.estimate.molecule import corrected_maximum, find_molecule, histogram_mode
from occupy_core.estimate.reference import Reference
from occupy_core.fourier.low_pass import low_pass
from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.settings.settings import Settings

CALIBRATED = Settings(mode="occupancy", normalisation="calibrated")
BIG = ((80, 80, 80), 3.0)


@pytest.fixture(scope="module")
def noisy():
    return phantom(BIG[0], voxel_size=BIG[1], noise=0.3, seed=1)


@pytest.fixture
def process(write_mrc):
    def run(volume, settings=CALIBRATED, voxel_size=3.0):
        return process_map(read_map(write_mrc(volume, voxel_size=voxel_size)), settings)

    return run


def part_medians(result, simulated):
    """Return the median scale of each part of a phantom."""
    return [float(np.median(result.scale[part])) for part in simulated.parts]


def test_scale_of_each_part_is_its_occupancy_at_any_noise(process):
    for noise in (0.02, 0.1, 0.3):
        simulated = phantom(BIG[0], voxel_size=BIG[1], noise=noise, seed=1)
        np.testing.assert_allclose(part_medians(process(simulated.volume), simulated), simulated.occupancies, atol=0.06)


def test_calibrated_scale_is_0_in_noise_and_the_published_scale_is_not(noisy, process):
    corner = np.s_[8:20, 30:50, 30:50]
    assert np.median(process(noisy.volume).scale[corner]) < 0.05
    assert np.median(process(noisy.volume, replace(CALIBRATED, normalisation="tiled")).scale[corner]) > 0.15


def test_scale_does_not_depend_on_the_grey_scale_or_its_origin(noisy, process):
    plain = process(noisy.volume)
    np.testing.assert_array_equal(process(noisy.volume * np.float32(1024)).scale, plain.scale)
    moved = process(noisy.volume - np.float32(0.5))
    assert moved.reference.zero < 0
    np.testing.assert_allclose(moved.scale, plain.scale, atol=2e-3)


def test_flattened_solvent_does_not_change_occupancies(noisy, process):
    z, y, x = np.indices(noisy.volume.shape) - 40
    distance = np.sqrt(z**2 + y**2 + x**2)
    masked = noisy.volume * np.clip((38 - distance) / 3, 0, 1).astype(np.float32)
    np.testing.assert_allclose(part_medians(process(masked), noisy), noisy.occupancies, atol=0.05)
    np.testing.assert_allclose(
        part_medians(process(masked), noisy), part_medians(process(noisy.volume), noisy), atol=0.05
    )


@pytest.mark.parametrize("background", [0.0, 5.0])
def test_background_counts_as_0_with_a_warning_when_there_is_no_solvent(process, background):
    simulated = phantom(BIG[0], voxel_size=BIG[1], noise=0.05, seed=1)
    tight = np.where(simulated.volume > 0.1 * simulated.volume.max(), simulated.volume, 0) + np.float32(background)
    result = process(tight)
    assert result.reference.zero == pytest.approx(background, abs=0.02)
    assert any("no solvent to calibrate the zero" in text for text in result.warnings)
    np.testing.assert_allclose(part_medians(result, simulated), simulated.occupancies, atol=0.08)


def test_noise_without_molecule_is_refused(process):
    noise = np.random.default_rng(0).standard_normal((64, 64, 64)).astype(np.float32)
    with pytest.raises(MapError, match=r"map\.mrc: .*no density that stands out"):
        process(noise)


def test_inverted_contrast_is_refused(noisy, process):
    with pytest.raises(MapError, match="contrast inverted"):
        process(-noisy.volume)


def test_resolution_mode_warns_that_the_scale_is_no_occupancy(noisy, process):
    result = process(noisy.volume, replace(CALIBRATED, mode="resolution"))
    assert any("falls with local resolution too" in text for text in result.warnings)


@pytest.mark.parametrize(("shape", "voxel_size"), [((33, 47, 52), 3.0), ((64, 40, 40), 3.0), ((20, 90, 90), 1.0)])
def test_boxes_of_any_shape_can_be_calibrated(shape, voxel_size, process):
    simulated = phantom(shape, voxel_size=voxel_size, noise=0.1)
    result = process(simulated.volume, voxel_size=voxel_size)
    assert result.scale.shape == shape and np.isfinite(result.scale).all()
    assert all(
        0 <= first and first + result.reference.tile_size <= side
        for first, side in zip(result.reference.highest_tile, shape)
    )


def test_occupancies_do_not_depend_on_a_cropped_box(noisy, process):
    np.testing.assert_allclose(
        part_medians(process(noisy.volume, replace(CALIBRATED, max_box=72, lowpass=12)), noisy),
        part_medians(process(noisy.volume, replace(CALIBRATED, lowpass=12)), noisy),
        atol=0.03,
    )


def test_real_beta_galactosidase_has_four_fully_occupied_chains(shared_data):
    result = process_map(read_map(str(shared_data / "maps/betaGal.mrc")), CALIBRATED)
    gemmi = pytest.importorskip("gemmi", reason="install gemmi")
    from benchmarks.occupancy.atomic_model import chain_of_voxels

    structure = gemmi.read_structure(str(shared_data / "models/8bk7_docked_in_betaGal.pdb.gz"))
    atoms = [np.array([[*atom.pos] for residue in chain for atom in residue]) for chain in structure[0]]
    chains = chain_of_voxels(atoms, result.scale.shape[0], result.source.grid.voxel_size)
    medians = [float(np.median(result.scale[chains == number])) for number in range(4)]
    assert min(medians) > 0.9 and max(medians) - min(medians) < 0.02


def test_variability_limit_does_not_depend_on_the_origin_of_the_grey_scale(noisy, process):
    plain, moved = process(noisy.volume), process(noisy.volume + np.float32(5))
    assert moved.variability_limit == pytest.approx(plain.variability_limit, rel=0.01)


def test_best_window_lies_in_the_fully_occupied_part(noisy, process):
    reference = process(noisy.volume).reference
    middles = [np.argwhere(part).mean(axis=0) for part in noisy.parts]
    best, worst = (np.array(tile) + reference.tile_size / 2 for tile in (reference.highest_tile, reference.lowest_tile))
    radius = 80 / 7
    assert np.linalg.norm(best - middles[0]) < 1.1 * radius < np.linalg.norm(worst - middles[0])


def test_strong_parts_between_weak_ones_count_as_fully_occupied():
    z, y, x = np.indices((64, 64, 64)) - 32
    inside = z**2 + y**2 + x**2 < 32**2
    molecule = z**2 + y**2 + x**2 < 18**2
    slabs = np.where(z % 10 < 4, 1.0, 0.5) * molecule  # strong slabs 12 Å thick, weak slabs 18 Å thick
    noise = 0.02 * np.random.default_rng(0).standard_normal(slabs.shape)
    volume = (slabs + noise).astype(np.float32)
    lengths = {"voxel_size": 3.0, "lowpass": 9.0}
    found = find_molecule(volume, coarse_grid(volume.shape, 3.0), inside, **lengths)
    reference = calibrate(volume, inside, inside, found, **lengths).reference
    assert reference.value == pytest.approx(1.0, abs=0.05) and reference.zero == pytest.approx(0.0, abs=0.02)


class TestCorrectedMaximum:
    KERNEL = ball_mask(3, 1.0)

    def corrected(self, mixed, voxel_size):
        lengths = {"voxel_size": voxel_size, "lowpass": 8.0}
        grid = coarse_grid(mixed.shape, voxel_size)
        molecule = find_molecule(grid.nearest(mixed).copy(), grid, np.ones(mixed.shape, dtype=bool), **lengths)
        return corrected_maximum(mixed, molecule, self.KERNEL, **lengths)

    @pytest.mark.parametrize(("shape", "voxel_size"), [((64, 64, 64), 3.0), ((95, 96, 97), 1.5)])
    def test_leakage_from_a_strong_neighbour_is_reduced_and_solvent_is_unchanged(self, shape, voxel_size, monkeypatch):
        z, y, x = (index - side // 2 for index, side in zip(np.indices(shape), shape))
        distance, height = np.sqrt(z**2 + y**2 + x**2) * voxel_size, (z + 0.5) * voxel_size
        truth = np.where(distance < 45, np.where(height < 0, 1.0, 0.4), 0.0)
        noise = 0.02 * np.random.default_rng(0).standard_normal(shape)
        mixed = gaussian_filter(truth + noise, 3 / voxel_size).astype(np.float32)
        found = self.corrected(mixed, voxel_size)
        far = distance > 60
        np.testing.assert_array_equal(found[far], ball_maximum(mixed, self.KERNEL)[far])
        monkeypatch.setattr(molecule, "_LEAK", 0.0)
        beside = (distance < 30) & (height > 3) & (height < 9)
        excess = [np.median(values[beside]) - 0.4 for values in (self.corrected(mixed, voxel_size), found)]
        assert -0.03 < excess[1] < 0.9 * excess[0]

    def test_packing_of_atoms_counts_less(self, monkeypatch):
        simulated = phantom(noise=0.02)
        evened = np.percentile(self.corrected(simulated.volume, 3.0)[simulated.parts[0]], (25, 75))
        monkeypatch.setattr(molecule, "_PACKING_WIDTH", 1e-3)
        plain = np.percentile(self.corrected(simulated.volume, 3.0)[simulated.parts[0]], (25, 75))
        assert np.ptp(evened) < 0.9 * np.ptp(plain)


def test_spread_of_the_reference_grows_with_noise(noisy, process):
    quiet = phantom(BIG[0], voxel_size=BIG[1], noise=0.02, seed=1)
    assert 0.05 < process(quiet.volume).reference.spread < process(noisy.volume).reference.spread < 0.5


def test_map_without_detail_at_the_low_pass_gets_no_interval(noisy, process, write_mrc):
    part = write_mrc(noisy.parts[1].astype(np.float32), "part.mrc")
    soft = low_pass(noisy.volume, voxel_size=3.0, cutoff_angstrom=30.0)
    for volume, has_detail in ((noisy.volume, True), (soft, False)):
        result = process(volume, replace(CALIBRATED, target_mask=(part,)))
        assert (result.targets[0].interval is not None) is has_detail
        assert any("almost no detail" in text for text in result.warnings) is not has_detail


def test_target_mask_with_solvent_gives_a_warning_and_no_interval(noisy, process, write_mrc):
    wide = write_mrc(binary_dilation(noisy.parts[0], iterations=14).astype(np.float32), "wide.mrc")
    close = write_mrc(noisy.parts[0].astype(np.float32), "close.mrc")
    result = process(noisy.volume, replace(CALIBRATED, target_mask=(close, wide)))
    about_variation, about_wide_mask = (
        [text for text in result.warnings if words in text] for words in ("varies widely", "wide.mrc")
    )
    assert [target.interval is None for target in result.targets] == [False, True]
    assert about_variation == about_wide_mask != []


def test_map_that_ends_just_beyond_the_low_pass_gets_no_interval(process, write_mrc):
    simulated = phantom((80, 80, 80), voxel_size=2.5, noise=0.05, seed=1)
    part = write_mrc(simulated.parts[0].astype(np.float32), "part.mrc", 2.5)
    ends_early = low_pass(simulated.volume, voxel_size=2.5, cutoff_angstrom=10.4)
    settings = replace(CALIBRATED, target_mask=(part,))
    for lowpass, is_given in ((12.0, True), (9.2, False)):
        result = process(ends_early, replace(settings, lowpass=lowpass), voxel_size=2.5)
        assert (result.targets[0].interval is not None) is is_given
        assert any("no interval" in text for text in result.warnings) is not is_given


@pytest.mark.parametrize("extension", [1, 2, 3])
def test_mask_that_reads_mostly_surface_gets_no_interval_and_a_reason(process, write_mrc, extension):
    simulated = phantom(BIG[0], voxel_size=BIG[1], noise=0.05, occupancies=(1.0, 0.3), seed=1)
    z, y, x = np.indices(BIG[0]) - 40
    whole = np.hypot(np.hypot(z, y), x) <= 80 / 7
    wide = binary_dilation(whole, iterations=extension) & (x <= 3)
    result = process(simulated.volume, replace(CALIBRATED, target_mask=(write_mrc(wide.astype("f4"), "wide.mrc"),)))
    target = result.targets[0]
    low, high = target.interval or (None, None)
    assert target.interval is None or low <= 1.0 <= high
    assert (target.warning in result.warnings) is (target.interval is None)


def test_doubts_about_the_best_region_are_told():
    def doubt(texture, noise=0.1, lowpass=8.0):
        reference = Reference(1.0, (0, 0, 0), (0, 0, 0), 8, texture=texture, noise=noise)
        return doubt_about_reference(reference, lowpass) or ""

    assert doubt(0.5) == ""
    assert "nucleic acid" in doubt(0.7) and "compare the scale" in doubt(0.7)
    assert "nucleic acid" in doubt(0.5, lowpass=16.0)
    assert "solvent noise" in doubt(0.5, noise=0.9)


class TestTargets:
    @pytest.fixture
    def masks(self, noisy, write_mrc):
        return tuple(write_mrc(part.astype(np.float32), f"part{number}.mrc") for number, part in enumerate(noisy.parts))

    def test_median_and_quartiles_of_a_target_mask_are_of_the_scale(self, noisy, masks, process):
        result = process(noisy.volume, replace(CALIBRATED, target_mask=masks))
        for target, part in zip(result.targets, noisy.parts):
            expected = np.percentile(result.scale[part], (25, 50, 75))
            found = (target.lower_quartile, target.median, target.upper_quartile)
            np.testing.assert_allclose(found, expected, rtol=1e-6)
            assert target.volume == pytest.approx(part.sum() * 27)

    def test_interval_holds_the_true_occupancy(self, noisy, masks, process):
        result = process(noisy.volume, replace(CALIBRATED, target_mask=masks))
        for target, occupancy in zip(result.targets, noisy.occupancies):
            low, high = target.interval
            assert low <= occupancy <= high and high - low < 0.3

    def test_only_a_calibrated_scale_in_occupancy_mode_has_an_interval(self, noisy, masks, process):
        for change in ({"normalisation": "tiled"}, {"mode": "resolution"}, {"nlrc": True}):
            settings = replace(CALIBRATED, target_mask=masks, **change)
            assert all(target.interval is None for target in process(noisy.volume, settings).targets)

    def test_published_occupancy_orders_the_parts(self, noisy, masks, process):
        result = process(noisy.volume, Settings(target_mask=masks))
        assert result.parameters.mode == "occupancy"
        values = [target.published for target in result.targets]
        assert values[0] > 0.9 and values == sorted(values, reverse=True)

    def test_empty_target_mask_and_target_mask_on_another_grid_are_refused(self, noisy, process, write_mrc):
        for mask, words in (
            (np.linspace(0, 0.4, 80**3, dtype=np.float32).reshape(80, 80, 80), "no voxel above 0.5"),
            (np.linspace(0, 1, 64**3, dtype=np.float32).reshape(64, 64, 64), "the target mask has"),
        ):
            path = write_mrc(mask, "mask.mrc")
            with pytest.raises(MapError, match=words) as caught:
                process(noisy.volume, replace(CALIBRATED, target_mask=(path,)))
            assert "mask.mrc" in str(caught.value)

    def test_interval_grows_with_the_spread_and_stays_within_0_and_1(self):
        assert occupancy_interval(0.5, 0.5, 0.5, full_spread=0) == pytest.approx((0.46, 0.54))
        narrow = occupancy_interval(0.4, 0.5, 0.6, full_spread=0.2)
        assert occupancy_interval(0.3, 0.5, 0.7, full_spread=0.2)[0] < narrow[0]
        assert occupancy_interval(0.4, 0.5, 0.6, full_spread=0.4)[1] > narrow[1]
        assert occupancy_interval(0.0, 0.01, 0.2, full_spread=0.3)[0] == 0
        assert occupancy_interval(0.9, 1.0, 1.0, full_spread=0.3)[1] == 1

    def test_interval_is_wider_for_a_smaller_part(self):
        widths = [np.ptp(occupancy_interval(0.5, 0.5, 0.5, full_spread=0.0, volume=size)) for size in (1e4, 8e4)]
        assert widths[0] == pytest.approx(2 * widths[1])


def test_the_mode_of_few_values_that_lie_far_apart_is_one_of_them():
    rng = np.random.default_rng(0)
    for _ in range(300):
        values = rng.normal(0, 1, int(rng.integers(2, 12))).astype(np.float32)
        assert values.min() <= histogram_mode(values) <= values.max()
