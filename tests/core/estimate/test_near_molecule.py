# SPDX-License-Identifier: GPL-3.0-or-later
import gzip

import numpy as np
import pytest

from demo.simulate import phantom
from occupy_core.estimate.near_molecule import suit_noise_near_molecule
from occupy_core.estimate.prepare import prepare_map
from occupy_core.fourier.low_pass import low_pass
from occupy_core.maps.reading import map_from_array, read_map
from occupy_core.process import process_map
from occupy_core.settings.settings import Settings
from occupy_core.solvent.model import fit_solvent
from occupy_core.solvent.region import inscribed_sphere

VOXEL, LOWPASS = 5.0, 15.0
SIDE = 64
DISTANCE = np.sqrt(sum((axis - SIDE // 2) ** 2 for axis in np.ogrid[:SIDE, :SIDE, :SIDE])) * VOXEL  # Å, from the centre
RADIUS = 50.0  # Å, of the molecule
SOLVENT = DISTANCE > RADIUS + 10


def low_passed(noise, density=1.0):
    """A ball in noise, whose standard deviation before the low-pass is `noise` at each voxel, and its model."""
    volume = np.random.default_rng(4).normal(0, 1, (SIDE,) * 3) * noise + density * (DISTANCE < RADIUS)
    lowpassed = low_pass(volume.astype(np.float32), voxel_size=VOXEL, cutoff_angstrom=LOWPASS)
    region = inscribed_sphere(lowpassed.shape)
    return lowpassed, region, fit_solvent(lowpassed, region)


def suited(lowpassed, region, model, **options):
    return suit_noise_near_molecule(model, lowpassed, region, lowpass_voxels=LOWPASS / VOXEL, **options)


def like_a_class_map(near=4.0):
    """Noise that is `near` times as strong near the molecule as far from it."""
    return 0.05 * (1 + (near - 1) * np.exp(-(np.maximum(DISTANCE - RADIUS, 0) ** 2) / (2 * 30.0**2)))


def confident_shares(model, lowpassed):
    """The shares of the confident voxels that lie in solvent, and of the molecule that is confident."""
    confident = model.confidence_map(lowpassed) > 0.5
    return SOLVENT[confident].mean(), confident[DISTANCE < RADIUS - 5].mean()


def test_noise_near_the_molecule_gets_no_confidence():
    lowpassed, region, before = low_passed(like_a_class_map())
    after = suited(lowpassed, region, before)
    near = lowpassed[(DISTANCE > RADIUS + 10) & (DISTANCE < RADIUS + 20)]
    assert after.near_sigma == pytest.approx(near.std(), rel=0.2)
    assert confident_shares(before, lowpassed)[0] > 0.2
    solvent, molecule = confident_shares(after, lowpassed)
    assert solvent < 0.02
    assert molecule > 0.99
    assert after.warnings == ()
    assert (after.mean, after.sigma, after.height) == (before.mean, before.sigma, before.height)


def test_widened_confidence_depends_on_standard_deviations_above_the_mean():
    lowpassed, region, before = low_passed(like_a_class_map())
    after = before.widened(3 * before.sigma)
    bin_width = before.values[1] - before.values[0]
    assert after.limit - after.mean == pytest.approx(3 * (before.limit - before.mean), abs=3 * bin_width)
    np.testing.assert_allclose(
        after.confidence_map(lowpassed),
        before.confidence_map(np.float32(before.mean) + (lowpassed - np.float32(before.mean)) / 3),
        atol=0.02,
    )
    assert np.all(np.diff(after.confidence) >= 0)


def test_widening_replaces_the_warning_about_the_limit():
    lowpassed, _, before = low_passed(like_a_class_map())
    half = (0.6 * (before.values[-1] - before.mean)) / (before.limit - before.mean)
    wide = before.widened(half * before.sigma)
    assert len(wide.warnings) == 1 and "above half of the map's range" in wide.warnings[0]
    none = wide.widened(100 * wide.sigma)
    assert len(none.warnings) == 1 and "takes every voxel for solvent" in none.warnings[0]
    assert none.limit == pytest.approx(lowpassed.max(), rel=1e-5)


@pytest.mark.parametrize("near", [1.0, 1.5])
def test_a_model_of_even_noise_stays_as_it_is(near):
    lowpassed, region, model = low_passed(like_a_class_map(near))
    assert suited(lowpassed, region, model) is model


def test_dark_surroundings_are_no_noise():
    dark = np.exp(-(np.maximum(DISTANCE - RADIUS, 0) ** 2) / (2 * 20.0**2)) * (DISTANCE >= RADIUS)
    lowpassed, region, _ = low_passed(0.05)
    lowpassed = (lowpassed - 0.5 * dark).astype(np.float32)
    model = fit_solvent(lowpassed, region)
    near = lowpassed[(DISTANCE > RADIUS + 10) & (DISTANCE < RADIUS + 20)] - model.mean
    assert np.sqrt((near**2).mean()) > 4 * model.sigma
    assert suited(lowpassed, region, model) is model


def test_ripples_of_the_low_pass_are_no_noise():
    lowpassed, region, model = low_passed(0.01)
    near = lowpassed[(DISTANCE > RADIUS + 8) & (DISTANCE < RADIUS + 20)] - model.mean
    assert np.percentile(near, 84) > 2 * model.sigma
    assert suited(lowpassed, region, model) is model


def test_weak_density_near_the_molecule_stays_confident():
    z, y, x = np.ogrid[:SIDE, :SIDE, :SIDE]
    strands = (DISTANCE > RADIUS + 8) & (DISTANCE < RADIUS + 23) & (y % 5 == 0) & (x % 5 == 0) & (z > 32)
    strands &= (abs(y - 32) < 10) & (abs(x - 32) < 10)
    lowpassed, region, _ = low_passed(0.02)
    density = (0.5 * strands).astype(np.float32)
    lowpassed = lowpassed + low_pass(density, voxel_size=VOXEL, cutoff_angstrom=LOWPASS)
    model = fit_solvent(lowpassed, region)
    assert suited(lowpassed, region, model) is model
    assert (model.confidence_map(lowpassed)[strands] > 0.5).mean() > 0.95


def test_a_map_without_solvent_near_the_molecule_keeps_its_model():
    lowpassed, region, model = low_passed(like_a_class_map())
    for solvent in (region & (DISTANCE > RADIUS + 30), np.zeros_like(region)):
        assert suited(lowpassed, solvent, model).near_sigma is None
    assert suited(np.zeros_like(lowpassed), region, model) is model


def test_confident_voxels_away_from_the_molecule_give_a_warning():
    x = np.arange(SIDE)[None, None, :]
    noise = 0.05 + 0.1 * ((DISTANCE > RADIUS + 45) & (x < 24))  # noise that is strong only far from the molecule
    lowpassed, region, before = low_passed(noise)
    after = suited(lowpassed, region, before)
    assert after.near_sigma is None
    (warning,) = after.warnings
    assert "of the voxels with a confidence above 0.5 lie away from the molecule" in warning
    confident = before.confidence_map(lowpassed) > 0.5
    away = (DISTANCE[confident] > RADIUS + 1.5 * LOWPASS).mean()
    assert away > 0.2
    # The job does not know the molecule, and clusters of strong noise count as such.
    assert 0.7 * away < float(warning.split("%")[0]) / 100 < 1.02 * away


def test_the_result_depends_on_neither_grey_scale_nor_threads():
    lowpassed, region, model = low_passed(like_a_class_map())
    once, larger = suited(lowpassed, region, model), lowpassed * 1024
    again = suited(larger, region, fit_solvent(larger, region), threads=3)
    assert again.near_sigma == 1024 * once.near_sigma
    np.testing.assert_array_equal(again.confidence, once.confidence)


@pytest.mark.parametrize("shape", [(64, 64, 64), (48, 64, 40), (33, 41, 57)])
def test_simulated_maps_keep_their_confidence(shape):
    source = map_from_array(phantom(shape).volume, voxel_size=3.0)
    assert process_map(source, Settings()).solvent.near_sigma is None


def test_amplifying_a_class_map_leaves_noise_near_the_molecule():
    volume = np.random.default_rng(4).normal(0, 1, (SIDE,) * 3) * like_a_class_map() + (DISTANCE < RADIUS)
    source = map_from_array(volume.astype(np.float32), voxel_size=VOXEL)
    result = process_map(source, Settings(amplify=3.0, exclude_solvent=True))
    assert result.solvent.near_sigma > 2 * result.solvent.sigma
    kept = result.modified["amplified"] != 0
    assert kept[SOLVENT].mean() < 0.01
    assert kept[DISTANCE < RADIUS - 5].mean() > 0.99


@pytest.mark.parametrize("name", ["maps/betaGal.mrc", "maps/emd_1832.map", "maps/6824.mrc", "edge/ispg_0.mrc"])
def test_refined_maps_keep_their_confidence(name, shared_data):
    prepared = prepare_map(read_map(str(shared_data / name)), Settings())
    model = fit_solvent(prepared.lowpassed, prepared.solvent)
    lowpass_voxels = prepared.parameters.lowpass / prepared.parameters.voxel_size
    after = suit_noise_near_molecule(model, prepared.lowpassed, prepared.solvent, lowpass_voxels=lowpass_voxels)
    assert after is model


@pytest.mark.parametrize("run", ["r5_box64_B7/run_it010", "r5_box64_N8/run_it008"])
def test_solvent_of_real_class_maps_gets_no_confidence(run, shared_data, tmp_path):
    path = tmp_path / "class001.mrc"
    path.write_bytes(gzip.decompress((shared_data / f"relion_runs/{run}_class001.mrc.gz").read_bytes()))
    with np.load(shared_data / "relion_runs" / run.split("/")[0] / "truth.npz") as truth:
        distance = np.minimum.reduce([truth[name] for name in truth.files if name.startswith("dist")])
    result = process_map(read_map(str(path)), Settings())
    confident = result.confidence > 0.5
    assert (distance[confident] > 10).mean() < 0.05  # 0.4 to 0.6 by the solvent model alone
    assert (distance[confident] > 25).mean() < 0.005
    assert confident[distance <= 3].mean() > 0.88
