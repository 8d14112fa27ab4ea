# SPDX-License-Identifier: GPL-3.0-or-later
"""Target masks of a project: from the form through the core to summary and methods."""

import json
import os
import re

import numpy as np
import pytest
from pwem.emlib.image import ImageHandler
from pyworkflow.object import Pointer

from occupy_core.settings.settings import NORMALISATIONS
from occupy_scipion.report import read_report
from occupy_scipion.texts import methods_text, summary_lines
from tests.scipion.conftest import write_map

CALIBRATED = {"scaleMode": 2, "normalisation": NORMALISATIONS.index("calibrated")}


@pytest.fixture(scope="module")
def masks(laboratory, three_parts, tmp_path_factory):
    """Masks of the parts of occupancy 0.6 and 0.3: a mask, and a volume whose header has another voxel size."""
    folder = tmp_path_factory.mktemp("masks")
    with laboratory.inside():
        return [
            laboratory.import_mask(write_map(folder / "arm.mrc", three_parts.parts[1])),
            laboratory.import_maps(write_map(folder / "head.mrc", three_parts.parts[2], voxel_size=1.0)),
        ]


@pytest.fixture(scope="module")
def run(laboratory, a_map, masks):
    with laboratory.inside():
        return laboratory.run_local_scale(a_map, targetMasks=masks, **CALIBRATED)


def test_summary_has_the_occupancy_in_each_mask(lab, run, three_parts):
    text = "\n".join(lab.read_back(run)["summary"])
    found = re.findall(r"^Target (\S+): occupancy (\S+) \(90 % interval (\S+) to (\S+); quartiles", text, re.MULTILINE)
    assert [name for name, *_ in found] == ["arm.mrc", "import_head.mrc"]
    for (_, *values), truth in zip(found, three_parts.occupancies[1:]):
        value, low, high = (float(word) for word in values)
        assert value == pytest.approx(truth, abs=0.06) and low <= truth <= high
    assert "Other settings: Normalisation calibrated." in text.splitlines()
    assert "tau" not in text and re.search(r"Reference value \S+, zero at 0\.\d", text)


def test_methods_define_the_scale_and_list_the_occupancies(lab, run):
    text = run.methods()[0]
    assert "in occupancy mode" in text and "tau" not in text
    assert "0 is its value in solvent noise and 1 its value in the best region." in text
    value = r"0\.\d\d \(0\.\d\d to 0\.\d\d\)"
    assert re.search(f"90 % interval, was {value} within arm.mrc and {value} within import_head.mrc\\.$", text)


def test_target_masks_add_no_outputs(lab, run):
    names = [name for name, _ in run.iterOutputAttributes()]
    assert names == list(run.getPossibleOutputs()) == ["scaleMap", "confidenceMap"]


def test_masks_with_the_same_file_name_have_different_names(lab, a_map, three_parts, tmp_path):
    """Other protocols name every mask mask.mrc; masks with a wrong header are copied."""
    made = []
    for number, part in enumerate(three_parts.parts[1:]):
        (tmp_path / str(number)).mkdir()
        made.append(lab.import_mask(write_map(tmp_path / str(number) / "mask.mrc", part, voxel_size=1.0)))
    protocol = lab.run_local_scale(a_map, targetMasks=made, **CALIBRATED)
    lines = [line for line in protocol.summary() if line.startswith("Target ")]
    paths = [mask.outputMask.getFileName() for mask in made]
    assert [line.split(": ")[0] for line in lines] == [f"Target {path}" for path in paths]
    found = [target["scale_median"] for target in read_report(protocol._getExtraPath())["maps"][0]["targets"]]
    np.testing.assert_allclose(found, three_parts.occupancies[1:], atol=0.06)


def test_converted_masks_do_not_replace_the_map_of_the_same_name(lab, three_parts, tmp_path):
    """Map and masks are all converted to MRC."""
    sources = {"map": three_parts.volume, "arm": three_parts.parts[1], "head": three_parts.parts[2]}
    imports = []
    for name, values in sources.items():
        (tmp_path / name).mkdir()
        plain = write_map(tmp_path / name / "plain.mrc", values)
        ImageHandler().convert(str(plain), str(tmp_path / name / "same.vol"))
        imports.append(lab.import_maps(tmp_path / name / "same.vol"))
    volume, arm, head = imports
    protocol = lab.run_local_scale(volume, targetMasks=[arm, head], solventDefinition=head, **CALIBRATED)
    found = [target["scale_median"] for target in read_report(protocol._getExtraPath())["maps"][0]["targets"]]
    np.testing.assert_allclose(found, three_parts.occupancies[1:], atol=0.06)


def test_scale_without_calibration_has_no_interval(lab, a_map, masks):
    protocol = lab.run_local_scale(a_map, targetMasks=masks[:1])
    (line,) = [line for line in protocol.summary() if line.startswith("Target ")]
    assert line.startswith("Target arm.mrc: median scale 0.") and "as published" in line
    # A target mask alone selects occupancy mode, in the plan too.
    assert any(line.startswith("Local scale in occupancy mode") for line in protocol.summary())
    assert lab.local_scale(a_map, targetMasks=masks).summary()[0].startswith("Local scale in occupancy mode")
    assert "arm.mrc" not in protocol.methods()[0] and "relative to the highest percentile" in protocol.methods()[0]


def test_texts_for_other_kinds_of_runs(lab, run):
    report = read_report(run._getExtraPath())
    (item,) = report["maps"]
    item["targets"] *= 3
    assert sum(line.startswith("Target ") for line in summary_lines(report)) == 6
    assert "90 % interval" not in methods_text(report)
    item["targets"] = item["targets"][:1]
    item["reference"]["zero"] = 0.0
    assert "where 0 is zero density and 1 its" in methods_text(report)
    other = json.loads(json.dumps(item))
    other["prefix"], other["reference"]["zero"] = "map002_", 0.2
    report["maps"].append(other)
    assert "where 0 is its value in solvent noise or zero density and 1 its" in methods_text(report)
    assert "within arm.mrc of map002: import_phantom.mrc." in methods_text(report)
    report["settings"]["normalisation"] = "kernel"
    assert "relative to full scale (kernel normalisation, tau = " in methods_text(report)


def test_report_of_an_earlier_version_can_be_read(lab, run, tmp_path):
    report = read_report(run._getExtraPath())
    for item in report["maps"]:
        del item["targets"], item["reference"]["normalisation"], item["reference"]["zero"]
    report["settings"].update(normalisation="tiled", target_mask=[])
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    earlier = read_report(str(tmp_path))
    assert any(line.startswith("Reference value") for line in summary_lines(earlier))
    assert "relative to the highest percentile" in methods_text(earlier)


def test_mask_on_another_grid_is_refused(lab, a_map, masks, tmp_path):
    small = lab.import_mask(write_map(tmp_path / "small.mrc", np.eye(32)[None].repeat(32, axis=0)))
    coarse = lab.import_mask(write_map(tmp_path / "coarse.mrc", np.eye(64)[None].repeat(64, axis=0)), sampling=6.0)
    first, second = lab.local_scale(a_map, targetMasks=[masks[0], small, coarse]).validate()
    assert first.startswith("*Target mask(s)*: small.mrc: found a box of 32 x 32 x 32 voxels, expected 64 x 64 x 64")
    assert second.startswith("*Target mask(s)*: coarse.mrc: found voxel size 6 instead of 3 Å")
    assert lab.local_scale(a_map, targetMasks=masks).validate() == []


def test_missing_mask_is_refused(lab, a_map, masks, tmp_path):
    protocol = lab.local_scale(a_map, targetMasks=masks)
    protocol.targetMasks.append(Pointer(masks[0], extended="outputOfBefore"))
    (problem,) = protocol.validate()
    name = f"{masks[0].strId()}.outputOfBefore"
    assert problem == f"*Target mask(s)*: {name}: no such output; run its protocol first, or choose another mask"
    lost = lab.import_mask(write_map(tmp_path / "lost.mrc", np.ones((64, 64, 64))))
    os.remove(lost.outputMask.getFileName())
    (problem,) = lab.local_scale(a_map, targetMasks=[lost]).validate()
    assert problem.startswith("*Target mask(s)*: ") and "lost.mrc: was removed; run the protocol" in problem


def test_mask_chosen_twice_is_used_once(lab, a_map, masks):
    protocol = lab.local_scale(a_map, targetMasks=[*masks, masks[0]])
    assert protocol.validate() == []
    assert protocol._settings().target_mask == ("arm.mrc", "import_head.mrc")


def test_continue_runs_again_after_a_change_of_a_mask(lab, a_map, three_parts, tmp_path):
    path = write_map(tmp_path / "changing.mrc", three_parts.parts[1])
    mask = lab.import_maps(path)
    protocol = lab.run_local_scale(a_map, targetMasks=[mask])

    def median():
        (target,) = read_report(protocol._getExtraPath())["maps"][0]["targets"]
        return target["scale_median"]

    before = median()
    write_map(path, three_parts.parts[0])
    lab.launch(protocol)
    assert protocol.isFinished() and median() > before + 0.1


def test_empty_mask_is_an_error(lab, a_map, tmp_path):
    empty = lab.import_mask(write_map(tmp_path / "empty.mrc", np.linspace(0, 0.4, 64**3).reshape(64, 64, 64)))
    protocol = lab.launch(lab.local_scale(a_map, targetMasks=[empty]))
    assert protocol.isFailed()
    assert "empty.mrc: found no voxel above 0.5" in protocol.getErrorMessage()
