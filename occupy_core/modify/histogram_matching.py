# SPDX-License-Identifier: GPL-3.0-or-later
"""Giving a map the grey values of another, by scikit-image, which nothing else needs."""

from __future__ import annotations

import importlib.util

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Volume
from occupy_core.errors import SettingsError

# Grey levels between the lowest and the highest value. Of whole numbers scikit-image counts how often each occurs;
# of others it sorts all voxels, which takes several times the memory.
_LEVELS = 65536


def require_scikit_image() -> None:
    """Do nothing where scikit-image is there.

    Raises
    ------
    SettingsError
        With the way to install it.
    """
    if importlib.util.find_spec("skimage") is None:
        raise SettingsError(
            "hist_match", "needs scikit-image, which is not installed here; install it with: pip install scikit-image"
        )


def match_histogram(volume: Volume, template: Volume) -> Volume:
    """A map whose values are changed, in their order, to have the histogram of a template.

    Parameters
    ----------
    volume, template : float32 arrays
        Neither needs to have the other's shape.

    Returns
    -------
    float32 array of the shape of `volume`, within the range of `template`, in steps of 1/65535 of it.

    Raises
    ------
    SettingsError
        If scikit-image is not installed.
    """
    require_scikit_image()
    from skimage.exposure import match_histograms

    low, high = template.min(), template.max()
    # It wants arrays of as many dimensions, not of one shape.
    levels = match_histograms(_levels(volume).ravel(), _levels(template).ravel())
    result = np.asarray(levels, dtype=np.float32).reshape(volume.shape)
    del levels
    result *= (high - low) / np.float32(_LEVELS - 1)
    result += low
    return np.clip(result, low, high, out=result)


def _levels(values: Volume) -> NDArray[np.uint16]:
    low, high = values.min(), values.max()
    result = np.empty(values.shape, dtype=np.uint16)
    if high == low:
        result[...] = 0
        return result
    for section, out in zip(values, result):
        out[...] = np.rint((section - low) / (high - low) * np.float32(_LEVELS - 1))
    return result
