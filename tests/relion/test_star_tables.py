# SPDX-License-Identifier: GPL-3.0-or-later
"""STAR files of the External job."""

import json
import shutil
import subprocess
from functools import partial

import pytest
import starfile

from relion_external.supervisor import main


def test_table_of_maps_agrees_with_the_report(phantom_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["--o", "job/", "--in_3dref", phantom_file, "--amplify"]) == 0
    blocks = starfile.read(tmp_path / "job" / "occupancy_maps.star", always_dict=True)
    assert list(blocks) == ["occupancy_maps"]
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
