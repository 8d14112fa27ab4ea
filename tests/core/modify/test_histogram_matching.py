# SPDX-License-Identifier: GPL-3.0-or-later
import sys

import numpy as np
import pytest

from occupy_core.errors import SettingsError
from occupy_core.maps.reading import read_map
from occupy_core.modify import histogram_matching
from occupy_core.modify.histogram_matching import match_histogram
from occupy_core.process import process_map
from occupy_core.settings.settings import Settings


@pytest.fixture
def template():
    return np.random.default_rng(1).normal(3, 2, (30, 20, 10)).astype(np.float32)


def test_matched_map_has_the_histogram_of_the_template_and_keeps_the_order_of_values(template):
    volume = np.random.default_rng(2).gamma(2, size=(24, 24, 24)).astype(np.float32)
    result = match_histogram(volume, template)
    assert result.shape == volume.shape and result.dtype == np.float32
    assert (result.min(), result.max()) == pytest.approx((template.min(), template.max()), abs=0.2)
    assert np.all(np.diff(result.ravel()[np.argsort(volume.ravel())]) >= 0)
    quantiles = np.linspace(0.001, 0.999, 200)
    np.testing.assert_allclose(np.quantile(result, quantiles), np.quantile(template, quantiles), atol=0.05)


def test_map_matched_to_itself_changes_by_at_most_one_part_in_65535(template):
    span = template.max() - template.min()
    np.testing.assert_allclose(match_histogram(template, template), template, atol=span / 65535)


def test_histogram_matching_follows_the_grey_scale(template):
    volume = template[::-1] ** 2
    np.testing.assert_array_equal(
        match_histogram(volume * np.float32(1024), template * np.float32(1024)),
        match_histogram(volume, template) * np.float32(1024),
    )


def test_constant_map_can_be_matched(template):
    assert np.all(np.isfinite(match_histogram(np.zeros((4, 4, 4), dtype=np.float32), template)))


@pytest.mark.parametrize("box", [256, 48])
def test_modified_maps_have_the_histogram_of_the_input(phantom_file, box):
    source = read_map(phantom_file)
    plain, matched = (
        process_map(source, Settings(amplify=3.0, sigmoid=4.0, max_box=box, hist_match=match))
        for match in (False, True)
    )
    ranks = np.linspace(0.001, 0.999, 500)
    target = np.quantile(source.data, ranks)
    for name, values in matched.modified.items():
        assert values.shape == source.data.shape and values.dtype == np.float32
        np.testing.assert_allclose(np.quantile(values, ranks), target, atol=0.003 * np.ptp(source.data))
        assert np.abs(np.quantile(plain.modified[name], ranks) - target).max() > 0.03 * np.ptp(source.data), name
        assert source.data.min() <= values.min() and values.max() <= source.data.max()
    np.testing.assert_array_equal(plain.scale, matched.scale)


def test_missing_scikit_image_is_an_error_before_anything_is_computed(phantom_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    monkeypatch.setattr(histogram_matching.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match="^hist_match: needs scikit-image.*pip install scikit-image$"):
        process_map(read_map(phantom_file), Settings(amplify=3.0, hist_match=True, lowpass=0.001))


def test_maps_without_histogram_matching_need_no_scikit_image(phantom_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    process_map(read_map(phantom_file), Settings(amplify=3.0))
