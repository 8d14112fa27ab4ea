# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe an ensemble by few components: the singular value decomposition of the volumes where they vary."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Iterable, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Floats
from occupy_core.comparing.inner_noise import averaged_volume
from occupy_core.comparing.limits import DETECTION_WIDTHS, TINY
from occupy_core.ensembles.limits import EDGE_MARGIN, MAX_COMPONENTS, MAX_MATRIX
from occupy_core.ensembles.stored_volumes import StoredVolumes
from occupy_core.ensembles.variation import Variation

_ROUNDING = 1e-5  # of variances, relative to the largest


@dataclass(frozen=True)
class Components:
    """The components of an ensemble.

    Attributes
    ----------
    scores : float64 array (volume, component)
        Orthonormal columns, each with the mean 0.
    shares : float64 array (component)
        Share of the variance, within the parts that vary, that each component explains; 0..1.
    """

    scores: NDArray[np.float64]
    shares: NDArray[np.float64]

    def explained(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the components explain of values (item, volume), besides the mean of each item."""
        means = values.mean(axis=1, keepdims=True)
        return means + (values - means) @ self.scores @ self.scores.T


def find_components(volumes: StoredVolumes, variation: Variation) -> Components:
    """Decompose the volumes at the voxels where they vary.

    Parameters
    ----------
    volumes : StoredVolumes
    variation : Variation
        With at least one voxel.

    Notes
    -----
    Each volume is divided by its noise, so that noise has no direction. A component counts if its variance then exceeds
    the largest that noise makes (`_above_noise`); there are no more components than independent places where the
    volumes vary. Where the volumes do not fit into 64 MB at all voxels
    that vary, every second, third ... voxel is taken: neighbours say the same under this smoothing.
    """
    chosen = np.flatnonzero(variation.varying)
    stride = max(1, math.ceil(len(volumes) * len(chosen) / MAX_MATRIX))
    sampled = chosen[::stride]
    values = np.empty((len(volumes), len(sampled)), dtype=np.float32)
    for row, smooth in zip(values, volumes.narrowly_smoothed()):
        row[:] = smooth[sampled]
    values -= values.mean(axis=0)
    squares = (values @ values.T).astype(np.float64) / len(sampled)
    noises = variation.noise.by_width[DETECTION_WIDTHS[0]]
    noises = noises / math.sqrt(float((noises**2).mean()))
    variances, vectors = _principal(_in_units_of_noise(squares, noises))
    places = len(chosen) * volumes.spacing**3 / averaged_volume(DETECTION_WIDTHS[0])
    count = max(1, min(_above_noise(variances[: len(volumes) - 1]), int(places), MAX_COMPONENTS))
    directions = noises[:, None] * vectors[:, :count]
    space, _ = np.linalg.qr(directions - directions.mean(axis=0))
    explained, rotation = _principal(space.T @ squares @ space)
    return Components(space @ rotation, explained / float(np.trace(squares)))


def _in_units_of_noise(squares: NDArray[np.float64], noises: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the products (volume, volume) of volumes divided by their noise, without the mean weighted by noise.

    Volumes of different noise have larger components of noise than equal ones: the noisiest are components themselves.
    """
    weights = noises**-2 / float((noises**-2).sum())
    centred = np.eye(len(noises)) - weights
    result: NDArray[np.float64] = centred @ squares @ centred.T / np.outer(noises, noises)
    return result


def _principal(squares: NDArray[np.float64]) -> Tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the eigenvalues of a symmetric matrix from the largest on, and the eigenvectors in columns."""
    variances, vectors = np.linalg.eigh(squares)
    return variances[::-1], vectors[:, ::-1]


def _above_noise(variances: NDArray[np.float64]) -> int:
    """Return how many variances, sorted from the largest, are too large for noise.

    Notes
    -----
    Noise of variance s^2 has components of variances between s^2 (1 - sqrt(g))^2 and s^2 (1 + sqrt(g))^2, where g is
    the number of volumes relative to that of independent voxels (Marchenko & Pastur, Math. USSR Sb. 1 (1967), 457).
    Their mean is s^2, their mean square s^4 (1 + g): both are taken from the components that are left, because
    neighbouring voxels are not independent, and nothing else tells how many are. The last component that exceeds the
    edge of all smaller ones by a margin counts, and so do all larger ones; half of the components count at most.
    """
    # Fewer voxels than volumes leave variances of 0, but for rounding.
    rank = int((variances > _ROUNDING * variances[0]).sum())
    for count in range(rank // 2, 0, -1):
        rest = variances[count:]
        mean = float(rest.mean())
        ratio = max(float((rest**2).mean()) / max(mean**2, TINY) - 1, 0.0)
        if variances[count - 1] > (EDGE_MARGIN * (1 + math.sqrt(ratio))) ** 2 * mean:
            return count
    return 0


def loadings(densities: Iterable[Floats], components: Components) -> Floats:
    """Return how much of each component the density of each voxel holds.

    Parameters
    ----------
    densities : iterable of float32 array (voxel)
        Of each volume, under one smoothing.
    components : Components

    Returns
    -------
    float32 array (voxel, component)
        In the grey scale of the volumes: the density of volume k at a voxel is its mean plus the sum over the
        components of loading and score.
    """
    products = (values[:, None] * scores for scores, values in zip(components.scores.astype(np.float32), densities))
    result = next(products)
    for product in products:
        result += product
    return result
