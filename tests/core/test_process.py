# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses
import tracemalloc

import numpy as np
import pytest

from demo.simulate import phantom
from occupy_core.errors import MapError, SettingsError
from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.settings.settings import Settings
from occupy_core.solvent.region import inscribed_sphere

ALL = Settings(amplify=3.0, attenuate=3.0, sigmoid=4.0)


@pytest.fixture
def source(phantom_file):
    return read_map(phantom_file)


def arrays(result):
    return {"scale": result.scale, "confidence": result.confidence, **result.modified}


def test_median_scale_of_each_part_is_near_its_known_occupancy(source, three_parts):
    result = process_map(source, Settings(mode="occupancy"))
    for part, occupancy in zip(three_parts.parts, three_parts.occupancies):
        assert np.median(result.scale[part]) == pytest.approx(occupancy, abs=0.05)
    assert result.warnings == ()
    assert result.modified == {}


def test_amplify_raises_and_attenuate_lowers_weak_parts(source, three_parts):
    result = process_map(source, ALL)
    whole, weak = three_parts.parts[0], three_parts.parts[2]
    before = source.data[weak].mean() / source.data[whole].mean()
    ratio = {name: values[weak].mean() / values[whole].mean() for name, values in result.modified.items()}
    assert ratio["amplified"] > 2 * before
    assert ratio["attenuated"] < 0.3 * before
    assert ratio["sigmoid"] < 1.2 * before  # at the pivot
    outside = result.confidence == 0
    for values in result.modified.values():
        np.testing.assert_allclose(values[outside], source.data[outside], atol=1e-6)


@pytest.mark.parametrize("settings", [ALL, Settings(normalisation="calibrated", mode="occupancy", max_box=48)])
def test_the_result_does_not_depend_on_the_number_of_threads(source, settings):
    one, three = (process_map(source, settings, threads=threads) for threads in (1, 3))
    assert one.reference == three.reference and one.solvent.limit == three.solvent.limit
    for name, values in arrays(one).items():
        np.testing.assert_array_equal(arrays(three)[name].view(np.int32), values.view(np.int32), err_msg=name)


def test_exclude_solvent_removes_solvent(source):
    plain = process_map(source, Settings(exclude_solvent=True))
    assert list(plain.modified) == ["solvent_excluded"]
    np.testing.assert_allclose(plain.modified["solvent_excluded"], source.data * plain.confidence, rtol=1e-5, atol=1e-7)
    amplified = process_map(source, Settings(exclude_solvent=True, amplify=2.0)).modified
    assert list(amplified) == ["amplified"]
    assert np.all(amplified["amplified"][plain.confidence == 0] == 0)


def test_outputs_stay_within_the_input_range(source):
    # Amplified without regard to solvent or occupancy, the noise of weak parts would rise above all else.
    settings = Settings(amplify=8.0, omit_confidence=True, lowpass=30.0, kernel_radius=0.5)
    values = process_map(source, settings).modified["amplified"]
    assert values.max() == source.data.max()
    assert values.min() >= source.data.min()


@pytest.mark.parametrize("shape", [(40, 40, 40), (41, 41, 41), (30, 44, 37), (64, 24, 33)])
@pytest.mark.parametrize("max_box", [256, 32])
def test_outputs_have_the_grid_of_the_input_whatever_the_box(write_mrc, shape, max_box):
    simulated = phantom(shape, voxel_size=2.0)
    source = read_map(write_mrc(simulated.volume, voxel_size=2.0))
    result = process_map(source, dataclasses.replace(ALL, max_box=max_box))
    for name, values in arrays(result).items():
        assert values.shape == shape and values.dtype == np.float32, name
        assert np.all(np.isfinite(values)), name
    assert 0 <= result.scale.min() and result.scale.max() <= 1
    assert min(result.parameters.box) >= min(*shape, 32)
    assert any("max_box" in text for text in result.warnings) == (result.parameters.box != shape)


def test_a_smaller_working_box_changes_little(write_mrc):
    simulated = phantom((80, 80, 80), voxel_size=1.5)
    source = read_map(write_mrc(simulated.volume, voxel_size=1.5))
    whole = process_map(source, Settings(mode="occupancy", lowpass=12.0))
    # Tile sizes are in voxels: 7 voxels of the smaller box are as long as 12 of the full box, 18 Å.
    small = process_map(
        source, Settings(mode="occupancy", lowpass=12.0, max_box=48, tile_size=7, tau=whole.parameters.tau)
    )
    for part in simulated.parts:
        assert np.median(small.scale[part]) == pytest.approx(np.median(whole.scale[part]), abs=0.05)
    assert np.corrcoef(small.scale.ravel(), whole.scale.ravel())[0, 1] > 0.97


@pytest.mark.parametrize(
    "settings",
    [
        ALL,
        Settings(),
        Settings(exclude_solvent=True, normalisation="kernel"),
        Settings(amplify=3.0, hist_match=True, normalisation="calibrated"),
    ],
)
def test_results_do_not_depend_on_the_grey_scale(source, settings):
    larger = dataclasses.replace(source, data=source.data * np.float32(1024))
    one, other = process_map(source, settings), process_map(larger, settings)
    np.testing.assert_array_equal(one.scale, other.scale)
    np.testing.assert_array_equal(one.confidence, other.confidence)
    for name in one.modified:
        np.testing.assert_array_equal(one.modified[name] * np.float32(1024), other.modified[name])


def test_results_do_not_depend_on_the_order_of_the_axes(source):
    turned = dataclasses.replace(source, data=np.ascontiguousarray(source.data.transpose(2, 0, 1)))
    one, other = process_map(source, Settings(mode="occupancy")), process_map(turned, Settings(mode="occupancy"))
    np.testing.assert_allclose(one.scale.transpose(2, 0, 1), other.scale, atol=1e-5)


def test_modified_maps_do_not_depend_on_the_number_of_threads(source):
    one, two = (process_map(source, ALL, threads=threads) for threads in (1, 2))
    for name, values in arrays(one).items():
        np.testing.assert_array_equal(values, arrays(two)[name])


def test_the_seed_determines_the_filler_noise(source):
    one, same, other = (
        process_map(source, Settings(attenuate=3.0, seed=seed)).modified["attenuated"] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert np.any(one != other)


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "resolution"},
        {"normalisation": "kernel"},
        {"lowpass": 20.0},
        {"kernel_size": 5, "kernel_radius": 2.5},
        {"kernel_radius": 1.0},
        {"tau": 0.5},
        {"tile_size": 6},
        {"nlrc": True},
    ],
)
def test_each_setting_of_the_scale_changes_it(source, change):
    assert np.any(
        process_map(source, Settings(**{"mode": "occupancy", **change})).scale
        != process_map(source, Settings(mode="occupancy")).scale
    )


@pytest.mark.parametrize(
    "change",
    [
        {"hedge_confidence": 4.0},
        {"omit_confidence": True},
        {"scale_limit": 0.4},
        {"lowpass_output": 20.0},
        {"exclude_solvent": True},
        {"max_box": 48},
        {"hist_match": True},
        {"amplify": 2.0, "attenuate": 2.0, "sigmoid": 3.0},
    ],
)
def test_each_setting_of_the_modified_maps_changes_them(source, change):
    before = process_map(source, ALL).modified
    after = process_map(source, dataclasses.replace(ALL, **change)).modified
    for name in before:
        assert np.any(before[name] != after[name]), name


def test_noise_level_recalibration_follows_its_formula(source):
    plain = process_map(source, Settings(mode="occupancy"))
    zero = plain.solvent.limit / plain.reference.value
    recalibrated = process_map(source, Settings(mode="occupancy", nlrc=True))
    np.testing.assert_allclose(recalibrated.scale, np.clip((plain.scale - zero) / (1 - zero), 0, 1), atol=1e-6)


def test_solvent_definition_is_used_and_its_grid_checked(source, three_parts, write_mrc):
    near = np.zeros(source.data.shape, dtype=np.float32)
    near[12:52, 4:60, 4:60] = 1
    mask = write_mrc(near, "mask.mrc", three_parts.voxel_size)
    with_mask = process_map(source, Settings(solvent_def=mask))
    assert with_mask.solvent.sigma != process_map(source, Settings()).solvent.sigma
    with pytest.raises(MapError, match="solvent definition has voxel size 4 instead of 3"):
        process_map(source, Settings(solvent_def=write_mrc(near, "other.mrc", 4.0)))
    with pytest.raises(MapError, match="box 20 x 30 x 40"):
        process_map(source, Settings(solvent_def=write_mrc(near[:40, :30, :20], "crop.mrc", 3.0)))


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("lowpass", {"lowpass": 2.0}),
        ("lowpass", {"lowpass": 150.0}),
        ("lowpass_output", {"lowpass_output": 1.0, "amplify": 2.0}),
    ],
)
def test_settings_that_do_not_suit_the_box_are_refused(source, setting, values):
    with pytest.raises(SettingsError, match="does not suit a box of 64 x 64 x 64") as caught:
        process_map(source, Settings(**values))
    assert caught.value.setting == setting


def test_tiny_boxes_are_refused_with_a_message(write_mrc):
    source = read_map(write_mrc(np.random.default_rng(0).random((4, 4, 4)).astype("f4"), voxel_size=4.0))
    with pytest.raises(MapError, match="the box of 4 x 4 x 4 voxels of 4 Å is too small"):
        process_map(source, Settings())


def masked_phantom(**options):
    simulated = phantom((96, 96, 96), voxel_size=2.0, noise=0.1, **options)
    ball = np.pad(inscribed_sphere((88, 88, 88)), 4)  # smaller than the inscribed sphere, in which solvent is modelled
    return np.where(ball, simulated.volume, np.float32(0))


def test_flat_areas_are_found_in_a_cropped_box_too(write_mrc):
    source = read_map(write_mrc(masked_phantom(), voxel_size=2.0))
    whole = process_map(source, Settings(lowpass=12.0))
    for max_box in (94, 80, 64):
        cropped = process_map(source, Settings(lowpass=12.0, max_box=max_box))
        assert cropped.solvent.sigma == pytest.approx(whole.solvent.sigma, rel=0.1)
        assert cropped.solvent.limit == pytest.approx(whole.solvent.limit, rel=0.2)


def test_a_given_voxel_size_corrects_the_header_of_the_mask_too(write_mrc, three_parts):
    near = np.zeros(three_parts.volume.shape, dtype=np.float32)
    near[12:52, 4:60, 4:60] = 1
    map_path = write_mrc(three_parts.volume, "wrong.mrc", 1.0)
    for voxel_size in (1.0, 3.0):
        mask = write_mrc(near, "mask.mrc", voxel_size)
        result = process_map(read_map(map_path, voxel_size=3.0), Settings(solvent_def=mask))
        assert result.parameters.voxel_size == 3.0
    mask = write_mrc(near, "mask.mrc", 2.0)
    with pytest.raises(MapError, match="voxel size 2 instead of 3"):
        process_map(read_map(map_path, voxel_size=3.0), Settings(solvent_def=mask))


def test_a_mask_with_other_axes_is_refused(source, write_mrc):
    near = np.zeros(source.data.shape, dtype=np.float32)
    near[12:52, 4:60, 4:60] = 1
    with pytest.raises(MapError, match="axis order"):
        process_map(source, Settings(solvent_def=write_mrc(near, "mask.mrc", 3.0, mapc=3, mapr=2, maps=1)))


def test_a_file_that_is_no_mask_is_named_in_the_error(source, write_mrc):
    half = write_mrc(np.linspace(0, 0.5, source.data.size).reshape(source.data.shape).astype("f4"), "half.mrc", 3.0)
    with pytest.raises(MapError, match=r"half\.mrc: found every voxel .* at or below 0\.9"):
        process_map(source, Settings(solvent_def=half))


def test_a_noisy_inverted_map_gives_a_warning(source):
    inverted = dataclasses.replace(source, data=-source.data)
    assert any("contrast inverted" in text for text in process_map(inverted, Settings()).warnings)


def test_inverted_map_without_positive_density_is_refused(source):
    inverted = dataclasses.replace(source, data=-np.abs(source.data))
    with pytest.raises(MapError, match="contrast inverted"):
        process_map(inverted, Settings())


def test_the_sigmoid_does_not_change_the_scale_at_the_pivot(source):
    low, high = (process_map(source, Settings(sigmoid=4.0, pivot=pivot)) for pivot in (0.2, 0.6))
    between = (low.scale > 0.25) & (low.scale < 0.55) & (low.confidence == 1) & (source.data > 0)
    assert between.sum() > 100
    assert np.all(low.modified["sigmoid"][between] > source.data[between])
    # Solvent noise replaces the density that is taken away.
    assert np.mean(high.modified["sigmoid"][between] < source.data[between]) > 0.95


def test_a_map_of_equal_fully_occupied_chains_changes_little(shared_data):
    source = read_map(shared_data / "maps" / "betaGal.mrc")
    for name, values in process_map(source, ALL).modified.items():
        assert np.corrcoef(values.ravel(), source.data.ravel())[0, 1] > 0.99, name


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"pivot": 0.5}, "pivot has no effect without sigmoid"),
        ({"scale_limit": 0.1, "exclude_solvent": True}, "scale_limit has no effect"),
        ({"lowpass_output": 10.0}, "lowpass_output has no effect"),
        ({"hist_match": True}, "hist_match has no effect"),
        ({"omit_confidence": True}, "omit_confidence has no effect"),
        ({"model_groups": "entity"}, "model_groups has no effect without model"),
        ({"model_window": 20}, "model_window has no effect without model"),
        ({"model_whole": "A"}, "model_whole has no effect without model"),
        ({"model_masks": "yes"}, "model_masks has no effect without model"),
    ],
)
def test_settings_without_effect_give_a_warning(source, values, text):
    assert any(text in warning for warning in process_map(source, Settings(**values)).warnings)
    assert process_map(source, ALL).warnings == ()


@pytest.mark.parametrize("max_box", [256, 40])
def test_a_store_receives_every_slab_of_every_map_in_order(phantom_file, max_box):
    source, order = read_map(phantom_file), []
    settings = dataclasses.replace(ALL, max_box=max_box, subtraction_mask=True, solvent_threshold=0.3)
    whole = process_map(source, settings)
    shape = source.grid.shape

    def store(kind, make):
        order.append(kind)
        sections, found = [], np.full(shape, np.nan, dtype=np.float32)

        def put(slab, values):
            sections.extend(range(slab.start, slab.stop))
            found[slab] = values

        make(put)
        assert sorted(sections) == list(range(shape[0]))
        return found

    result = process_map(source, settings, store=store)
    assert order == [*whole.modified, "scale", "confidence", *whole.masks]
    for kept, made in [
        (result.scale, whole.scale),
        (result.confidence, whole.confidence),
        *((result.modified[kind], values) for kind, values in whole.modified.items()),
        *((result.masks[kind], values) for kind, values in whole.masks.items()),
    ]:
        np.testing.assert_array_equal(kept, made)


def test_maps_resampled_to_another_box_take_little_memory(write_mrc):
    def nowhere(_kind, make):
        make(lambda slab, values: None)
        return np.broadcast_to(np.float32(0), source.grid.shape)

    def peak(side):
        nonlocal source
        source = read_map(write_mrc(phantom((side,) * 3, voxel_size=1.5).volume, f"{side}.mrc", 1.5))
        tracemalloc.start()
        try:
            process_map(source, dataclasses.replace(ALL, max_box=2 * side // 3), store=nowhere)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    source = None
    peak(96)  # imports modules and fills caches first
    assert (peak(144) - peak(96)) / (4 * (144**3 - 96**3)) < 2.3
