# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from benchmarks.occupancy.bundles import write_bundles
from benchmarks.occupancy.fitted_model import write_fitted_model
from benchmarks.occupancy.simulate import Conditions, simulate
from occupy_core import MapError, ModelError, SettingsError, model_occupancy

TRUTH = {"A": 1.0, "B": 1.0, "C": 0.3, "D": 1.0, "E": 0.6, "F": 1.0, "G": 0.0}
CONDITIONS = Conditions(resolution=5.0, voxel_size=2.4, noise=0.1, seed=3, padding=20.0, in_ice=True)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    path = write_bundles(folder / "bundles.cif")
    return simulate(path, CONDITIONS, TRUTH).volume, write_fitted_model(path, CONDITIONS, folder / "fitted.cif")


def test_parts_of_an_array_have_occupancies_and_masks(bundles):
    volume, model = bundles
    before = volume.copy()
    found = model_occupancy(volume, model, voxel_size=2.4)
    np.testing.assert_array_equal(volume, before)
    assert {name: part.occupancy for name, part in found.parts.items()} == pytest.approx(TRUTH, abs=0.05)
    assert "best occupied parts" in found.one_means and found.correlations[0] > 0.7 and found.differences == ()
    mask = found.parts["C"].mask()
    assert mask.shape == volume.shape and mask.dtype == np.float32 and 0 <= mask.min() < mask.max() <= 1
    window = found.windows[0]
    assert window.chain == "A" and window.first == 1 and 0 <= window.occupancies[0].value <= 1


def test_files_and_groups_of_the_user(bundles, write_mrc, tmp_path):
    volume, model = bundles
    groups = tmp_path / "groups.txt"
    groups.write_text("# two parts\nfirst: //A,B\nthird: //C\n")
    found = model_occupancy(write_mrc(volume, voxel_size=2.4), str(model), groups=str(groups), whole=["first"])
    assert set(found.parts) == {"first", "third", "other"}
    assert found.parts["first"].occupancy == pytest.approx(1.0)
    assert "model_whole" in found.one_means


def test_several_maps_have_one_scale(bundles):
    volume, model = bundles
    found = model_occupancy([volume, 2 * volume], model, voxel_size=2.4)
    first, second = found.parts["C"].occupancies
    assert first.value == pytest.approx(second.value, abs=0.01) and found.names == ("array 1", "array 2")
    with pytest.raises(MapError, match="several maps"):
        _ = found.parts["C"].occupancy


def test_wrong_arguments_are_refused(bundles, tmp_path):
    volume, model = bundles
    with pytest.raises(SettingsError, match="model_window"):
        model_occupancy(volume, model, voxel_size=2.4, window=2)
    with pytest.raises(SettingsError, match="whole"):
        model_occupancy(volume, model, voxel_size=2.4, whole="A")
    with pytest.raises(ModelError, match="missing.cif"):
        model_occupancy(volume, tmp_path / "missing.cif", voxel_size=2.4)
    with pytest.raises(MapError, match="expected one or more"):
        model_occupancy([], model)


@pytest.mark.slow
def test_groups_may_be_a_path_or_a_dictionary(bundles, tmp_path):
    volume, model = bundles
    selections = {"first": "//A,B", "third": "//C"}
    found = model_occupancy(volume, model, voxel_size=2.4, groups=selections, whole={"first"})
    assert list(found.parts) == ["first", "third", "other"]
    path = tmp_path / "groups.txt"
    path.write_text("".join(f"{name}: {selection}\n" for name, selection in selections.items()))
    same = model_occupancy(volume, model, voxel_size=2.4, groups=path, whole=["first"])
    assert [part.occupancy for part in same.parts.values()] == [part.occupancy for part in found.parts.values()]
    assert found.parts["third"].occupancy == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        (
            {"groups": ["A"]},
            SettingsError,
            r"^groups: got \['A'\], expected 'chain', 'entity', the path of a text file",
        ),
        ({"groups": None}, SettingsError, "^groups: got None, expected 'chain'"),
        ({"groups": ""}, SettingsError, "^groups: got '', expected 'chain'"),
        ({"groups": {"head": 3}}, ModelError, "^groups: found 'head': 3, expected texts such as"),
        ({"groups": {"head": "/A:1-20"}}, ModelError, r"^groups\['head'\]: .*in gemmi's syntax it is '//A/1-20'"),
        ({"groups": {"head": "//X"}}, ModelError, r"^groups\['head'\]: '//X' selects no atom .*chains are A, B, C"),
        (
            {"whole": None},
            SettingsError,
            r"^whole: got None, expected a sequence of names of parts, such as",
        ),
        ({"whole": [1]}, SettingsError, "^whole: got .*1.*, expected a sequence of names"),
        ({"whole": ["X"]}, ModelError, "found 'X', expected names of parts: A, B, C, D, E, F, G"),
        ({"whole": ["A"], "groups": {"head": "//A"}}, ModelError, "found 'A', expected names of parts: head, other"),
        ({"model": None}, ModelError, "^model: got NoneType, expected the path of a PDB or mmCIF file"),
    ],
)
def test_wrong_groups_and_names_of_parts_are_told_apart(bundles, keywords, error, message):
    volume, model = bundles
    with pytest.raises(error, match=message):
        model_occupancy(volume, **{"model": model, "voxel_size": 2.4, **keywords})


@pytest.mark.slow
def test_inverted_maps_are_read_with_invert(bundles):
    volume, model = bundles
    found = model_occupancy(-volume, model, voxel_size=2.4, invert=True)
    expected = model_occupancy(volume, model, voxel_size=2.4)
    assert {name: part.occupancies for name, part in found.parts.items()} == {
        name: part.occupancies for name, part in expected.parts.items()
    }
    with pytest.raises(ModelError, match="inverted: change the setting invert"):
        model_occupancy(-volume, model, voxel_size=2.4)
