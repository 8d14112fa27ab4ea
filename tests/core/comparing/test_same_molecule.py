# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps of different molecules, and copies of one map, are told from classes of one molecule."""

import numpy as np
import pytest

from occupy_core.arrays.disk_array import DiskArray
from occupy_core.comparing import same_molecule
from occupy_core.comparing.comparison import compare_classes
from occupy_core.comparing.describe import comparison_lines
from occupy_core.comparing.same_molecule import Agreement, agreement_with_reference
from occupy_core.reporting.next_steps import next_steps, result_text
from tests.core.comparing.reports import comparison_report, region_report
from tests.core.comparing.test_poses import SIDE, SPACING, class_of, in_pose, molecule


def compare(*classes):
    names = [f"class {number}" for number in range(1, len(classes) + 1)]
    return compare_classes(classes, names, spacing=SPACING, lowpass=15.0, reference=0)


@pytest.mark.parametrize("noise", [0.02, 0.1])
def test_classes_of_one_molecule_give_no_warning_even_without_a_large_part(noise):
    volume, part = molecule()
    found = compare(class_of(volume, noise, 1), class_of(volume, noise, 2), class_of(volume * ~part, noise, 3))
    assert min(item.inside for item in found.agreements) > 0.7
    assert not any("one molecule" in text or "copies" in text for text in found.warnings)


@pytest.mark.parametrize("other", [molecule(1)[0], np.rot90(molecule()[0], 1, (0, 2))])
def test_another_molecule_and_a_turned_map_are_named(other):
    volume, _ = molecule()
    found = compare(class_of(volume, 0.02, 1), class_of(volume, 0.02, 2), class_of(other, 0.02, 3))
    (text,) = [text for text in found.warnings if "one molecule in one pose" in text]
    assert text.startswith("class 3 and class 1 do not show one molecule") and "turned or mirrored" in text
    assert f"correlate by {found.agreements[2].inside:.2f}" in text
    assert not found.sure_regions


def test_region_that_another_molecule_makes_is_unsure():
    volume, part = molecule()
    other = class_of(0.5 * molecule(1)[0], 0.02, 3)
    found = compare(class_of(volume, 0.02, 1), class_of(volume * ~part, 0.02, 2), other)
    (region,) = found.regions
    assert region.sigmas > 20 and not region.is_sure
    assert region.doubt == "a difference of class 3, which shows another molecule or pose than class 1"


def test_first_and_last_of_many_classes_may_have_little_in_common():
    volume, _ = molecule()
    left = np.zeros(volume.shape, dtype=bool)
    left[:, :, : SIDE // 2] = True
    classes = [
        class_of(volume * np.where(left, 1 - share, share), 0.02, number)
        for number, share in enumerate(np.linspace(0.1, 0.9, 6))
    ]
    alone = agreement_with_reference([classes[0], classes[-1]], 0)[1]
    assert not alone.is_of_one_molecule
    assert all(item.is_of_one_molecule for item in agreement_with_reference(classes, 0))


@pytest.mark.slow
def test_a_small_turn_is_corrected_before():
    volume, _ = molecule()
    found = compare(class_of(volume, 0.02, 1), class_of(in_pose(volume, (5, 3, -2), 0.5), 0.02, 2))
    assert found.agreements[1].inside > 0.9


def test_molecules_that_hardly_overlap_have_a_correlation_of_0():
    volume, part = molecule()
    classes = [class_of(volume * ~part, 0.0, 1), class_of(np.roll(volume * part, 8, axis=2), 0.0, 2)]
    _, other = agreement_with_reference(classes, 0)
    assert other.inside == 0 and other.whole < 0.5 and not other.is_of_one_molecule


def test_copies_of_one_map_are_named():
    volume, _ = molecule()
    one = class_of(volume, 0.02, 1)
    found = compare(one, class_of(volume, 0.02, 2), one)
    (text,) = [text for text in found.warnings if "copies" in text]
    assert text.startswith("class 3 and class 1 are copies of one map")


def test_maps_that_differ_in_one_voxel_are_no_copies():
    volume, _ = molecule()
    one, other = class_of(volume, 0.02, 1), class_of(volume, 0.02, 1)
    values = one.density.load().copy()
    assert same_molecule.copy_warnings([one.density, other.density], ["class 1", "class 2"])
    values[-1, -1, -1] += 1e-3
    assert same_molecule.copy_warnings([one.density, DiskArray(values)], ["class 1", "class 2"]) == []


@pytest.mark.parametrize(
    ("inside", "whole", "expected"),
    [
        (0.28, 0.65, False),  # the most of two different molecules
        (0.28, 0.78, True),  # classes that lack a third of one molecule each
        (0.68, 0.6, True),
        (float("nan"), 0.5, True),  # it cannot be told
        (0.2, float("nan"), True),
    ],
)
def test_another_molecule_is_told_by_both_correlations(inside, whole, expected):
    assert Agreement(inside, whole).is_of_one_molecule is expected


@pytest.mark.parametrize("regions", [[], [region_report(1, (0.2, 0.9))]])
def test_the_result_says_it_and_names_no_region_as_an_answer(regions):
    comparison = {**comparison_report(regions), "other_molecules": ["class 1"], "reference": "2.mrc"}
    comparison["maps"][0]["input"], comparison["maps"][1]["input"] = "1.mrc", "2.mrc"
    report = {
        "model": None,
        "comparison": comparison,
        "job": {"input_warnings": [], "compare": True},
        "settings": {"figures": False},
        "maps": [{"name": "class 1", "outputs": {}, "prefix": "", "warnings": []}],
        "warnings": [],
    }
    said = (
        "the maps do not show one molecule in one pose (class 1 against class 2): their occupancies cannot be compared"
    )
    assert result_text(report) == said and comparison_lines(comparison)[0] == said
    steps = " ".join(next_steps(report, "relion"))
    assert "right files" in steps and "to sort" not in steps and "smaller differences" not in steps
