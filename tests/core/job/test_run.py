# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from demo.simulate import phantom
from occupy_core.__main__ import error_file, main
from occupy_core.errors import JobError, MapError, SettingsError
from occupy_core.job.run import run_job
from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.reporting.sections import map_sections
from occupy_core.settings.job_spec import ClassInfo, Job, MapInput, read_job
from occupy_core.settings.output_names import MAP_OUTPUTS
from occupy_core.settings.settings import Settings
from tests.conftest import geometry


def job(folder, *paths, threads=1, **settings):
    prefixes = [""] if len(paths) == 1 else [f"map{number:03d}_" for number in range(1, len(paths) + 1)]
    maps = tuple(MapInput(path, prefix) for path, prefix in zip(paths, prefixes))
    return Job(maps, str(folder), Settings(**settings), threads)


REPORTS = ["logfile.pdf", "occupy.cxc", "report.json"]


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def test_a_job_writes_what_the_core_computes(phantom_file, tmp_path):
    out = tmp_path / "out"
    lines = []
    (outputs,) = run_job(job(out, phantom_file, amplify=3.0), progress=lines.append).maps
    assert names(out) == ["amplified.mrc", "confidence.mrc", *REPORTS, "scale.mrc"]
    result = process_map(read_map(phantom_file), Settings(amplify=3.0))
    np.testing.assert_array_equal(read_map(out / "scale.mrc").data, result.scale)
    np.testing.assert_array_equal(read_map(out / outputs.files["amplified"]).data, result.modified["amplified"])
    assert any("Map 1 of 1" in line for line in lines)


def test_the_report_holds_the_job(phantom_file, tmp_path):
    run_job(job(tmp_path / "out", phantom_file, sigmoid=4.0, seed=5))
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert Settings.from_dict(report["settings"]) == Settings(sigmoid=4.0, seed=5)
    (entry,) = report["maps"]
    assert entry["input"] == phantom_file
    assert entry["outputs"]["sigmoid"] == "sigmoid.mrc"
    assert entry["derived"]["lowpass_angstrom"] == 9.0
    assert entry["reference"]["value"] > 0 and entry["solvent"]["sigma"] > 0
    assert entry["solvent"]["sigma_near_molecule"] is None
    assert 0 < entry["median_scale"] <= 1
    assert "41467-023-41478-1" in report["citation"]


def test_a_job_says_how_noisy_the_solvent_near_the_molecule_is_where_the_confidence_is_made_for_it(write_mrc, tmp_path):
    distance = np.sqrt(sum((axis - 32) ** 2 for axis in np.ogrid[:64, :64, :64])) - 10  # voxels, from the molecule
    noise = 0.05 * (1 + 4 * np.exp(-(np.maximum(distance, 0) ** 2) / 72))
    volume = np.random.default_rng(1).normal(0, 1, (64, 64, 64)) * noise + (distance < 0)
    lines = []
    run_job(job(tmp_path / "out", write_mrc(volume.astype(np.float32), voxel_size=5.0)), progress=lines.append)
    solvent = json.loads((tmp_path / "out" / "report.json").read_text())["maps"][0]["solvent"]
    assert solvent["sigma_near_molecule"] > 2 * solvent["sigma"]
    assert any(f"near the molecule ± {solvent['sigma_near_molecule']:.3g}" in line for line in lines)


def test_a_second_job_removes_all_files_of_the_first(phantom_file, tmp_path):
    out = tmp_path / "out"
    run_job(job(out, phantom_file, amplify=3.0, attenuate=2.0))
    (out / "notes.txt").write_text("mine")
    run_job(job(out, phantom_file, phantom_file))
    assert names(out) == [
        "logfile.pdf",
        "map001_confidence.mrc",
        "map001_scale.mrc",
        "map002_confidence.mrc",
        "map002_scale.mrc",
        "notes.txt",
        *REPORTS[1:],
    ]


def test_a_failed_job_keeps_the_files_of_the_last_good_one(phantom_file, write_mrc, tmp_path):
    out = tmp_path / "out"
    run_job(job(out, phantom_file, amplify=3.0))
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(MapError, match="every voxel"):
        run_job(job(out, write_mrc(np.zeros((20, 20, 20), dtype="f4"), "flat.mrc")))
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_one_bad_map_does_not_stop_the_others(phantom_file, tmp_path):
    lines = []
    maps = (phantom_file, str(tmp_path / "gone.mrc"), phantom_file)
    done = run_job(job(tmp_path / "out", *maps), progress=lines.append)
    assert [item.source.prefix for item in done.maps] == ["map001_", "map003_"]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert "no such file" in report["failed"][0]["reason"]
    assert any("FAILED" in line and "gone.mrc" in line for line in lines)
    with pytest.raises(JobError, match="all 2 maps failed"):
        run_job(job(tmp_path / "out", str(tmp_path / "gone.mrc"), str(tmp_path / "too.mrc")))


def test_a_map_that_fails_after_its_modified_maps_leaves_no_files(phantom_file, write_mrc, tmp_path):
    """Modified maps are written before target masks are read."""
    other = write_mrc(np.random.default_rng(0).standard_normal((40, 40, 40)).astype("f4"), "other.mrc")
    mask = write_mrc((read_map(other).data > 0.5).astype("f4"), "mask.mrc")
    done = run_job(job(tmp_path / "out", phantom_file, other, amplify=3.0, target_mask=(mask,)))
    assert [item.source.path for item in done.maps] == [other]
    found = [name for name in names(tmp_path / "out") if name.startswith("map")]
    assert found == ["map002_amplified.mrc", "map002_confidence.mrc", "map002_scale.mrc"]


def test_an_input_is_never_replaced(phantom_file, tmp_path):
    scale = tmp_path / "scale.mrc"
    Path(phantom_file).rename(scale)
    before = scale.read_bytes()
    with pytest.raises(JobError, match="another output folder"):
        run_job(job(tmp_path, str(scale)))
    assert scale.read_bytes() == before
    assert names(tmp_path) == ["scale.mrc"]


@pytest.mark.parametrize("name", ["confidence.mrc", "sigmoid.mrc"])
def test_a_solvent_definition_is_never_replaced_or_removed(phantom_file, write_mrc, tmp_path, name):
    out = tmp_path / "out"
    run_job(job(out, phantom_file, sigmoid=4.0))
    before = (out / name).read_bytes()
    with pytest.raises(JobError, match="another output folder"):
        run_job(job(out, phantom_file, solvent_def=str(out / name)))
    assert (out / name).read_bytes() == before


def test_files_of_other_programs_are_not_touched(phantom_file, tmp_path):
    (tmp_path / "mask001_scale.mrc").write_text("mine")
    run_job(job(tmp_path, phantom_file))
    assert (tmp_path / "mask001_scale.mrc").read_text() == "mine"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "report.json").write_text('{"program": "another"}')
    with pytest.raises(JobError, match="not a report of this program"):
        run_job(job(tmp_path / "other", phantom_file))
    (tmp_path / "third" / "scale.mrc").mkdir(parents=True)
    with pytest.raises(JobError, match="is a folder"):
        run_job(job(tmp_path / "third", phantom_file))
    assert names(tmp_path / "third") == ["scale.mrc"]


def test_an_unusable_folder_is_an_error(phantom_file, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JobError, match="cannot write to this output folder"):
        run_job(job(tmp_path / "file" / "out", phantom_file))
    with pytest.raises(JobError, match="no map"):
        run_job(job(tmp_path))


def test_job_files_are_read_back_or_refused(phantom_file, tmp_path):
    wanted = job(tmp_path / "out", phantom_file, lowpass=12.0, threads=2)
    path = tmp_path / "job.json"
    path.write_text(json.dumps(wanted.to_dict()))
    assert read_job(str(path)) == wanted
    for content, error in (("{", JobError), ("{}", JobError)):
        path.write_text(content)
        with pytest.raises(error):
            read_job(str(path))
    path.write_text(json.dumps({**wanted.to_dict(), "settings": {"pivot": 7.0}}))
    with pytest.raises(SettingsError, match="pivot"):
        read_job(str(path))


def test_a_job_runs_in_a_separate_process(phantom_file, tmp_path):
    path = tmp_path / "job.json"
    path.write_text(json.dumps(job(tmp_path / "out", phantom_file).to_dict()))
    error_file(str(path)).write_text("of the last run")
    done = subprocess.run([sys.executable, "-m", "occupy_core", str(path)], capture_output=True, text=True, check=True)
    assert "median scale" in done.stdout
    assert (tmp_path / "out" / "scale.mrc").exists()
    assert not error_file(str(path)).exists()


def test_a_failed_process_writes_the_reason_to_a_file(tmp_path, capsys):
    path = tmp_path / "job.json"
    path.write_text(json.dumps(job(tmp_path / "out", "gone.mrc").to_dict()))
    assert main([str(path)]) == 1
    assert "gone.mrc: no such file" in error_file(str(path)).read_text()
    assert capsys.readouterr().err.count("\n") == 1
    assert main([]) == 1


def test_the_same_seed_gives_the_same_bytes_for_any_number_of_threads(phantom_file, tmp_path):
    wanted = {"attenuate": 3.0, "sigmoid": 4.0, "subtraction_mask": True, "hist_match": True, "max_box": 48}
    for name, threads, seed in (("one", 1, 3), ("two", 2, 3), ("other", 1, 4)):
        run_job(job(tmp_path / name, phantom_file, threads=threads, seed=seed, **wanted))
    for path in (tmp_path / "one").glob("*.mrc"):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name
        filled = path.name in ("attenuated.mrc", "sigmoid.mrc")
        assert (path.read_bytes() == (tmp_path / "other" / path.name).read_bytes()) != filled, path.name


ALL = {"amplify": 3.0, "attenuate": 3.0, "sigmoid": 4.0, "subtraction_mask": True, "solvent_threshold": 0.15}
OTHERS = {
    "normalisation": "kernel",
    "nlrc": True,
    "omit_confidence": True,
    "scale_limit": 0.0,
    "hist_match": True,
    "max_box": 48,
}


@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, OTHERS], ids=["plain", "others"])
@pytest.mark.parametrize(
    ("pattern", "number"),
    [("edge/*", 8), ("maps/*", 4), ("relion_projects/*/Class3D/*/*class*.mrc", 6), ("relion/*/*class*.mrc.gz", 1)],
)
def test_outputs_of_real_maps_overlay_their_inputs_and_are_numbers(shared_data, tmp_path, pattern, number, more):
    done = 0
    for path in sorted(shared_data.glob(pattern)):
        try:
            (outputs,) = run_job(job(tmp_path / str(done), str(path), **ALL, **more)).maps
        except MapError as error:
            assert path.name == "EMD-3001.map" and "94.326" in str(error)  # the map holds the cell of a crystal
            continue
        assert len(outputs.files) == 8
        for kind, name in outputs.files.items():
            out = tmp_path / str(done) / name
            assert geometry(out) == geometry(path), out
            values = values_of(out)
            assert np.all(np.isfinite(values)), out
            if kind in ("scale", "confidence") or MAP_OUTPUTS[kind].is_mask:
                assert values.min() >= 0 and values.max() <= 1, out
        done += 1
    assert done == number


def values_of(path):
    """Values of an output; a confidence may be 0 everywhere, which read_map refuses."""
    with mrcfile.open(path) as mrc:
        return np.array(mrc.data)


def test_an_error_while_drawing_does_not_fail_the_job(phantom_file, tmp_path, monkeypatch):
    from occupy_core.reporting.pdf import logfile

    run_job(job(tmp_path / "out", phantom_file))
    assert (tmp_path / "out" / "logfile.pdf").exists()

    def failing(*_):
        raise RuntimeError("no more ink")

    monkeypatch.setattr(logfile.Logfile, "add_map", failing)  # the process that draws is a copy of this one
    outputs = run_job(job(tmp_path / "out", phantom_file))
    assert names(tmp_path / "out") == ["confidence.mrc", "occupy.cxc", "report.json", "scale.mrc"]
    assert outputs.files == ["occupy.cxc"]
    (told,) = json.loads((tmp_path / "out" / "report.json").read_text())["warnings"]
    assert told == "no logfile.pdf was drawn: RuntimeError: no more ink" and told in outputs.warnings


def test_an_error_in_the_background_thread_leaves_no_output(phantom_file, tmp_path, monkeypatch):
    def gone(*_):
        raise JobError("gone")

    monkeypatch.setattr("occupy_core.job.background.job_record", gone)
    with pytest.raises(JobError, match="gone"):
        run_job(job(tmp_path / "out", phantom_file))
    assert names(tmp_path / "out") == []


def test_a_broken_matplotlib_does_not_fail_the_job(phantom_file, tmp_path, monkeypatch):
    def broken(**_):
        raise AttributeError("half of matplotlib")

    monkeypatch.setattr("occupy_core.reporting.pdf.preload.load_drawing", broken)
    run_job(job(tmp_path / "out", phantom_file))
    assert names(tmp_path / "out") == ["confidence.mrc", "occupy.cxc", "report.json", "scale.mrc"]
    (told,) = json.loads((tmp_path / "out" / "report.json").read_text())["warnings"]
    assert told == "no logfile.pdf was drawn: AttributeError: half of matplotlib"


def test_sections_for_the_page_are_cut_from_each_map_in_order(phantom_file, write_mrc, tmp_path):
    out, mask = tmp_path / "out", np.zeros((64, 64, 64), "f4")
    mask[34:40, 28:36, 28:36] = 1
    mask_file = write_mrc(mask, "mask.mrc")
    settings = {"amplify": 3.0, "attenuate": 2.0, "subtraction_mask": True, "target_mask": (mask_file,)}
    (done,) = run_job(job(out, phantom_file, **settings)).maps
    sections = done.sections()
    files = {"input": phantom_file, **{kind: out / name for kind, name in done.files.items()}}
    assert list(sections.panels) == list(files) and list(done.files) == list(done.report["outputs"])
    volumes = {kind: read_map(path).data for kind, path in files.items()}
    for kind, volume in volumes.items():
        for axis, image in enumerate(sections.panels[kind]):
            np.testing.assert_array_equal(image, sections.cut.section(volume, axis))
    # Scipion's viewer, which reads the written maps, shows the same.
    read = map_sections(volumes, done.report, masks={"mask.mrc": mask})
    assert read.cut == sections.cut and 34 <= sections.cut.planes[0] < 40 and list(sections.outlines) == ["mask.mrc"]
    for image, other in zip(sections.outlines["mask.mrc"], read.outlines["mask.mrc"]):
        np.testing.assert_array_equal(image, other)
    np.testing.assert_array_equal(sections.surface.density, read.surface.density)
    np.testing.assert_array_equal(sections.surface.values, read.surface.values)


def test_without_figures_only_the_pdf_is_missing(phantom_file, tmp_path):
    out, lines = tmp_path / "out", []
    run_job(job(out, phantom_file, sigmoid=4.0))
    before = {path.name: path.read_bytes() for path in out.glob("*.mrc")}
    outputs = run_job(job(out, phantom_file, sigmoid=4.0, figures=False), progress=lines.append)
    assert names(out) == ["confidence.mrc", *REPORTS[1:], "scale.mrc", "sigmoid.mrc"]
    assert {path.name: path.read_bytes() for path in out.glob("*.mrc")} == before
    assert (outputs.files, outputs.warnings) == (["occupy.cxc"], [])
    assert not any("logfile.pdf" in line for line in lines)


def test_reports_are_strict_json_with_each_list_of_numbers_in_one_line(phantom_file, tmp_path):
    run_job(job(tmp_path / "out", phantom_file))
    text = (tmp_path / "out" / "report.json").read_text()

    def refuse(word):
        raise AssertionError(word)

    report = json.loads(text, parse_constant=refuse)
    curves = report["maps"][0]["solvent"]["histogram"]
    assert {len(values) for values in curves.values()} == {250}
    assert len(text.splitlines()) < 200


def test_a_signal_takes_effect_after_all_files_are_in_place(three_parts, write_mrc, tmp_path, monkeypatch):
    """The folder holds the files of one job only: of the new one or of the one before."""
    path, folder = write_mrc(three_parts.volume), tmp_path / "out"
    run_job(Job((MapInput(path),), str(folder), Settings(amplify=2.0)))
    real, moved = os.replace, []

    def replace_and_abort(source, target):
        nonlocal moved
        real(source, target)
        moved += [target] if Path(target).parent == folder else []
        if len(moved) == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    def stop(_number, _frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    monkeypatch.setattr(os, "replace", replace_and_abort)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_job(Job((MapInput(path),), str(folder), Settings(amplify=4.0)))
    finally:
        signal.signal(signal.SIGTERM, before)
    monkeypatch.undo()
    assert json.loads((folder / "report.json").read_text())["settings"]["amplify"] == 4.0
    run_job(Job((MapInput(path),), str(tmp_path / "whole"), Settings(amplify=4.0)))
    whole = read_map(str(tmp_path / "whole" / "amplified.mrc")).data
    np.testing.assert_array_equal(read_map(str(folder / "amplified.mrc")).data, whole)


@pytest.fixture
def coarse_classes(write_mrc):
    """Two classes of 500 particles at a resolution of 20 Å, in one of which a part is mostly missing."""
    maps = []
    for number, last in enumerate((1.0, 0.2), start=1):
        volume = phantom(occupancies=(1.0, 1.0, last), noise_seed=number).volume
        path = write_mrc(gaussian_filter(volume, 20 / 2.3548 / 3.0), f"class{number}.mrc", 3.0)
        maps.append(MapInput(path, f"class{number}_", None, ClassInfo(number, 0.5, 500, resolution=20.0)))
    return maps


def test_scale_maps_of_classes_take_the_low_pass_of_the_comparison(coarse_classes, tmp_path):
    settings = Settings(mode="occupancy", normalisation="calibrated")
    lines = []
    run_job(Job(tuple(coarse_classes), str(tmp_path), settings, compare=True), progress=lines.append)
    report = json.loads((tmp_path / "report.json").read_text())
    assert [item["derived"]["lowpass_angstrom"] for item in report["maps"]] == [20.0, 20.0]
    assert report["comparison"]["lowpass_angstrom"] == 20.0
    assert report["warnings"] == [] and not [line for line in lines if "detail" in line]


@pytest.mark.slow
@pytest.mark.parametrize("more", [{"lowpass": 12.0}, {"target_mask": True}])
def test_lack_of_detail_is_told_below_the_resolution_and_where_an_interval_is_asked_for(
    coarse_classes, write_mrc, tmp_path, more
):
    if "target_mask" in more:
        mask = phantom().parts[2].astype(np.float32)
        more = {"target_mask": (write_mrc(mask, "target.mrc", 3.0),), "mode": "occupancy"}
    settings = Settings(**{"mode": "occupancy", "normalisation": "calibrated", **more})
    run_job(Job(tuple(coarse_classes), str(tmp_path), settings, compare=True))
    report = json.loads((tmp_path / "report.json").read_text())
    assert all(any("detail" in text for text in item["warnings"]) for item in report["maps"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "compare", "resolution", "lowpass"),
    [
        ({}, True, 20.0, 9.0),  # resolution mode reads the maps as they are
        ({"mode": "occupancy", "lowpass": 12.0}, True, 20.0, 12.0),
        ({"mode": "occupancy"}, False, 20.0, 9.0),
        ({"mode": "occupancy"}, True, None, 9.0),
        ({"mode": "occupancy"}, True, 20.0, 20.0),
    ],
)
def test_low_pass_of_scale_maps(coarse_classes, tmp_path, settings, compare, resolution, lowpass):
    maps = tuple(replace(item, class_info=replace(item.class_info, resolution=resolution)) for item in coarse_classes)
    run_job(Job(maps, str(tmp_path), Settings(**settings), compare=compare))
    report = json.loads((tmp_path / "report.json").read_text())
    assert [item["derived"]["lowpass_angstrom"] for item in report["maps"]] == [lowpass, lowpass]


@pytest.mark.parametrize(("particles", "warned"), [(0, False), (500, True)])
def test_the_map_of_a_class_without_particles_is_not_judged(
    phantom_file, three_parts, write_mrc, tmp_path, particles, warned
):
    negative = write_mrc(-three_parts.volume, "negative.mrc", 3.0)
    maps = (
        MapInput(phantom_file, "class001_", None, ClassInfo(1, 1.0, 1000)),
        MapInput(negative, "class002_", None, ClassInfo(2, 0.0, particles)),
    )
    lines = []
    run_job(Job(maps, str(tmp_path), Settings(figures=False), 1), progress=lines.append)
    report = json.loads((tmp_path / "report.json").read_text())
    assert any(item["warnings"] for item in report["maps"][1:]) is warned
    assert any("inverted" in line for line in lines) is warned
