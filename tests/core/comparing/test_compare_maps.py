# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs on several maps: one full scale for all of them, and the regions where they differ."""

import json
import re
import tracemalloc
from contextlib import nullcontext
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from demo.simulate import phantom
from occupy_core.comparing.class_data import calibrate_class
from occupy_core.comparing.compare_maps import compare_maps
from occupy_core.comparing.shared_scale import shared_scale, shares_reference
from occupy_core.errors import JobError, MapError, SettingsError
from occupy_core.fourier.low_pass import low_pass
from occupy_core.job.run import run_job
from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.settings.job_spec import ClassInfo, Job, MapInput
from occupy_core.settings.settings import Settings

OCCUPANCIES = [(1.0, 0.6, 0.3), (1.0, 0.6, 0.9), (1.0, 0.6, 0.3)]
SHARES = (0.5, 0.3, 0.2)
CALIBRATED = {"normalisation": "calibrated", "mode": "occupancy"}


@pytest.fixture(scope="module")
def simulated():
    return [phantom(occupancies=chosen, noise_seed=seed) for seed, chosen in enumerate(OCCUPANCIES)]


@pytest.fixture
def classes(simulated, write_mrc):
    """Three class maps; the third part of the molecule differs in the second class."""
    return [
        MapInput(
            write_mrc(made.volume, f"class{number}.mrc", made.voxel_size),
            f"class{number:03d}_",
            class_info=ClassInfo(number, share, round(1000 * share)),
        )
        for number, (made, share) in enumerate(zip(simulated, SHARES), start=1)
    ]


def as_set(maps):
    """Return the maps as items of a set that is no classification."""
    return [MapInput(item.path, item.prefix, class_info=ClassInfo(item.class_info.number)) for item in maps]


def report_of(folder):
    return json.loads((Path(folder) / "report.json").read_text())


def test_reference_auto_means_shared_for_classes_and_own_for_other_maps(classes):
    assert shares_reference(classes, Settings())
    assert not shares_reference(as_set(classes), Settings())
    assert shares_reference(as_set(classes), Settings(reference="shared"))
    assert not shares_reference(classes, Settings(reference="own"))
    assert not shares_reference(classes[:1], Settings(reference="shared"))


@pytest.mark.parametrize("settings", [{}, {"normalisation": "kernel"}, {"mode": "occupancy"}])
def test_shared_reference_value_is_the_largest_or_that_of_the_named_map(classes, settings):
    own = [process_map(read_map(item.path), Settings(**settings)).reference.value for item in classes]
    shared = shared_scale(classes, Settings(**settings))
    assert {item.value for item in shared.references.values()} == {max(own)} and len(shared.references) == 3
    assert shared.reference_index == int(np.argmax(own))
    named = shared_scale(classes, Settings(reference="3", **settings))
    assert {item.value for item in named.references.values()} == {own[2]} and named.reference_index == 2


def test_class_at_half_occupancy_reads_half_under_a_shared_reference(simulated, write_mrc, tmp_path):
    """Under its own reference, the best region of each class reads 1."""
    made = [simulated[0], phantom(occupancies=(0.5, 0.3, 0.15), noise_seed=7)]
    maps = tuple(
        MapInput(
            write_mrc(item.volume, f"{number}.mrc", item.voxel_size),
            f"class{number:03d}_",
            None,
            ClassInfo(number, 0.5),
        )
        for number, item in enumerate(made, start=1)
    )
    for reference, expected in (("auto", 0.5), ("own", 1.0)):
        run_job(Job(maps, str(tmp_path / reference), Settings(reference=reference, **CALIBRATED)))
        scale = read_map(tmp_path / reference / "class002_scale.mrc").data
        assert np.median(scale[made[1].parts[0]]) == pytest.approx(expected, abs=0.08)
    assert report_of(tmp_path / "auto")["shared_reference"] == maps[0].path
    assert report_of(tmp_path / "own")["shared_reference"] is None


def test_job_reports_the_region_that_differs_with_its_mask_and_occupancies(classes, simulated, tmp_path):
    done = run_job(Job(tuple(classes), str(tmp_path / "out"), Settings(), compare=True))
    report = report_of(tmp_path / "out")["comparison"]
    assert report == json.loads(json.dumps(done.comparison))
    (region,) = report["regions"]
    medians = [item["median"] for item in region["occupancies"]]
    np.testing.assert_allclose(medians, [0.3, 0.9, 0.3], atol=0.1)
    assert region["occupancy_of_all_particles"] == pytest.approx(np.dot(SHARES, medians))
    assert region["difference"] == pytest.approx(max(medians) - min(medians))
    mask = read_map(tmp_path / "out" / region["mask"])
    part = simulated[0].parts[2]
    assert (part & (mask.data > 0.5)).sum() / part.sum() > 0.7
    assert mask.data.min() >= 0 and mask.data.max() <= 1
    assert region["volume_cubic_angstrom"] == pytest.approx((mask.data > 0.5).sum() * mask.grid.voxel_size**3, rel=0.15)
    centre = np.argwhere(mask.data > 0.5).mean(axis=0)[::-1] * mask.grid.voxel_size
    assert region["centre_xyz_angstrom"] == pytest.approx(list(centre), abs=2)
    spread = read_map(tmp_path / "out" / "occupancy_spread.mrc").data
    assert np.median(spread[part]) == pytest.approx(0.6, abs=0.12)
    assert np.median(spread[simulated[0].parts[0]]) < 0.15
    assert (tmp_path / "out" / "logfile.pdf").read_bytes().startswith(b"%PDF")
    assert set(report["outputs"]) <= {path.name for path in (tmp_path / "out").iterdir()}


def test_classes_that_do_not_differ_have_no_region(simulated, write_mrc, tmp_path):
    maps = tuple(
        MapInput(
            write_mrc(phantom(noise_seed=seed).volume, f"{seed}.mrc", 3.0),
            f"class{seed:03d}_",
            None,
            ClassInfo(seed, 0.5),
        )
        for seed in (1, 2)
    )
    done = run_job(Job(maps, str(tmp_path / "out"), Settings(), compare=True))
    assert done.comparison["regions"] == []
    assert not list((tmp_path / "out").glob("region*"))


def test_job_without_regions_removes_the_region_files_of_the_previous_job(classes, tmp_path):
    out = tmp_path / "out"
    run_job(Job(tuple(classes), str(out), Settings(), compare=True))
    assert (out / "region001_mask.mrc").exists()
    run_job(Job(tuple(classes[:1]), str(out), Settings()))
    assert not {"region001_mask.mrc", "occupancy_spread.mrc"} & {path.name for path in out.iterdir()}


def test_region_mask_never_replaces_an_input(classes, tmp_path, write_mrc, simulated):
    mask = write_mrc(simulated[0].parts[2].astype("f4"), "out/region001_mask.mrc", 3.0)
    before = Path(mask).read_bytes()
    with pytest.raises(JobError, match="region001_mask.mrc: is an input"):
        run_job(Job(tuple(classes), str(tmp_path / "out"), Settings(target_mask=(mask,)), compare=True))
    assert Path(mask).read_bytes() == before


def damaged_map(kind, path, values):
    """Write a map that is damaged in a way, or none; return its path."""
    path = Path(path)
    if kind == "gone":
        return str(path)
    changed = {"constant": np.zeros_like(values), "NaN": np.full_like(values, np.nan)}.get(kind, values)
    with pytest.warns(RuntimeWarning) if kind == "NaN" else nullcontext(), mrcfile.new(str(path)) as mrc:
        mrc.set_data(changed)
        mrc.voxel_size = 3.0
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-1000])
    return str(path)


DAMAGES = {"gone": "no such file", "truncated": "cut short", "NaN": "NaN", "constant": "every voxel is 0"}


@pytest.mark.parametrize("kind", list(DAMAGES))
def test_a_damaged_class_map_ends_the_job_before_the_work(classes, simulated, tmp_path, kind):
    """Before, some were left out with a warning, so that the results looked whole."""
    path = damaged_map(kind, tmp_path / "damaged.mrc", simulated[0].volume)
    maps = (*classes[:1], MapInput(path, "class004_", None, ClassInfo(4, 0.1, 100)), *classes[1:])
    lines = []
    with pytest.raises(MapError) as caught:
        run_job(Job(maps, str(tmp_path / "out"), Settings(), compare=True), progress=lines.append)
    text = str(caught.value)
    assert text.startswith(f"{path}: ") and DAMAGES[kind] in text and lines == []
    assert "the results of all 4 maps need this one: put a good copy in place, or choose the other maps only" in text
    assert not [item for item in (tmp_path / "out").glob("*") if item.suffix == ".mrc"]
    with pytest.raises(MapError, match="2 of 5 maps cannot be used, and the results of all need them"):
        run_job(Job((*maps, maps[1]), str(tmp_path / "out"), Settings(model="gone.cif")))


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(DAMAGES))
@pytest.mark.parametrize("info", [ClassInfo(4, 0.0, 0), ClassInfo(4, 0.0)])
def test_a_damaged_map_of_a_class_without_particles_is_left_out(classes, simulated, tmp_path, kind, info):
    path = damaged_map(kind, tmp_path / "damaged.mrc", simulated[0].volume)
    maps = (*classes, MapInput(path, "class004_", None, info))
    done = run_job(Job(maps, str(tmp_path / "out"), Settings(figures=False), compare=True))
    assert len(done.maps) == 3 and len(done.comparison["maps"]) == 3
    assert "class 4 is left out of the comparison: it has no particles" in done.warnings


def test_maps_on_different_grids_are_refused(classes, simulated, write_mrc):
    odd = MapInput(write_mrc(simulated[0].volume[:-1], "odd.mrc", 3.0), "class004_", None, ClassInfo(4, 0.1))
    for measure in (shared_scale, compare_maps):
        with pytest.raises(JobError, match=r"odd.mrc: has box .*class1.mrc"):
            measure([*classes, odd], Settings())


def test_all_maps_on_another_grid_than_most_are_named(classes, simulated, write_mrc):
    volumes = {"a.mrc": simulated[0].volume[:-1], "b.mrc": simulated[0].volume[:-1], "c.mrc": simulated[0].volume[:-2]}
    odd = [
        MapInput(write_mrc(volume, name, 3.0), name, None, ClassInfo(number, 0.1))
        for number, (name, volume) in enumerate(volumes.items(), start=4)
    ]
    for maps in ([*odd, *classes], [*classes, *odd], [odd[0], *classes, odd[1], odd[2]]):
        for measure in (shared_scale, compare_maps):
            with pytest.raises(JobError) as caught:
                measure(maps, Settings())
            said = str(caught.value)
            assert f"{odd[0].path}, {odd[1].path}: have box " in said and f"; {odd[2].path}: has box " in said
            assert said.count(f"unlike 3 other maps, such as {classes[0].path}; ") == 2 and "leave them out" in said


def test_of_two_grids_of_one_map_each_the_first_counts(classes, simulated, write_mrc):
    odd = MapInput(write_mrc(simulated[0].volume[:-1], "odd.mrc", 3.0), "class002_", None, ClassInfo(2, 0.1))
    with pytest.raises(JobError, match=r"odd.mrc: has box .* unlike \S*class1.mrc; .*: leave one of them out$"):
        compare_maps([classes[0], odd], Settings())


def test_reference_must_name_a_map_that_can_be_used(classes):
    with pytest.raises(SettingsError, match="expected one of the maps' numbers: 1, 2, 3"):
        shared_scale(classes, Settings(reference="7"))
    empty = MapInput(classes[0].path, "class004_", None, ClassInfo(4, 0.0, 0))
    with pytest.raises(SettingsError, match="cannot be used"):
        compare_maps([*classes, empty], Settings(reference="4"))
    with pytest.raises(MapError, match="fewer than two"):
        compare_maps([classes[0], empty], Settings())


@pytest.mark.slow
def test_low_pass_is_one_at_which_all_classes_have_detail(classes, simulated, write_mrc):
    blurred = low_pass(simulated[2].volume, voxel_size=3.0, cutoff_angstrom=20)
    maps = [*classes[:2], MapInput(write_mrc(blurred, "blurred.mrc", 3.0), "c3_", None, ClassInfo(3, 0.2))]
    assert compare_maps(classes, Settings()).lowpass == 9
    found = compare_maps(maps, Settings())
    assert 16 < found.lowpass < 20 and "class 3 has almost no finer detail" in found.warnings[0]
    assert "leave class 3 out" in found.warnings[0]
    found = compare_maps(maps, Settings(lowpass=12.0))
    assert found.lowpass == 12 and "class 3 has almost no detail finer than 1" in found.warnings[0]
    assert "leave" not in compare_maps(maps[1:], Settings()).warnings[0]
    assert compare_maps(maps, Settings(lowpass=23.0)).warnings == ()
    (text,) = compare_maps(maps, Settings(lowpass=25.0)).warnings
    assert "a low-pass of 25 Å, coarser than an eighth of the box (24 Å)" in text


def test_memory_hardly_grows_with_the_number_of_classes(write_mrc):
    made = [phantom((80, 80, 80), voxel_size=1.5, occupancies=chosen, noise_seed=7) for chosen in OCCUPANCIES[:2]]
    paths = [write_mrc(item.volume, f"{number}.mrc", 1.5) for number, item in enumerate(made)]

    def peak(classes):
        maps = [MapInput(paths[number % 2], f"{number}_", None, ClassInfo(number, 0.1)) for number in range(classes)]
        tracemalloc.start()
        try:
            assert len(compare_maps(maps, Settings()).result.regions) == 1
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(2)  # fills caches and imports modules
    assert (peak(8) - peak(2)) / 6 < 0.1 * made[0].volume.nbytes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("voxel_size", "settings", "bound"),
    [(1.4, {}, 3.7), (1.4, {"normalisation": "calibrated", "mode": "occupancy"}, 4.0), (1.8, {}, 4.0)],
)
def test_job_on_classes_takes_less_memory_than_four_maps(write_mrc, tmp_path, voxel_size, settings, bound):
    def peak(side):
        made = [phantom((side,) * 3, voxel_size=voxel_size, occupancies=chosen).volume for chosen in OCCUPANCIES[:2]]
        paths = [write_mrc(values, f"{side}_{number}.mrc", voxel_size) for number, values in enumerate(made)]
        maps = [
            MapInput(path, f"class{number:03d}_", None, ClassInfo(number, 0.5)) for number, path in enumerate(paths)
        ]
        tracemalloc.start()
        try:
            run_job(Job(tuple(maps), str(tmp_path / "out"), Settings(**settings), compare=True))
            return tracemalloc.get_traced_memory()[1], made[0].nbytes
        finally:
            tracemalloc.stop()

    peak(72)  # fills caches and imports modules
    (small, less), (large, more) = peak(88), peak(136)
    assert (large - small) / (more - less) < bound


@pytest.mark.slow
@pytest.mark.parametrize(("settings", "times"), [({}, 2), ({"mode": "occupancy"}, 1)])
def test_class_data_are_computed_once_if_shared_scale_and_comparison_need_the_same(
    classes, tmp_path, monkeypatch, settings, times
):
    calibrated = []

    def calibrate_and_count(estimate, *arguments, **options):
        calibrated.append(estimate.source.path)
        return calibrate_class(estimate, *arguments, **options)

    monkeypatch.setattr("occupy_core.comparing.class_cache.calibrate_class", calibrate_and_count)
    alone = compare_maps(classes, Settings())
    calibrated.clear()
    settings = Settings(normalisation="calibrated", **settings)
    done = run_job(Job(tuple(classes), str(tmp_path / "out"), settings, compare=True))
    assert len(calibrated) == times * len(classes)
    assert done.comparison["regions"][0]["volume_cubic_angstrom"] == alone.result.regions[0].volume


def test_occupancy_of_all_particles_needs_all_classes(classes, tmp_path):
    done = run_job(Job((classes[0], classes[1]), str(tmp_path / "out"), Settings(), compare=True))
    assert done.comparison["regions"][0]["occupancy_of_all_particles"] is None


def test_class_without_particles_is_left_out(classes, tmp_path):
    empty = MapInput(classes[0].path, "class004_", None, ClassInfo(4, 0.0, 0))
    done = run_job(Job((*classes, empty), str(tmp_path / "out"), Settings(), compare=True))
    assert [item["name"] for item in done.comparison["maps"]] == ["class 1", "class 2", "class 3"]
    assert "class 4 is left out of the comparison: it has no particles" in done.warnings


def test_maps_that_cannot_be_compared_are_written_all_the_same(classes, simulated, write_mrc, tmp_path):
    odd = MapInput(write_mrc(simulated[0].volume[:-1], "odd.mrc", 3.0), "class004_", None, ClassInfo(4, 0.1))
    done = run_job(Job((*classes, odd), str(tmp_path / "out"), Settings(reference="own"), compare=True))
    assert len(done.maps) == 4 and done.comparison is None
    assert "the maps were not compared: " in done.notes[0] and "odd.mrc: has box" in done.notes[0]


def test_job_on_one_map_says_that_reference_has_no_effect(classes, tmp_path):
    done = run_job(Job((classes[0],), str(tmp_path / "out"), Settings(reference="2")))
    assert done.notes == ["reference 2 has no effect with one map"]


def test_centre_of_a_region_is_in_x_y_z_for_any_axis_order(simulated, write_mrc, tmp_path):
    maps = [
        MapInput(
            write_mrc(made.volume, f"o{number}.mrc", 3.0, mapc=3, mapr=2, maps=1),
            f"c{number}_",
            None,
            ClassInfo(number),
        )
        for number, made in enumerate(simulated[:2], start=1)
    ]
    done = run_job(Job(tuple(maps), str(tmp_path / "out"), Settings(), compare=True))
    sections, rows, columns = np.argwhere(simulated[0].parts[2]).mean(axis=0) * 3.0
    (region,) = done.comparison["regions"]
    assert region["centre_xyz_angstrom"] == pytest.approx([sections, rows, columns], abs=4)


def test_part_that_matches_another_part_is_no_shift_of_the_class(write_mrc):
    """The second class correlates best with its left part on the middle part of the first class."""
    made = [phantom(occupancies=chosen, noise_seed=seed) for seed, chosen in enumerate([(1, 0.6, 0.1), (1, 0.1, 1)])]
    maps = [
        MapInput(write_mrc(item.volume, f"{number}.mrc", 3.0), f"{number}_", None, ClassInfo(number))
        for number, item in enumerate(made, start=1)
    ]
    assert "is shifted by" not in " ".join(compare_maps(maps, Settings()).warnings)


def test_shift_of_a_complete_class_gives_a_warning(simulated, write_mrc, tmp_path):
    shifted = np.roll(simulated[0].volume, 3, axis=0)
    maps = [
        MapInput(write_mrc(values, f"c{number}.mrc", 3.0), f"c{number}_", None, ClassInfo(number))
        for number, values in enumerate((simulated[0].volume, shifted), start=1)
    ]
    # Noise decides which of the two is the reference class.
    warnings = " ".join(compare_maps(maps, Settings()).warnings)
    assert re.search(r"c\d\.mrc is rotated by 0\.\d degrees and shifted by 9\.0 Å against c\d\.mrc", warnings)


def test_aligned_classes_give_no_warning(classes):
    assert compare_maps(classes, Settings()).warnings == ()


def test_maps_that_are_not_compared_get_no_advice_about_the_low_pass(write_mrc, three_parts):
    blurred = gaussian_filter(three_parts.volume, 4)
    maps = [
        MapInput(write_mrc(blurred, "a.mrc"), class_info=ClassInfo(1, 0.9, 900)),
        MapInput(write_mrc(three_parts.volume, "b.mrc"), class_info=ClassInfo(2, 0.1, 10)),
    ]
    with pytest.raises(MapError) as caught:
        compare_maps(maps, Settings())
    assert "class 2 is left out" in str(caught.value) and "low-pass" not in str(caught.value)
