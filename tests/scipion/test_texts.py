# SPDX-License-Identifier: GPL-3.0-or-later
"""Summary and methods, before and after a run."""

import json
import shutil
from itertools import chain

from occupy_core.reporting.scipion_names import MAP_NAMES, PART_MASK, REGION_MASK
from occupy_scipion.constants import REFERENCE
from occupy_scipion.protocols import ProtOccupyCompareClasses, ProtOccupyLocalScale, ProtOccupyModel
from occupy_scipion.report import read_report
from occupy_scipion.texts import methods_text, summary_lines


def test_summary_before_the_run_is_the_plan(lab, a_map):
    summary = lab.local_scale(a_map).summary()
    assert summary == ["Local scale in resolution mode. Modified maps: none.", "No results yet."]
    protocol = lab.local_scale(a_map, doAmplify=True, doSigmoid=True, excludeSolvent=True)
    assert protocol.summary()[0] == (
        "Local scale in occupancy mode. Modified maps: amplified with power 3, sigmoid with power 4 and pivot 0.3; "
        "solvent excluded."
    )
    assert protocol.methods()[0] == "Run the protocol to get this text."
    assert lab.local_scale(a_map, doAmplify=True, amplifyPower=0.5).summary()[0].startswith("*Amplify: power*: got 0.5")


def test_texts_after_the_run_have_the_values_of_the_run(lab, a_map):
    protocol = lab.run_local_scale(a_map, doAttenuate=True, maxBox=48, tileSize=9)
    text = "\n".join(protocol.summary())
    report = read_report(protocol._getExtraPath())
    (item,) = report["maps"]
    assert text.startswith(f"*Result:*\n{report['result']}.\n*Next steps:*\nTo look: Analyze results, ")
    assert "what is fully occupied: open attenuatedMap; " in text
    assert "\n\nLocal scale in occupancy mode: low-pass 12 Å, kernel of " in text
    assert "Modified maps: attenuated with power 3; solvent kept." in text
    assert "Other settings: Tile size (voxels) 9; Maximum box (voxels) 48." in text
    assert "Map: import_phantom.mrc" in text
    assert f"Reference value {item['reference']['value']:.4g}, median scale {item['median_scale']:.3g}" in text
    assert item["warnings"] and text.count("Warning: ") == len(item["warnings"])
    assert "setting Maximum box (voxels)" in text and "max_box" not in text
    methods = protocol.methods()[0]
    assert "in occupancy mode at a low-pass cutoff of 12 Å" in methods and "tiles of 9 voxels" in methods
    assert "(attenuated with power 3)" in methods and "leaves solvent unchanged" in methods
    assert "Forsberg2023" in methods and "10.1038/s41467-023-41478-1" in methods
    # The texts describe the run, not the present values of the form.
    protocol.doAttenuate.set(False)
    assert "\n".join(protocol.summary()) == text


def report_of(lab, a_map, tmp_path, **values):
    """Run the protocol and return a copy of its report, which a test may change."""
    protocol = lab.run_local_scale(a_map, **values)
    shutil.copy(protocol._getExtraPath("report.json"), tmp_path)
    return json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))


def test_texts_describe_the_treatment_of_solvent(lab, a_map, tmp_path):
    report = report_of(lab, a_map, tmp_path, excludeSolvent=True)
    assert "Modified maps: solvent excluded." in summary_lines(report)
    assert methods_text(report).endswith(
        "Solvent was excluded by multiplication with the confidence of the solvent model."
    )
    report["settings"]["amplify"] = 3.0
    assert "multiplied by the confidence, which excludes solvent" in methods_text(report)
    report["settings"].update(omit_confidence=True, exclude_solvent=False)
    assert "used in all voxels, whatever their confidence" in methods_text(report)
    assert "Other settings: Omit confidence yes." in summary_lines(report)
    report["settings"].update(amplify=None)
    assert "The density was modified" not in methods_text(report)
    # A map without any confident voxel has no median scale.
    report["maps"][0]["median_scale"] = None
    assert any("median scale unknown" in line for line in summary_lines(report))


def test_protocols_declare_the_outputs_that_next_steps_name():
    assert set(chain.from_iterable(MAP_NAMES.values())) <= set(ProtOccupyLocalScale._possibleOutputs)
    assert {REGION_MASK.format(1), REGION_MASK.format(9)} <= set(ProtOccupyCompareClasses._possibleOutputs)
    assert {PART_MASK.format(1), PART_MASK.format(9)} <= set(ProtOccupyModel._possibleOutputs)


def test_summary_lists_parameters_that_differ_between_maps(lab, a_map, tmp_path):
    report = report_of(lab, a_map, tmp_path)
    other = json.loads(json.dumps(report["maps"][0]))
    other["derived"]["lowpass_angstrom"] = 20.0
    other["prefix"] = "map002_"
    report["maps"].append(other)
    lines = summary_lines(report)
    lines = lines[lines.index("") + 1 :]  # after the result and the next steps
    assert lines[0].startswith("Local scale in resolution mode: low-pass 9 Å")
    assert lines[lines.index("*map002: import_phantom.mrc*") + 1].startswith(
        "Local scale in resolution mode: low-pass 20 Å"
    )
    assert methods_text(report).startswith(f"The local scale of 2 maps was estimated with OccuPy [{REFERENCE}]")
