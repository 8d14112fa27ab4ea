# SPDX-License-Identifier: GPL-3.0-or-later
"""Histogram matching: give a map the grey values of another map. Only this module needs scikit-image."""

from __future__ import annotations

import importlib.util

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Volume
from occupy_core.errors import SettingsError

# Grey levels between the lowest and the highest value. For integers scikit-image counts how often each value occurs;
# for real numbers it sorts all voxels, which needs several times the memory.
_LEVELS = 65536


def require_scikit_image() -> None:
    """Check that scikit-image is installed.

    Raises
    ------
    SettingsError
        If it is not installed; the message says how to install it.
    """
    if importlib.util.find_spec("skimage") is None:
        raise SettingsError(
            "hist_match", "needs scikit-image, which is not installed here; install it with: pip install scikit-image"
        )


def match_histogram(volume: Volume, template: Volume) -> Volume:
    """Change the values of a map, in their order, so that it has the histogram of a template.

    Parameters
    ----------
    volume, template : float32 arrays
        The map and the template; their shapes may differ.

    Returns
    -------
    float32 array of the shape of `volume`, within the range of `template`, in steps of 1/65535 of that range.

    Raises
    ------
    SettingsError
        If scikit-image is not installed.
    """
    require_scikit_image()
    from skimage.exposure import match_histograms

    low, high = template.min(), template.max()
    # scikit-image accepts different shapes only for an equal number of dimensions, so both arrays are flattened.
    levels = match_histograms(_levels(volume).ravel(), _levels(template).ravel())
    result = np.asarray(levels, dtype=np.float32).reshape(volume.shape)
    del levels
    result *= (high - low) / np.float32(_LEVELS - 1)
    result += low
    return np.clip(result, low, high, out=result)


def _levels(values: Volume) -> NDArray[np.uint16]:
    """Round values to grey levels, 0 at the lowest value; 0 everywhere for a constant map."""
    low, high = values.min(), values.max()
    result = np.empty(values.shape, dtype=np.uint16)
    if high == low:
        result[...] = 0
        return result
    for section, levels in zip(values, result):
        levels[...] = np.rint((section - low) / (high - low) * np.float32(_LEVELS - 1))
    return result
