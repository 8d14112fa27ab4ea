# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a job in one sentence, and what to do next."""

import shlex

import pytest

from occupy_core.comparing.particle_groups import add_particle_groups, particle_lines
from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.reporting.next_steps import next_steps, outcome_blocks, result_text
from occupy_core.settings.classification import missing_optimiser_text, weighted_run_text
from occupy_core.settings.output_names import MODEL_PHENIX, MODEL_REFMAC, output_kinds
from occupy_core.settings.presets import preset_values
from occupy_core.settings.settings import Settings
from tests.core.comparing.reports import DOUBT, comparison_report, region_report
from tests.core.reporting.model_reports import model_report


def report_of(maps=1, model=None, comparison=None, mode="resolution", kinds=(), warnings=(), **settings):
    """Return what a job's report needs for its result and its next steps."""
    prefixes = [f"class{number:03d}_" for number in range(1, maps + 1)] if maps > 1 else [""]
    items = [
        {
            "name": f"class {number}",
            "prefix": prefix,
            "outputs": {kind: f"{prefix}{kind}.mrc" for kind in ("scale", *kinds)},
            "derived": {"mode": mode},
            "median_scale": number / 10,
            "targets": [],
            "warnings": [],
            "scale_histogram": {"confident_voxels": [3] * 25 + [7] * 25},
        }
        for number, prefix in enumerate(prefixes, start=1)
    ]
    return {
        "maps": items,
        "model": model,
        "comparison": comparison,
        "job": {"compare": comparison is not None, "input_warnings": list(warnings)},
        "settings": {"figures": True, "normalisation": "tiled", "invert": False, **settings},
        "shared_reference": None,
    }


def steps_of(report, host="relion"):
    return "\n".join(next_steps(report, host, "External/job004/"))


@pytest.mark.parametrize("folder", ["my maps/job 4/", "it's $HOME; (new)/", "Mädchen & Co/"])
def test_the_command_to_type_is_one_that_a_shell_understands(folder):
    steps = next_steps(report_of(), "relion", folder)
    words = shlex.split(steps[0].split("type: ")[1])
    assert words == ["chimerax", f"{folder}occupy.cxc"]
    assert f"open {folder}logfile.pdf" in steps[0]  # a name in a window, which takes no quotes


def test_one_map_says_how_much_of_it_is_weak_and_how_to_measure_more():
    report = report_of()
    assert result_text(report).startswith("30 % of the density that is no solvent reads below 0.5, where 1 is the best")
    assert "less well resolved" in result_text(report)
    assert "low occupancy" in result_text(report_of(mode="occupancy"))
    steps = steps_of(report)
    assert "External/job004/logfile.pdf" in steps and "chimerax External/job004/occupy.cxc" in steps
    assert "parameter preset, value occupancy" in steps and "parameter model, value fitted_model.cif" in steps
    assert "preset" not in steps_of(report_of(normalisation="calibrated"))
    assert "Normalisation calibrated" in steps_of(report, "scipion")
    assert "Normalisation calibrated" not in steps_of(report_of(normalisation="calibrated"), "scipion")
    assert "logfile.pdf" not in steps_of(report_of(figures=False))
    report["maps"][0]["median_scale"] = None
    assert result_text(report) == "no voxel of the map is confidently more than solvent"


def test_the_occupancy_in_a_target_mask_is_the_result():
    target = {
        "mask": "masks/arm.mrc",
        "scale_median": 0.35,
        "scale_lower_quartile": 0.3,
        "scale_upper_quartile": 0.4,
        "occupancy_interval_90": [0.28, 0.42],
    }
    report = report_of()
    report["maps"][0]["targets"] = [target]
    assert result_text(report).startswith("arm.mrc: occupancy 0.35 (90 % interval 0.28 to 0.42")


def test_several_maps_that_are_not_compared_give_the_range():
    report = report_of(maps=3)
    assert result_text(report) == (
        "the median local scale is from 0.10 in class 1 to 0.30 in class 3 (each map on its own scale)"
    )
    assert "compare classes" in steps_of(report, "scipion")
    report["job"]["compare"] = True
    assert result_text(report) == "the maps were not compared; a warning says why"


@pytest.mark.parametrize(
    ("host", "mask"), [("relion", "External/job004/region001_mask.mrc"), ("scipion", "regionMask1")]
)
def test_a_sure_region_is_the_result_and_its_mask_the_next_step(host, mask):
    region = region_report(1, [0.2, 0.9, 0.5], of_all=0.5, volume_cubic_angstrom=12000.0)
    region["mask"] = "region001_mask.mrc"
    report = report_of(3, comparison=comparison_report([region], classes=3, shares=[0.3] * 3))
    text = result_text(report)
    assert text.startswith("the maps differ in 1 region: region 1 (12,000 Å^3) is 0.90 (")
    assert "occupied in class 2 and 0.20 (" in text and text.endswith("in class 1")
    assert steps_of(report, host).count(mask) == 2 and "sort the particles by region 1" in steps_of(report, host)


def test_no_region_names_the_mask_that_is_not_known():
    unsure = region_report(1, [0.2, 0.9], doubt=DOUBT)
    report = report_of(2, comparison=comparison_report([unsure]))
    assert result_text(report) == (
        "no sure region where class 1, class 2 differ by more than noise explains; 1 unsure region may be noise"
    )
    assert "classify again within a mask" in steps_of(report)
    lost = report_of(2, comparison=comparison_report([]), warnings=[missing_optimiser_text("run_it025_optimiser.star")])
    assert result_text(lost).endswith("this may be wrong, since the mask of the classification is not known")


def test_protocols_of_scipion_that_use_the_mask_of_a_region_cannot_start_without_a_sure_one():
    """In RELION, the schedules end by themselves."""
    sure, unsure = region_report(1, [0.2, 0.9]), region_report(1, [0.2, 0.9], doubt=DOUBT)
    without = [report_of(2, comparison=comparison_report(regions)) for regions in ([], [unsure])]
    not_compared = report_of(2)
    not_compared["job"]["compare"] = True
    for report in (*without, not_compared):
        assert "there is no regionMask1: protocols that use it cannot start" in steps_of(report, "scipion")
        assert "cannot start" not in steps_of(report, "relion")
    for report in (report_of(2), report_of(2, comparison=comparison_report([sure]))):
        assert "cannot start" not in steps_of(report, "scipion")


@pytest.mark.parametrize("host", ["relion", "scipion"])
def test_the_parts_of_a_model_that_are_not_whole_are_the_result(host):
    model = model_report({"A": [1.0], "B": [0.7], "C": [0.3], "D": [None]})
    report = report_of(model=model)
    assert result_text(report) == (
        "2 of 3 parts of the model are less than fully occupied: C 0.30 (0.20-0.40); B 0.70 (0.60-0.80); each of the "
        "others may be fully occupied"
    )
    assert "value C" in steps_of(report, host) and "to measure" not in steps_of(report, host)
    for part in model["parts"][1:]:
        part["mask"] = f"group_{part['name']}_mask.mrc"
    mask = "External/job004/group_C_mask.mrc" if host == "relion" else "partMask2"
    assert steps_of(report, host).count(mask) == 2
    source = (
        "on the refinement of this map (its run_optimiser.star)" if host == "relion" else "with this map as reference"
    )
    assert source in steps_of(report, host) and "classification)" not in steps_of(report, host)
    classes = report_of(2, model=model_report({"A": [1.0, 1.0], "C": [0.4, 0.6]}))
    classes["model"]["parts"][1]["mask"] = "group_C_mask.mrc"
    assert "a class map" in steps_of(classes, host) or "a map of these classes" in steps_of(classes, host)
    where = " (class {}.mrc)" if host == "relion" else ""
    for item, shift in zip(classes["model"]["maps"], (2.0, 0.5)):
        item.update(shift_angstrom=shift, rotation_degrees=0.0)
    assert f"the map of class 2{where.format(2)} as" in steps_of(classes, host)
    classes["model"]["maps"][1]["rotation_degrees"] = 5.0
    assert f"the map of class 1{where.format(1)} as" in steps_of(classes, host)
    absent = report_of(model=model_report({"A": [1.0], "B": [0.0]}))
    assert "B 0.00 (0.00-0.10)" in result_text(absent) and "sort" not in steps_of(absent)
    assert "none of the 2 parts" in result_text(report_of(model=model_report({"A": [1.0], "B": [0.95]})))
    assert "only the part A" in result_text(report_of(model=model_report({"A": [1.0]})))
    # The interval of 0.95 reaches 1: nothing is mixed that could be sorted.
    assert "sort" not in steps_of(report_of(model=model_report({"A": [1.0], "B": [0.95]})), host)


def test_the_result_names_three_parts_and_counts_the_others():
    text = result_text(report_of(model=model_report({"A": [0.5], "B": [0.4], "C": [0.3], "D": [0.2]})))
    assert text == (
        "4 of 4 parts of the model are less than fully occupied: D 0.20 (0.10-0.30); C 0.30 (0.20-0.40); "
        "B 0.40 (0.30-0.50); and 1 more"
    )


@pytest.mark.parametrize(("host", "place"), [("relion", "in Phenix"), ("scipion", "(in the run's extra folder)")])
def test_the_files_for_the_refinement_of_occupancies_are_named(host, place):
    model = model_report({"A": [1.0], "B": [0.7]})
    assert "to refine the occupancies" not in steps_of(report_of(model=model), host)
    model["outputs"] += [MODEL_REFMAC, MODEL_PHENIX]
    step = next_steps(report_of(model=model), host, "External/job004/")[-1]
    assert step.startswith(f"to refine the occupancies: External/job004/{MODEL_REFMAC} in servalcat or Refmac, ")
    assert f"External/job004/{MODEL_PHENIX} in Phenix" in step and step.endswith(place)


def test_whole_parts_leave_no_occupancies_to_refine():
    model = model_report({"A": [1.0, 0.997], "B": [0.996, None]})
    model["outputs"] += [MODEL_REFMAC, MODEL_PHENIX]
    assert "to refine the occupancies" not in steps_of(report_of(2, model=model))
    model["parts"][1]["occupancies"][0]["occupancy"] = 0.99
    assert "to refine the occupancies" in steps_of(report_of(2, model=model))


def test_the_parts_that_differ_between_classes_are_the_result():
    difference = {"part": "B", "difference": 0.6, "low": 0.4, "high": 0.8, "lowest": "class 1", "highest": "class 2"}
    model = model_report({"A": [1.0, 1.0], "B": [0.2, 0.8]}, differences=[difference])
    assert result_text(report_of(2, model=model)) == (
        "1 of 2 parts of the model differs between the maps: B is 0.80 occupied in class 2 and 0.20 in class 1"
    )
    assert "no part of the model differs" in result_text(report_of(2, model=model_report({"A": [1.0, 1.0]})))


def difference(part, lowest, highest):
    return {"part": part, "difference": 0.6, "low": 0.4, "high": 0.8, "lowest": lowest, "highest": highest}


def test_particles_are_sorted_by_the_part_that_is_mixed_in_the_classes_not_by_the_most_different():
    differences = [difference("H", "class 1", "class 2"), difference("M", "class 1", "class 2")]
    model = model_report({"A": [1.0, 1.0], "H": [0.13, 0.97], "M": [0.38, 0.42]}, differences=differences)
    steps = steps_of(report_of(2, model=model))
    assert "sort the particles by M" in steps and " H" not in steps


def test_the_mixing_of_a_part_counts_by_the_particles_of_the_classes():
    model = model_report({"A": [1.0, 1.0], "B": [0.5, 1.0], "C": [1.0, 0.35]})
    assert "sort the particles by B" in steps_of(report_of(2, model=model))
    for key, weights in (("particles", [200, 800]), ("share", [0.2, 0.8])):
        maps = [{**item, key: weight} for item, weight in zip(model["maps"], weights)]
        assert "sort the particles by C" in steps_of(report_of(2, model={**model, "maps": maps}))


@pytest.mark.parametrize(
    ("host", "select"),
    [
        ("relion", "Subset selection of class 2 of the classification"),
        ("scipion", "a subset of the particles of class 2 "),
    ],
)
def test_the_class_that_has_a_sorted_part_is_refined(host, select):
    model = model_report({"A": [1.0, 1.0], "H": [0.13, 0.97]}, differences=[difference("H", "class 1", "class 2")])
    steps = steps_of(report_of(2, model=model), host)
    assert f"to refine the particles that have H: {select}" in steps and "3D auto-refine" in steps
    assert "to sort" not in steps
    model = model_report({"A": [1.0] * 3, "H": [0.13, 0.9, 0.97]}, differences=[difference("H", "class 1", "class 3")])
    assert select.replace("class 2", "class 2 and class 3") in steps_of(report_of(3, model=model), host)


@pytest.mark.parametrize(
    ("host", "back"),
    [
        ("relion", "'OR revert to original particles?' Yes"),
        ("scipion", "the protocol subset with the particles from before"),
    ],
)
@pytest.mark.parametrize("occupancies", [[0.1, 0.9], [0.3, 0.6]])
def test_after_a_focused_classification_the_way_leads_back_to_the_original_particles(host, back, occupancies):
    differences = [difference("B", "class 1", "class 2")]
    model = model_report({"A": [1.0, 1.0], "B": occupancies}, differences=differences)
    comparison = {**comparison_report([region_report(1, occupancies)]), "focused": True}
    for report, what in [(report_of(2, comparison=comparison), "region 1"), (report_of(2, model, comparison), "B")]:
        steps = steps_of(report, host)
        assert f"to refine the particles that have {what}: " in steps and "of class 2 " in steps
        assert steps.index("of class 2 ") < steps.index(back) < steps.index("3D auto-refine")
        assert "Subtract job" not in steps and "subtract projection" not in steps
    assert "revert" not in steps_of(report_of(2, comparison=comparison_report([region_report(1, occupancies)])), host)


@pytest.mark.parametrize("host", ["relion", "scipion"])
@pytest.mark.parametrize("of_all", [0.78, None])
def test_a_focused_classification_gives_relative_numbers_and_how_to_check_them(host, of_all):
    """The class that counts as 1 may be mixed: in a simulation, 0.62 of its particles had the part."""
    comparison = {**comparison_report([region_report(1, [0.1, 1.0], of_all=of_all)]), "focused": True}
    comparison["regions"][0]["particles"] = {"with": {"name": "region001_with.star"}}
    report = report_of(2, comparison=comparison)
    relative = "; occupancies are relative to class 2, which counts as 1 and may be mixed itself"
    assert result_text(report).endswith(relative)
    _, check, refine = next_steps(report, host)
    assert check.startswith("to check if class 2 is mixed: ") and "before this sorting" in check
    assert ("divide it by 0.78" in check) == (of_all is not None)
    assert refine.startswith("to refine the particles that have region 1: region001_with.star, then ")
    assert refine.endswith("then 3D auto-refine; check first: class 2 may hold particles without it")
    comparison["focused"] = False
    assert relative not in result_text(report) and "to check" not in steps_of(report, host)


@pytest.mark.parametrize("host", ["relion", "scipion"])
@pytest.mark.parametrize("focused", [False, True])
def test_subtomograms_are_called_so(host, focused):
    """Protocols for single particles do not take them."""
    regions = [region_report(1, [0.1, 0.9]), region_report(2, [0.4, 0.7])]
    weighted = [weighted_run_text("occupy_loop.star", [3])]
    model = model_report({"A": [1.0, 1.0], "B": [0.5, 1.0]})
    for report in (
        report_of(2, comparison={**comparison_report(regions), "focused": focused}, warnings=weighted),
        report_of(2, model=model),
        report_of(kinds=("attenuated", "subtraction_mask_attenuated")),
    ):
        assert "particles" in steps_of(report, host)
        report["job"]["averages_of"] = "subtomograms"
        text = steps_of(report, host).replace("particles.star", "")
        assert "particles" not in text and "ubtract" not in text
        assert "subtomograms" in text or not (report["model"] or report["comparison"])


def test_two_sure_regions_are_both_in_the_result_and_the_mixed_one_is_sorted_by():
    regions = [region_report(1, [0.1, 0.9]), region_report(2, [0.4, 0.7])]
    report = report_of(2, comparison=comparison_report(regions))
    text, steps = result_text(report), steps_of(report)
    assert "2 regions: region 1 (" in text and "; region 2 (54,250 Å^3) is 0.70 (" in text
    assert "to sort the particles by region 2: a Subtract job with External/job004/region002_mask.mrc" in steps
    assert "'Do center subtracted images on mask?' No, on the classification, then Class3D of" in steps
    in_scipion = steps_of(report, "scipion")
    assert (
        "with regionMask2 as mask of the signal to keep and 'Do center subtracted images on mask?' No, " in in_scipion
    )
    assert "to refine the particles that have region 1: Subset selection of class 2 " in steps
    assert "sort the particles by region 1" not in steps


@pytest.mark.parametrize(
    ("host", "mask"), [("relion", "External/job004/region001_mask.mrc"), ("scipion", "regionMask1")]
)
@pytest.mark.parametrize(
    ("occupancies", "mixed"),
    [((0.21, 1.0), True), ((0.2, 1.0), False), ((0.0, 0.8), False), ((0.0, 0.79), True), ((0.1, 0.9, 0.5), True)],
)
@pytest.mark.parametrize("focused", [False, True])
def test_classes_that_the_log_calls_in_between_are_sorted_whatever_their_intervals(
    host, mask, occupancies, mixed, focused
):
    """A class at 0.21 (0.00-0.43) was in between in the log, and Next steps did not sort its particles."""
    region = region_report(1, occupancies)
    for item in region["occupancies"]:
        item.update(low=max(0.0, item["occupancy"] - 0.3), high=min(1.0, item["occupancy"] + 0.3))
    comparison = {**comparison_report([region], classes=len(occupancies)), "focused": focused}
    add_particle_groups(comparison, lambda side, number: f"region{number:03d}_{side}.star")
    steps = steps_of(report_of(len(occupancies), comparison=comparison), host)
    assert any("in between" in line for line in particle_lines(comparison)) == mixed
    assert ("to sort the particles by region 1" in steps) == mixed
    assert (f"to look for further differences: a focused classification with {mask} as" in steps) == (
        not mixed and not focused
    )
    assert ("classify them again within the mask of this classification" in steps) == (mixed and focused)


@pytest.mark.parametrize("host", ["relion", "scipion"])
@pytest.mark.parametrize("kind", ["particles", "subtomograms"])
@pytest.mark.parametrize("occupancies", [(0.4, 1.0), (0.0, 1.0)])
def test_where_a_class_is_in_another_pose_the_particles_are_first_refined_against_the_reference_class(
    host, kind, occupancies
):
    """The mask lies in the pose of the reference class, and does not fit particles in the angles of another one."""
    comparison = comparison_report([region_report(1, occupancies)])
    report = report_of(2, comparison=comparison)
    report["job"]["averages_of"] = kind
    reference = "the map of class 2" if host == "scipion" else "the map of class 2 (2.mrc)"
    steps = steps_of(report, host)
    if occupancies[0] and kind == "particles":
        assert f"with {reference} as " in steps.split("without alignment")[1]
        assert ("on the classification" in steps) == (host == "relion")
    assert "another pose" not in steps and "refined" not in steps
    comparison["maps"][0]["in_another_pose"] = True
    steps = steps_of(report, host)
    assert "class 1 is in another pose than the mask" in steps and "on the classification" not in steps
    if occupancies[0]:
        start = f"to sort the {kind} by region 1: 3D auto-refine of all {kind} with {reference} as reference ("
        then = {"relion": "a Subtract job", "scipion": "subtract projection of the refined particles"}[host]
        then = then if kind == "particles" else "a 3D classification of them without alignment"
        assert f"{start}class 1 is in another pose than the mask), then {then}" in steps
        assert ("on that refinement (its run_optimiser.star)" in steps) == (kind == "particles" and host == "relion")
    else:
        assert f"as Reference mask, of {kind} refined against {reference}: class 1 is in another pose" in steps


def test_the_steps_on_sure_regions_take_the_place_of_those_on_parts():
    """Both would sort or select the same particles twice."""
    model = model_report({"A": [1.0, 1.0], "B": [0.5, 1.0]})
    regions = [region_report(1, [0.5, 1.0], of_all=0.8)]
    both = steps_of(report_of(2, model=model, comparison=comparison_report(regions)))
    assert "sort the particles by region 1" in both and "sort the particles by B" not in both
    unsure = comparison_report([region_report(1, [0.5, 1.0], of_all=0.8, doubt=DOUBT)])
    assert "sort the particles by B" in steps_of(report_of(2, model=model, comparison=unsure))


@pytest.mark.parametrize(("host", "name"), [("relion", "External/job004/amplified.mrc"), ("scipion", "amplifiedMap")])
def test_modified_maps_and_subtraction_masks_are_named(host, name):
    steps = steps_of(report_of(kinds=("amplified", "attenuated", "subtraction_mask_attenuated")), host)
    assert f"to build weak parts into the map: take {name}; " in steps
    assert "what is fully occupied: open" in steps and "attenuated" in steps
    mask = "External/job004/subtraction_mask_attenuated.mrc" if host == "relion" else "subtractionMaskAttenuated"
    assert f"with {mask} as mask of the signal to keep and 'Do center subtracted images on mask?' No" in steps
    assert "class001_amplified.mrc" in steps_of(report_of(2, kinds=["amplified"]))
    assert "amplifiedMaps" in steps_of(report_of(2, kinds=["amplified"]), "scipion")


@pytest.mark.parametrize("preset", ["subtract", "only_whole"])
def test_a_map_without_its_weak_parts_is_not_to_be_built_into(preset):
    kinds = output_kinds(Settings.from_dict(preset_values(preset)))
    steps = steps_of(report_of(kinds=kinds))
    assert "to see what is fully occupied: open External/job004/attenuated.mrc" in steps
    assert "to build" not in steps and "do not build into it" in steps


@pytest.mark.parametrize(("host", "setting"), [("relion", "the parameter invert"), ("scipion", "Invert contrast")])
def test_the_result_of_an_inverted_map_is_not_to_be_trusted(three_parts, write_mrc, host, setting):
    warnings = process_map(read_map(write_mrc(-three_parts.volume, "negative.mrc", 3.0)), Settings()).warnings
    report = report_of(kinds=("amplified",))
    report["maps"][0]["warnings"] = list(warnings)
    assert result_text(report) == "not to be trusted: the contrast of the map looks inverted"
    steps = steps_of(report, host)
    assert f"the same job with {setting}, value yes" in steps and "to build" not in steps
    report["settings"]["invert"] = True
    assert f"the same job with {setting}, value no" in steps_of(report, host)
    several = report_of(maps=3)
    several["maps"][2]["warnings"] = list(warnings)
    assert result_text(several).startswith(
        "the contrast of class 3 looks inverted: its numbers are not to be trusted; the "
    )
    several["job"]["focus_mask"] = "mask.mrc"
    assert result_text(several).startswith("class 3: no density within the mask of the classification")


def test_reports_of_earlier_versions_have_no_outcome():
    assert outcome_blocks({}) == []
    assert outcome_blocks({"result": "found", "next_steps": ["look"]}) == [
        ("Result", ["found"]),
        ("Next steps", ["look"]),
    ]
