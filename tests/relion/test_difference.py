# SPDX-License-Identifier: GPL-3.0-or-later
"""The signed difference of two classes: of real classifications, as an output of the External job."""

import gzip
import json
import shutil
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import starfile

from relion_external.supervisor import main


@pytest.fixture
def unpacked(shared_data, tmp_path, monkeypatch):
    """A function that unpacks a classification of the shared data into the working folder; returns its data STAR."""
    monkeypatch.chdir(tmp_path)

    def unpack(folder):
        for path in (shared_data / folder).rglob("*run_it*"):
            target = Path(path.name.replace(".gz", ""))
            target.write_bytes(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
        shutil.copy(next((shared_data / folder).rglob("truth.npz"), "/dev/null"), "truth.npz")
        return sorted(Path().glob("run_it*_data.star"))[-1].name

    return unpack


def run(data_star, pair):
    words = ["--in_parts", data_star, "--difference", pair, "--figures", "no", "--j", "2"]
    assert main(["--o", "out/", *words]) == 0
    first, second = map(int, pair.split(","))
    return mrcfile.read(f"out/difference{first:03d}_{second:03d}.mrc")


def test_parts_of_a_real_classification_have_the_right_sign(unpacked, capfd):
    """Class 1 has Fab 2 and not Fab 1, class 3 has Fab 1 and a third of Fab 2."""
    values = run(unpacked("relion_runs/r5_box64_B7"), "1,3")
    with np.load("truth.npz") as truth:
        core, *fabs = (truth[f"dist_{name}"] for name in ("core", "fab1", "fab2"))  # distances, Å
    first, second = (np.median(values[(fab < 3) & (core > 10)]) for fab in fabs)
    assert first < -8 and second > 8
    assert abs(np.median(values[(core < 1) & (fabs[0] > 20) & (fabs[1] > 20)])) < 1
    rows = starfile.read("out/RELION_OUTPUT_NODES.star", always_dict=True)["output_nodes"].values.tolist()
    assert ["out/difference001_003.mrc", 6, "DensityMap.mrc"] in rows
    images = starfile.read("out/occupancy_maps.star", always_dict=True)["occupancy_images"]
    assert images["occupyImage"].iloc[-1] == "signed difference of two classes"
    log = capfd.readouterr().out
    assert "class 1 minus class 3 (difference001_003.mrc): " in log and "wrote out/difference001_003.mrc" in log


@pytest.mark.slow
@pytest.mark.parametrize(
    "folder, pairs",
    [
        ("relion_runs/r5_box64_N3", ("1,2", "1,3", "2,3")),
        ("relion_runs/r5_box64_N8", ("1,2", "3,1")),
        ("relion_null/none", ("1,2",)),
        ("relion_null/mask", ("1,2",)),
    ],
)
def test_classes_of_identical_particles_hardly_reach_four_sigma(folder, pairs, unpacked):
    data_star = unpacked(folder)
    for pair in pairs:
        values = run(data_star, pair)
        found = json.loads(Path("out/report.json").read_text())["comparison"]["difference"]
        assert abs(values).max() < 4.6 and max(found["volumes_cubic_angstrom"]) < 1000
        assert 0.7 < values[values != 0].std() < 1.2


def test_wrong_classes_and_one_map_are_refused_with_the_way_out(unpacked, capfd):
    data_star = unpacked("relion_null/none")
    for words, message in (
        (
            ["--in_parts", data_star, "--difference", "1,3"],
            "--difference: got 1,3, expected two of the maps' numbers: 1, 2",
        ),
        (["--in_parts", data_star, "--difference", "2"], "--difference: got 2, expected two different class numbers"),
        (["--in_parts", data_star, "--difference", "x"], "--difference: got 'x', expected two different class numbers"),
        (["--in_3dref", data_star.replace("data.star", "class001.mrc"), "--difference", "1,2"], "but found one map, "),
    ):
        assert main(["--o", "out/", *words]) == 1
        assert message in capfd.readouterr().err
    assert not Path("out/report.json").exists()
