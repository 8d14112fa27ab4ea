# SPDX-License-Identifier: GPL-3.0-or-later
"""The wizards of the forms, without a display: what they draw, and what they put on the form."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from pyworkflow.gui import dialog
from pyworkflow.viewer import DESKTOP_TKINTER

from demo.simulate import phantom
from occupy_core.fourier.low_pass import low_pass
from occupy_core.settings.job_spec import ClassInfo
from occupy_scipion.protocols import ProtOccupyCompareClasses, ProtOccupyModel
from occupy_scipion.wizards import (
    OccupyAmplifyWizard,
    OccupyAttenuateWizard,
    OccupyLowpassWizard,
    OccupySigmoidWizard,
    OccupyThresholdWizard,
    small_map,
    wizards,
)
from occupy_scipion.wizards.resolution import shell_correlation
from tests.figures import title_of
from tests.scipion.conftest import write_map


class Form:
    """Stands for Scipion's window with the form, as far as wizards use it."""

    def __init__(self, protocol):
        self.protocol, self.root, self.values = protocol, None, {}

    def setVar(self, name, value):
        self.values[name] = value


def images(preview):
    return [axes.images[0].get_array() for axes in preview.figure.axes if axes.images]


def test_scipion_finds_a_wizard_for_each_parameter(lab):
    found = {name: kind.__name__ for name, kind in lab.domain.findWizards(lab.local_scale(), DESKTOP_TKINTER).items()}
    assert found == {
        "lowpass": "OccupyLowpassWizard",
        "amplifyPower": "OccupyAmplifyWizard",
        "attenuatePower": "OccupyAttenuateWizard",
        "sigmoidPower": "OccupySigmoidWizard",
        "sigmoidPivot": "OccupySigmoidWizard",
        "solventThreshold": "OccupyThresholdWizard",
    }
    assert set(found) <= {name for name, _ in lab.local_scale().getDefinition().iterParams()}
    from occupy_scipion.protocols import ProtOccupyCompareClasses, ProtOccupyModel

    for kind in (ProtOccupyCompareClasses, ProtOccupyModel):
        assert list(lab.domain.findWizards(lab.project.newProtocol(kind), DESKTOP_TKINTER)) == ["lowpass"]


def test_lowpass_starts_at_the_default_and_filters_the_map(lab, a_map, three_parts):
    preview = OccupyLowpassWizard().preview(lab.local_scale(a_map))
    slider = preview.sliders["lowpass"]
    assert (slider.value, slider.low, slider.high) == (9.0, 6.0, 96.0)  # 3 voxels of 3 Å; 2 voxels; half of the box
    plain, fine = images(preview)
    assert np.array_equal(plain, three_parts.volume[three_parts.volume.shape[0] // 2])
    preview.move("lowpass", 20.0)
    for shown, cutoff in ((fine, 9.0), (images(preview)[1], 20.0)):
        filtered = low_pass(three_parts.volume, voxel_size=3.0, cutoff_angstrom=cutoff)
        np.testing.assert_allclose(shown, filtered[len(filtered) // 2], atol=1e-6)
    assert "20.0 Å" in preview.figure.axes[1].get_title()
    assert preview.values() == {"lowpass": 20.0}
    preview.move("lowpass", 1000.0)
    assert preview.values() == {"lowpass": 96.0}
    assert OccupyLowpassWizard().preview(lab.local_scale(a_map, lowpass=15.0)).values() == {"lowpass": 15.0}


def test_lowpass_names_the_value_that_each_protocol_takes_without_one(lab, a_map):
    model = OccupyLowpassWizard().preview(_on(lab, ProtOccupyModel, a_map))
    assert model.sliders["lowpass"].value == 7.5 and title_of(model.figure).endswith("Empty field: 7.5 Å.")
    compared = OccupyLowpassWizard().preview(_on(lab, ProtOccupyCompareClasses, a_map))
    expected = "Empty field: 9 Å, or coarser where the maps have no such detail."
    assert compared.sliders["lowpass"].value == 9.0 and title_of(compared.figure).endswith(expected)


def with_resolutions(monkeypatch, *resolutions):
    """Let RELION know classes of these resolutions, and the first one of 12 Å."""
    others = [SimpleNamespace(resolution=value, class_info=ClassInfo(2, 0.5, 5000, value)) for value in resolutions]

    def classes(sources):
        return [replace(sources[0], item_id=1, resolution=12.0), *others]

    monkeypatch.setattr(small_map, "with_class_numbers", classes)


@pytest.mark.parametrize(
    ("resolutions", "lowpass", "said"),
    [
        ((14.0, 22.94), 22.94, "Empty field: 22.9 Å, the coarsest resolution of the classes."),
        ((7.0, 8.0), 12.0, "Empty field: 12 Å, the coarsest resolution of the classes."),
        ((60.0,), 48.0, "Empty field: 48 Å, the coarsest in this box (the classes have a resolution of 60.0 Å)."),
        ((14.0, None), 9.0, "Empty field: 9 Å, or coarser where the maps have no such detail."),
    ],
)
def test_lowpass_of_classes_is_their_coarsest_resolution(lab, a_map, monkeypatch, resolutions, lowpass, said):
    with_resolutions(monkeypatch, *resolutions)
    protocol = _on(lab, ProtOccupyCompareClasses, a_map)
    preview = OccupyLowpassWizard().preview(protocol)
    assert title_of(preview.figure).split(" Finer than")[0].endswith(said)
    assert small_map.small_map(protocol).default_lowpass == pytest.approx(lowpass)


def _on(lab, kind, source):
    """Return a protocol with a map as its input, not run."""
    protocol = lab.project.newProtocol(kind)
    protocol.inputVolumes.set(source)
    protocol.inputVolumes.setExtended(next(name for name, _ in source.iterOutputAttributes()))
    return protocol


def test_lowpass_is_no_finer_than_the_resolution(lab, tmp_path):
    rng = np.random.default_rng(3)
    clean = phantom(noise=0.0).volume
    halves = [clean + 2.0 * clean.std() * rng.standard_normal(clean.shape) for _ in range(2)]
    names = [str(write_map(tmp_path / f"half{number}.mrc", half)) for number, half in enumerate(halves, start=1)]
    path = write_map(tmp_path / "whole.mrc", sum(halves) / 2)
    imported = lab.import_maps(path, setHalfMaps=True, half1map=names[0], half2map=names[1])
    preview = OccupyLowpassWizard().preview(lab.local_scale(imported))
    # The resolution by the definition: the first shell with a correlation below 0.143.
    correlation = shell_correlation(*halves)
    expected = 3.0 * max(clean.shape) / np.flatnonzero(correlation < 0.143)[0]
    assert expected > 9.0
    assert preview.sliders["lowpass"].value == pytest.approx(expected)
    preview.move("lowpass", 6.5)
    assert f"resolution {expected:.1f} Å" in title_of(preview.figure)
    assert "noise" in title_of(preview.figure)


def test_shell_correlation_of_equal_maps_is_1_and_of_noise_0():
    rng = np.random.default_rng(1)
    one, other = rng.standard_normal((2, 24, 30, 27))
    np.testing.assert_allclose(shell_correlation(one, 3 * one), 1)
    np.testing.assert_allclose(shell_correlation(one, -one), -1)
    assert abs(shell_correlation(one, other)[3:]).max() < 0.4
    assert len(shell_correlation(one, other)) == 15


@pytest.mark.parametrize(
    ("wizard", "names", "brighter"),
    [
        (OccupyAmplifyWizard, ["amplifyPower"], True),
        (OccupyAttenuateWizard, ["attenuatePower"], False),
        (OccupySigmoidWizard, ["sigmoidPower", "sigmoidPivot"], False),
    ],
)
def test_powers_show_the_histogram_and_the_modified_map(lab, a_map, wizard, names, brighter):
    form = {"doAmplify": True, "doAttenuate": True, "doSigmoid": True, "preset": 1, "sigmoidPivot": 0.7}
    preview = wizard().preview(lab.local_scale(a_map, **form))
    assert list(preview.values()) == names
    before, after = images(preview)
    # The weakest of the three parts, with an occupancy of 0.3.
    weak = (before > 0.1 * before.max()) & (before < 0.5 * before.max())
    assert (after[weak].mean() > before[weak].mean()) == brighter
    preview.move(names[0], 9.0)
    stronger = images(preview)[1]
    assert (stronger[weak].mean() > after[weak].mean()) == brighter
    heights = [bar.get_height() for bar in preview.figure.axes[0].patches]
    assert len(heights) == 50 and sum(heights) > 1000
    (curve, _, *_) = next(axes for axes in preview.figure.axes if axes.get_ylabel()).lines
    scale, modified = curve.get_data()
    assert (modified[40] > scale[40]) == brighter and modified[-1] == pytest.approx(1)
    assert preview.values()[names[0]] == 9.0


def test_pivot_moves_what_the_sigmoid_keeps(lab, a_map):
    preview = OccupySigmoidWizard().preview(lab.local_scale(a_map, doSigmoid=True))
    preview.move("sigmoidPivot", 0.6)
    (curve, *_) = next(axes for axes in preview.figure.axes if axes.get_ylabel()).lines
    scale, modified = curve.get_data()
    assert modified[120] == pytest.approx(0.6, abs=0.01) and scale[120] == pytest.approx(0.6)
    assert preview.values() == {"sigmoidPower": 4.0, "sigmoidPivot": 0.6}


def test_threshold_outlines_the_scale(lab, a_map):
    preview = OccupyThresholdWizard().preview(lab.local_scale(a_map, solventFromScale=True))
    assert preview.values() == {"solventThreshold": 0.15}

    def share():
        return float(title_of(preview.figure).split("line: ")[1].split("%")[0])

    low = share()
    preview.move("solventThreshold", 0.5)
    assert 0 < share() < low
    assert preview.values() == {"solventThreshold": 0.5}
    assert len(images(preview)) >= 2


@pytest.mark.parametrize("chooses", [True, False])
def test_ok_puts_the_values_on_the_form_and_cancel_does_not(lab, a_map, monkeypatch, chooses):
    def moved(preview, _title, _parent):
        preview.move("sigmoidPower", 6.26)
        return chooses

    monkeypatch.setattr(wizards, "choose", moved)
    form = Form(lab.local_scale(a_map, doSigmoid=True))
    OccupySigmoidWizard().show(form)
    assert form.values == ({"sigmoidPower": 6.3, "sigmoidPivot": 0.3} if chooses else {})


def test_wizard_says_what_is_missing(lab, a_map, monkeypatch):
    shown = []
    monkeypatch.setattr(dialog, "showError", lambda title, text, _parent: shown.append((title, text)))
    OccupyLowpassWizard().show(Form(lab.local_scale()))
    OccupyAmplifyWizard().show(Form(lab.local_scale(a_map, doAmplify=True, amplifyPower=0.5)))
    scale = SimpleNamespace(protocol=lab.local_scale((lab.run_local_scale(a_map), "scaleMap")), root=None)
    OccupyThresholdWizard().show(scale)
    assert shown[0] == ("Low-pass", "Choose the input first: the wizard shows it.")
    assert shown[1][1].startswith("Amplify: power: got 0.5")
    assert "is the local scale of" in shown[2][1]
