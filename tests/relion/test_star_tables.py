# SPDX-License-Identifier: GPL-3.0-or-later
"""STAR files of the External job."""

import json
import shutil
import subprocess
from functools import partial

import numpy as np
import pytest
import starfile

from demo.classification import classes
from occupy_core.job.outputs import JobOutputs
from relion_external.output_nodes import write_output_nodes
from relion_external.star_tables import write_tables
from relion_external.supervisor import main
from tests.core.comparing.reports import DOUBT, comparison_report, region_report


def test_table_of_maps_agrees_with_the_report(phantom_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["--o", "job/", "--in_3dref", phantom_file, "--amplify"]) == 0
    blocks = starfile.read(tmp_path / "job" / "occupancy_maps.star", always_dict=True)
    assert list(blocks) == ["occupancy_maps", "occupancy_images"]
    table = blocks["occupancy_maps"]
    assert len(table) == 1
    row = table.iloc[0]
    approx = partial(pytest.approx, rel=1e-12)  # readers of STAR files may round the last digit
    (report,) = json.loads((tmp_path / "job" / "report.json").read_text())["maps"]
    assert row["rlnReferenceImage"] == "job/scale.mrc"
    assert row["occupyInputMap"] == report["input"] == phantom_file
    assert row["occupyMode"] == "occupancy"
    assert row["occupyLowpassAngstrom"] == approx(report["derived"]["lowpass_angstrom"])
    assert row["occupyTau"] == approx(report["derived"]["tau"])
    assert row["occupyReferenceValue"] == approx(report["reference"]["value"])
    assert row["occupySolventMean"] == approx(report["solvent"]["mean"])
    assert row["occupySolventSigma"] == approx(report["solvent"]["sigma"])
    assert row["occupyMedianScale"] == approx(report["median_scale"])


def test_small_values_keep_their_digits(write_mrc, three_parts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    faint = write_mrc(three_parts.volume * 1e-9)
    assert main(["--o", "job/", "--in_3dref", faint]) == 0
    table = starfile.read(tmp_path / "job" / "occupancy_maps.star", always_dict=True)["occupancy_maps"]
    assert float(table["occupySolventSigma"].iloc[0]) == pytest.approx(3e-11, rel=0.2)


@pytest.mark.parametrize("name", ["a b.mrc", "#x.mrc", "_x.mrc", "data_x.mrc"])
def test_file_names_with_special_characters_are_read_back(name, phantom_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(phantom_file, name)
    assert main(["--o", "job/", "--in_3dref", name]) == 0
    table = starfile.read(tmp_path / "job" / "occupancy_maps.star", always_dict=True)["occupancy_maps"]
    assert table["occupyInputMap"].iloc[0] == name


def test_relion_reads_the_table(phantom_file, tmp_path, monkeypatch, relion):
    monkeypatch.chdir(tmp_path)
    assert main(["--o", "job/", "--in_3dref", phantom_file]) == 0
    shown = subprocess.run(
        ["relion_star_printtable", "job/occupancy_maps.star", "data_occupancy_maps", "rlnReferenceImage"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "job/scale.mrc" in shown.stdout


def test_all_images_are_in_the_last_table(phantom_file, three_parts, write_mrc, tmp_path, monkeypatch, relion):
    monkeypatch.chdir(tmp_path)
    mask = write_mrc(three_parts.parts[0].astype("float32"), "mask.mrc")
    shutil.copy(phantom_file, "map.mrc")
    simulated = classes()[:2]
    for number, made in enumerate(simulated, start=1):
        write_mrc(made.volume, f"state{number}.mrc", made.voxel_size)
    (tmp_path / "maps.star").write_text("data_\n\nloop_\n_rlnReferenceImage #1\nstate1.mrc\nstate2.mrc\n")
    assert main(["--o", "job/", "--in_3dref", "map.mrc", "--target_mask", mask, "--attenuate"]) == 0
    blocks = starfile.read(tmp_path / "job" / "occupancy_maps.star", always_dict=True)
    assert list(blocks) == ["occupancy_maps", "occupancy_targets", "occupancy_images"]
    images = blocks["occupancy_images"]
    assert list(images["rlnReferenceImage"]) == [
        "map.mrc",
        *("job/scale.mrc", "job/confidence.mrc", "job/attenuated.mrc"),
    ]
    assert list(images["occupyImage"]) == ["input map", "local scale", "confidence", "attenuated map"]
    assert main(["--o", "two/", "--in_parts", "maps.star", "--figures", "no"]) == 0
    # RELION's own reader finds every file.
    words = ["relion_star_printtable", "two/occupancy_maps.star", "data_occupancy_images", "rlnReferenceImage"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert [path.split("/")[-1] for path in shown] == [
        *("state1.mrc", "map001_scale.mrc", "map001_confidence.mrc"),
        *("state2.mrc", "map002_scale.mrc", "map002_confidence.mrc"),
        *("occupancy_spread.mrc", "region001_mask.mrc"),
    ]
    assert all((tmp_path / path).exists() for path in shown)


def test_target_masks_are_in_a_second_table(phantom_file, three_parts, write_mrc, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    masks = [write_mrc(part.astype("float32"), f"part{number}.mrc") for number, part in enumerate(three_parts.parts)]
    words = ["--normalisation", "calibrated", "--target_mask", ",".join(masks)]
    assert main(["--o", "job/", "--in_3dref", phantom_file, *words]) == 0
    table = starfile.read(tmp_path / "job" / "occupancy_maps.star", always_dict=True)["occupancy_targets"]
    (report,) = json.loads((tmp_path / "job" / "report.json").read_text())["maps"]
    printed = capfd.readouterr().out
    assert list(table["occupyTargetMask"]) == masks == [item["mask"] for item in report["targets"]]
    for (_, row), target, occupancy in zip(table.iterrows(), report["targets"], three_parts.occupancies):
        assert row["occupyScaleMedian"] == pytest.approx(target["scale_median"])
        assert [row["occupyOccupancyLow90"], row["occupyOccupancyHigh90"]] == pytest.approx(
            target["occupancy_interval_90"]
        )
        assert row["occupyOccupancyLow90"] <= occupancy <= row["occupyOccupancyHigh90"]
        assert f"occupancy {target['scale_median']:.2f} (90 % interval" in printed


@pytest.fixture
def regions_table(tmp_path, monkeypatch):
    """Change into a project with the tables of a comparison: regions 1 and 2 are one part that moved, 3 is unsure."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job").mkdir()
    regions = [
        region_report(1, (0.9, 0.1), of_all=0.3, moved_with=2),
        region_report(2, (0.1, 0.9), of_all=0.7, moved_with=1),
        region_report(3, (0.6, 0.2), of_all=0.3, doubt=f"\"{DOUBT}'\n"),
        region_report(4, (0.6, 0.2), of_all=0.3, doubt=DOUBT, flexible=True),
    ]
    outputs = JobOutputs([], comparison_report(regions, shares=(0.25, 0.75)), [], [])
    write_tables(outputs, tmp_path / "job", "job/")
    write_output_nodes(outputs, tmp_path / "job", "job/")
    return tmp_path / "job" / "occupancy_regions.star"


def test_sure_regions_are_the_first_rows_and_unsure_ones_have_a_note(regions_table):
    tables = starfile.read(regions_table, always_dict=True)
    table = tables["occupancy_regions"]
    assert list(table["occupyRegionNumber"]) == [1, 2, 3, 4] and list(table["occupySure"]) == [1, 1, 0, 0]
    assert list(table["rlnReferenceImage"]) == [
        "job/region001_mask.mrc",
        "job/region002_mask.mrc",
        *["job/occupancy_spread.mrc"] * 2,
    ]
    assert list(table["occupyNote"])[0] == "one part that moved, with region 2"
    assert list(table["occupyNote"])[2:] == [
        f"unsure: {DOUBT}",
        f"unsure: {DOUBT}; flexible rather than missing in class 2",
    ]
    first = table.iloc[0]
    assert first["occupySigmas"] == 12.5
    columns = ["occupyOccupancyDifferenceLow", "occupyOccupancyDifference", "occupyOccupancyDifferenceHigh"]
    assert list(first[columns]) == pytest.approx([0.75, 0.8, 0.85])
    columns = [f"occupyOccupancyOfAllParticles{end}" for end in ("Low", "", "High")]
    assert list(first[columns]) == pytest.approx([0.25, 0.3, 0.35])
    of_class = tables["occupancy_of_classes"].iloc[0]
    columns = ["occupyOccupancyLow", "occupyOccupancy", "occupyOccupancyHigh"]
    assert list(of_class[columns]) == pytest.approx([0.85, 0.9, 0.95])
    assert "Quartile" not in regions_table.read_text()
    assert regions_table.read_text().splitlines()[:2] == ["# version 30001", "# 1 is the density of class 2"]


def test_unsure_regions_are_no_nodes(regions_table):
    nodes = (regions_table.parent / "RELION_OUTPUT_NODES.star").read_text()
    assert "job/region002_mask.mrc 7 Mask3D.mrc" in nodes and "region003" not in nodes and "None" not in nodes


def test_a_region_without_a_note_has_the_word_none(tmp_path):
    write_tables(JobOutputs([], comparison_report([region_report(1, (0.9, 0.1))]), [], []), tmp_path, "job/")
    (row,) = [line for line in (tmp_path / "occupancy_regions.star").read_text().splitlines() if ".mrc" in line]
    assert row.endswith(" None")


def test_relion_reads_the_comment_and_the_notes_of_regions(regions_table, write_mrc, relion):
    """Put the note before the name of the image: RELION finds the images only if it reads the quoted notes."""
    head, *_ = regions_table.read_text().partition("data_occupancy_regions")
    rows = [line for line in regions_table.read_text().splitlines() if line.startswith("job/")]
    assert all(line.endswith('"') for line in rows) and len(rows) == 4
    columns = "loop_\n_occupyNote #1\n_rlnImageName #2\n"
    swapped = "".join(f"{line[line.index(chr(34)) :]} {line.split()[0]}\n" for line in rows)
    regions_table.with_name("swapped.star").write_text(f"{head}data_occupancy_regions\n\n{columns}{swapped}\n")
    for name in ("region001_mask.mrc", "region002_mask.mrc", "occupancy_spread.mrc"):
        write_mrc(np.ones((16, 16, 16), dtype="f4"), f"job/{name}")
    done = subprocess.run(
        ["relion_image_handler", "--i", "job/swapped.star", "--stats"], capture_output=True, text=True, check=True
    )
    assert [line.split()[0] for line in done.stdout.splitlines() if "avg=" in line] == [
        "job/region001_mask.mrc",
        "job/region002_mask.mrc",
        *["job/occupancy_spread.mrc"] * 2,
    ]
