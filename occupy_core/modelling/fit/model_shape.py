# SPDX-License-Identifier: GPL-3.0-or-later
"""Score how well a model fits a map at each shift, and compare with turned and mirrored copies of the model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Sequence, Tuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from occupy_core.arrays.types import Volume
from occupy_core.maps.grid import MapGrid
from occupy_core.modelling.atoms.atomic_model import AtomicModel
from occupy_core.modelling.fit.frame import positions_in_map, possible_frames
from occupy_core.modelling.fit.group_density import frequencies_of, group_density

# 1/Å: the frequencies that are compared, from the finest on, as far as the map has such detail. Ours.
_BANDS = ((1 / 25, 1 / 9), (1 / 40, 1 / 13), (1 / 80, 1 / 20))
# Euler angles, degrees, by which the model is turned: far from each other and from the symmetries of molecules.
_TURNS = ((37.0, 61.0, 83.0), (110.0, 47.0, 200.0), (255.0, 133.0, 18.0))
# The axes along which the mirror images are inverted.
_MIRRORED = ((0,), (1,), (2,), (0, 1, 2))
# Atoms: of larger models every second, third ... atom is taken, for speed.
_MAX_ATOMS = 30_000


@dataclass(frozen=True)
class ModelShape:
    """The density of a model on a coarse grid, with turned copies that show how well a wrong model fits by chance.

    Attributes
    ----------
    density : float32 array, 3D
        In the first of the possible frames.
    turned : tuple of float32 arrays, 3D
    steps : three float
        Spacing of the grid (z, y, x), Å.
    """

    density: Volume = field(repr=False)
    turned: Tuple[Volume, ...] = field(repr=False)
    steps: Tuple[float, ...]

    @classmethod
    def of(cls, model: AtomicModel, shape: Sequence[int], steps: Sequence[float], grid: MapGrid) -> ModelShape:
        """Compute the densities of a model on a coarse grid of a map."""
        positions = positions_in_map(model, possible_frames(grid)[0], grid)
        centre = (positions.min(axis=0) + positions.max(axis=0)) / 2
        turned = (
            _whole_density(model, (positions - centre) @ _rotation(angles) + centre, shape, steps) for angles in _TURNS
        )
        return cls(_whole_density(model, positions, shape, steps), tuple(turned), tuple(steps))

    def bands(self) -> List[Tuple[float, float]]:
        """Return the bands of frequencies (1/Å) that the grid can show."""
        return [band for band in _BANDS if band[0] < 1 / (2.2 * max(self.steps))]

    def compare(self, volume: Volume, band: Tuple[float, float]) -> Tuple[Volume, float, float]:
        """Return the scores of the model at all shifts, and the highest and lowest of the turned copies."""
        of_turned = [fit_scores(volume, other, self.steps, band) for other in self.turned]
        by_chance = max(float(item.max()) for item in of_turned), min(float(item.min()) for item in of_turned)
        return (fit_scores(volume, self.density, self.steps, band), *by_chance)

    def mirror_ratio(self, volume: Volume, band: Tuple[float, float], score: float) -> float:
        """Return a score relative to the highest of the mirror images of the model."""
        mirrored = (fit_scores(volume, np.flip(self.density, axes), self.steps, band).max() for axes in _MIRRORED)
        return score / max(map(float, mirrored))


def fit_scores(volume: Volume, density: Volume, steps: Sequence[float], band: Tuple[float, float]) -> Volume:
    """Return how well a density fits a map at each shift (float32 array, 3D, in standard deviations over all shifts).

    The score is the product of map and density, both with the same power at each frequency of the band (1/Å).
    """
    k = frequencies_of(volume.shape, steps)
    compared = (k > band[0]) & (k < min(band[1], 1 / (2.2 * max(steps))))
    spectra = [scipy.fft.rfftn(values) * compared for values in (volume, density)]
    for values in spectra:
        values /= _spectral_amplitude(values, k, steps)
    scores: Volume = scipy.fft.irfftn(spectra[0] * spectra[1].conj(), volume.shape).astype(np.float32)
    return scores / scores.std()


def _whole_density(
    model: AtomicModel, positions: NDArray[np.float64], shape: Sequence[int], steps: Sequence[float]
) -> Volume:
    """Return the density of all atoms in the box of a map; what leaves the box comes in at the other side."""
    every = slice(None, None, -(-len(positions) // _MAX_ATOMS))
    elements = model.elements[every]
    b_factors, finest = np.full(len(elements), _mean_b(model)), 2.2 * max(steps)
    density = group_density(positions[every], elements, b_factors, steps, finest)
    part = density.filtered(np.ones_like(density.frequencies()))
    whole = np.zeros(tuple(shape), np.float32)
    z, y, x = ((np.arange(size) + first) % side for size, first, side in zip(part.shape, density.first, shape))
    np.add.at(whole, np.ix_(z, y, x), part)
    return whole


def _rotation(degrees: Tuple[float, float, float]) -> NDArray[np.float64]:
    """Return the matrix of a rotation about z, then y, then z."""
    first, second, third = np.radians(degrees)

    def about(angle: float, axes: Tuple[int, int]) -> NDArray[np.float64]:
        matrix = np.eye(3)
        matrix[np.ix_(axes, axes)] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        return matrix

    return about(third, (0, 1)) @ about(second, (0, 2)) @ about(first, (0, 1))


def _mean_b(model: AtomicModel) -> float:
    return float(np.clip(np.median(model.b_factors), 0, 200))


def _spectral_amplitude(values: NDArray[np.complex64], k: NDArray[np.float32], steps: Sequence[float]) -> Volume:
    """Return the root mean square of a spectrum over shells of equal frequency, at each component."""
    step = 1 / (max(values.shape) * min(steps))
    index = (k / step).astype(np.intp)
    power = np.bincount(index.ravel(), (np.abs(values) ** 2).ravel()) / np.maximum(np.bincount(index.ravel()), 1)
    amplitude: Volume = np.sqrt(np.maximum(power, np.finfo(np.float32).tiny)).astype(np.float32)[index]
    return amplitude
