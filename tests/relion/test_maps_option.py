# SPDX-License-Identifier: GPL-3.0-or-later
"""The option --maps: several maps, wildcards, STAR files and text files."""

import json
import os
import shutil
from pathlib import Path

import pytest

from demo.relion_project import RelionProject
from relion_external.inputs import find_inputs
from relion_external.job import run
from relion_external.map_list import named_maps
from relion_external.option_values import OptionError
from relion_external.options import parse
from relion_files.star import StarError, read_star
from tests.core.ensembles.made_volumes import made_volumes, present_or_absent, write_volumes

COUNT = 12


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with twelve volumes, a STAR file and a text file that list them."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "vols").mkdir()
    write_volumes(folder / "vols", made_volumes(present_or_absent(COUNT, 3)))
    names = [f"vols/vol_{number:03d}.mrc" for number in range(1, COUNT + 1)]
    (folder / "vols.txt").write_text("# volumes of a series\n\n" + "\n".join(names) + "\n")
    (folder / "vols" / "beside.lst").write_text("vol_001.mrc\nvol_002.mrc\n")
    (folder / "vols.star").write_text("data_\n\nloop_\n_rlnReferenceImage #1\n" + "\n".join(names) + "\n")
    return folder


@pytest.fixture
def in_project(project, monkeypatch):
    monkeypatch.chdir(project)
    return project


def maps_of(*words):
    return find_inputs(parse(["--o", "out/", "--maps", *words])).maps


def test_words_wildcards_star_and_text_name_the_same_maps(in_project):
    words = sorted(os.path.join("vols", name) for name in os.listdir("vols") if name.endswith(".mrc"))
    expected = maps_of(*words)
    assert [item.path for item in expected] == words
    assert [item.prefix for item in expected][:2] == ["map001_", "map002_"]
    assert [item.class_info.number for item in expected] == list(range(1, COUNT + 1))
    assert not any(item.is_class for item in expected)
    for word in ("vols/*.mrc", "vols.txt", "vols.star"):
        assert [item.path for item in maps_of(word)] == words


def test_text_file_may_name_maps_relative_to_its_own_folder(in_project):
    assert [item.path for item in maps_of("vols/beside.lst")] == ["vols/vol_001.mrc", "vols/vol_002.mrc"]


def test_voxel_size_on_the_command_line_counts_for_all_maps(in_project):
    options = parse(["--o", "out/", "--maps", "vols/*.mrc", "--angpix", "2.5"])
    assert {item.voxel_size for item in find_inputs(options).maps} == {2.5}


def test_class_maps_beside_their_star_files_have_resolutions(in_project, tmp_path):
    for number in (1, 2):
        shutil.copy(f"vols/vol_{number:03d}.mrc", tmp_path / f"run_it025_class{number:03d}.mrc")
    rows = "run_it025_class001.mrc 0.6 12.5\nrun_it025_class002.mrc 0.4 20.0\n"
    labels = "_rlnReferenceImage\n_rlnClassDistribution\n_rlnEstimatedResolution\n"
    (tmp_path / "run_it025_model.star").write_text(f"data_model_classes\n\nloop_\n{labels}{rows}")
    maps = maps_of(str(tmp_path / "run_it025_class*.mrc"), "vols/vol_003.mrc")
    assert [item.class_info.resolution for item in maps] == [12.5, 20.0, None]
    assert [item.class_info.number for item in maps] == [1, 2, 3] and not any(item.is_class for item in maps)


def test_map_named_twice_is_refused(in_project):
    with pytest.raises(OptionError, match=r"names vols/vol_001.mrc twice, expected each map once"):
        maps_of("vols/*.mrc", "vols/vol_001.mrc")


def test_missing_map_of_a_text_file_is_refused(in_project, tmp_path):
    text = tmp_path / "list.txt"
    text.write_text("vols/vol_001.mrc\nvols/vol_999.mrc\n")
    with pytest.raises(OptionError, match=r"list.txt, name 2: vols/vol_999.mrc: no such file"):
        named_maps([str(text)], None)


def test_text_file_without_names_is_refused(tmp_path):
    text = tmp_path / "list.txt"
    text.write_text("# nothing\n")
    with pytest.raises(OptionError, match="names no map, expected the name of a map in each line"):
        named_maps([str(text)], None)


def test_star_file_with_a_missing_map_is_refused(in_project, tmp_path):
    star = tmp_path / "list.star"
    star.write_text("data_\n\nloop_\n_rlnReferenceImage #1\nvols/vol_001.mrc\nvols/gone.mrc\n")
    with pytest.raises(StarError, match=r"vols/gone.mrc"):
        named_maps([str(star)], None)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--maps"], "--maps: expected arguments, got none"),
        (["--maps", "gone.mrc"], "--maps: gone.mrc: no such file"),
        (["--maps", "vols"], "--maps: vols: found a folder"),
    ],
)
def test_wrong_words_end_the_job(in_project, tmp_path, capsys, words, expected):
    assert run(["--o", str(tmp_path / "out"), *words]) == 1
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize("word", ["vols", "vols/"])
def test_a_folder_of_maps_leads_to_the_pattern_that_names_them(in_project, tmp_path, capsys, word):
    assert run(["--o", str(tmp_path / "out"), "--maps", word]) == 1
    said = capsys.readouterr().err
    pattern = said.strip().split("for all of them give ")[1]
    assert pattern == "vols/*.mrc" and len(maps_of(pattern)) == COUNT


def test_a_folder_without_maps_has_no_pattern(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert run(["--o", str(tmp_path / "out"), "--maps", str(tmp_path / "empty")]) == 1
    assert "for all of them" not in capsys.readouterr().err


def test_other_inputs_are_not_used_beside_maps(in_project):
    options = parse(["--o", "out/", "--maps", "vols/*.mrc", "--in_3dref", "vols/vol_001.mrc", "--classes", "1,2"])
    assert len(find_inputs(options).maps) == COUNT
    assert any("--in_3dref is not used" in text for text in options.warnings)
    assert any("--classes" in text for text in options.warnings)


@pytest.mark.slow
def test_job_writes_tables_and_nodes_of_an_ensemble(in_project, tmp_path, capsys):
    folder = str(tmp_path / "External")
    assert run(["--o", folder, "--maps", "vols/*.mrc", "--figures", "no"]) == 0
    parts = read_star(os.path.join(folder, "occupancy_parts.star"))["occupancy_parts"]
    assert parts.columns["rlnReferenceImage"][0] == os.path.join(folder, "part001_mask.mrc")
    assert len(parts.columns["occupyPartNumber"]) == 3
    clusters = read_star(os.path.join(folder, "occupancy_maps.star"))["occupancy_clusters"]
    assert sum(map(int, clusters.columns["occupyVolumes"])) == COUNT
    nodes = read_star(os.path.join(folder, "RELION_OUTPUT_NODES.star"))["output_nodes"].columns
    types = dict(zip(nodes["rlnPipeLineNodeName"], nodes["rlnPipeLineNodeTypeLabel"]))
    assert types[os.path.join(folder, "part002_mask.mrc")] == "Mask3D.mrc"
    assert types[os.path.join(folder, "cluster001_mean.mrc")] == "DensityMap.mrc"
    assert not any("scale.mrc" in name for name in types)
    output = capsys.readouterr().out
    assert f"wrote {folder}/occupancy_volumes.csv" in output
    assert "3 parts come and go" in output


@pytest.mark.slow
def test_job_of_a_report_is_repeated(in_project, tmp_path):
    first, second = str(tmp_path / "one"), str(tmp_path / "two")
    assert run(["--o", first, "--maps", "vols.txt", "--figures", "no"]) == 0
    assert run(["--o", second, "--settings", os.path.join(first, "report.json")]) == 0
    one, two = (json.loads(Path(name, "report.json").read_text())["ensemble"] for name in (first, second))
    assert one == two


@pytest.mark.slow
@pytest.mark.parametrize("word", ["vols/*.mrc", "vols.star"])
def test_relion_runs_a_job_on_an_ensemble_and_its_masks_are_nodes(relion_path, project, tmp_path, monkeypatch, word):
    folder = tmp_path / "relion"
    folder.mkdir()
    for name in ("vols", "vols.star"):
        (folder / name).symlink_to(project / name)
    monkeypatch.chdir(folder)
    relion = RelionProject(folder)
    job = relion.add("External", fn_exe="relion_external_occupy", param1_label="maps", param1_value=word)
    assert relion.run(job) == "Succeeded", Path(job, "run.err").read_text()
    nodes = relion.nodes()
    assert nodes[f"{job}part001_mask.mrc"] == 7 and nodes[f"{job}cluster001_mean.mrc"] == 6
    assert nodes[f"{job}occupancy_parts.star"] == 90 and nodes[f"{job}logfile.pdf"] == 13
    assert Path(job, "occupancy_volumes.csv").read_text().count("\n") == COUNT + 1
    grown = relion.add("MaskCreate", fn_in=f"{job}part001_mask.mrc", inimask_threshold="0.5", lowpass_filter="-1")
    assert relion.run(grown) == "Succeeded", Path(grown, "run.err").read_text()
    assert [f"{job}part001_mask.mrc", grown] in relion.input_edges()
