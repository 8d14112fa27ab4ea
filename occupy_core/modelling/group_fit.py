# SPDX-License-Identifier: GPL-3.0-or-later
"""Fit a map as a sum of the densities of groups of atoms, weighted by the noise of the map at each frequency.

    map = s(k) * sum of (occupancy of a group * its density) + constant + noise(k),

where s(k), the factor of each frequency, stands for all that filters a map (B-factors, the envelope of the microscope,
regularisation, sharpening), and noise(k) for all that the model does not explain. Both are smooth functions of the
frequency, found in turn with the occupancies. Each group may differ in its B-factor from the others. Map and densities
are divided by noise(k) and compared in real space near the model, so that other density does not count.

Ours, not in the published program.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Sequence, Tuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from occupy_core.arrays.slabs import for_each
from occupy_core.arrays.types import Volume
from occupy_core.modelling.frequency_shells import FrequencyShells, interpolated, taper
from occupy_core.modelling.group_density import Frequencies, GroupDensity, frequencies_of
from occupy_core.modelling.near_model import near_weights, unmodelled_density, without
from occupy_core.modelling.normal_equations import Place, dot, normal_equations

# Rounds of factor, noise and occupancies.
_ROUNDS = 4
# Å^2, standard deviation of the groups' B-factors about the mean. A larger one reads flexible groups better, and groups
# beside unmodelled density worse (docs/model.md). Ours.
_B_SPREAD = 12.0
# Smallest factor and noise, relative to the largest, for quotients.
_LEAST = 1e-4
# 1/Å: the fit is judged by the correlation between these frequencies, where shapes tell molecules apart. Ours.
JUDGED = (1 / 30, 1 / 10)


@dataclass(frozen=True)
class GroupFit:
    """Result of a fit.

    Attributes
    ----------
    occupancies : float array (groups)
        In units in which only ratios have a meaning; all 0 if the map has no density like that of the model.
    covariance : float array (groups, groups)
        Covariance of the occupancies from the noise, in these units squared.
    correlation : float
        Correlation of the fitted model with the map near the model, from 30 to 10 Å or the finest detail fitted.
    unmodelled : float
        Share of the voxels near the model (0..1) that hold density which the model does not explain.
    residual : float32 array, 3D
        The map less the fitted model, divided by noise(k).
    weights : Weights
        For fits of parts of groups.
    """

    occupancies: NDArray[np.float64]
    covariance: NDArray[np.float64]
    correlation: float
    unmodelled: float
    residual: Volume = field(repr=False)
    weights: Weights = field(repr=False)


@dataclass(frozen=True)
class Weights:
    """Filter and voxel weights by which the density of a group compares with the residual of a fit.

    Attributes
    ----------
    near : float32 array, 3D
        Weight of each voxel, 0..1.
    step : float
        1/Å between the entries of `factor`, which begins at frequency 0.
    factor : float array
        s(k) / noise(k).
    finest : float
        Finest detail that is fitted, Å.
    """

    near: Volume = field(repr=False)
    step: float
    factor: NDArray[np.float64] = field(repr=False)
    finest: float

    def column(self, density: GroupDensity) -> Volume:
        """Return the density of a group as it would stand in the residual."""
        return density.filtered(self._at(density.frequencies()))

    def columns(self, density: GroupDensity) -> Tuple[Volume, Volume]:
        """Return `column`, and its change with the group's B-factor (per Å^2)."""
        k = density.frequencies()
        factor = self._at(k)
        return density.filtered(factor), density.filtered(-factor * k * k / 4)

    def _at(self, k: Frequencies) -> Frequencies:
        return taper(k, self.finest) * interpolated(self.factor, self.step, k)


def fit_groups(volume: Volume, densities: Sequence[GroupDensity], *, finest: float, threads: int = 1) -> GroupFit:
    """Fit the occupancies of groups of atoms to a map.

    Parameters
    ----------
    volume : float32 array, 3D
        The map, on a grid of at most a third of `finest`.
    densities : sequence of GroupDensity
        On the grid of the map. No two may have the same shape and place.
    finest : float
        Finest detail to fit, Å.
    threads : int
        Does not change the result.
    """
    return _Fit(volume, densities, finest, threads).run()


class _Fit:
    """A fit on its way: what stays the same, and what each round changes."""

    def __init__(self, volume: Volume, densities: Sequence[GroupDensity], finest: float, threads: int) -> None:
        self.volume, self.densities, self.finest, self.threads = volume, densities, finest, threads
        self.k = frequencies_of(volume.shape, densities[0].steps)
        self.step = 1 / max(side * step for side, step in zip(volume.shape, densities[0].steps))
        self.taper = taper(self.k, finest)
        self.shells = FrequencyShells(self.k, self.step, 1 / finest, volume.shape[2])
        self.spectrum = self._transform(volume)
        plain = [item.filtered(taper(item.frequencies(), finest)) for item in densities]
        self.plain = plain
        self.all_near, self.distance = near_weights(plain, densities, volume.shape)
        self.near, self.unmodelled = self.all_near, 0.0

    def run(self) -> GroupFit:
        occupancies, background = np.ones(len(self.densities)), 0.0
        for number in range(_ROUNDS):
            model = self._transform(self._sum(self.plain, occupancies))
            observed = self._transform((self.volume - np.float32(background)) * self.near)
            factor = self._factor(observed, model)
            if factor.max() < np.finfo(float).tiny:
                return self._without_density(factor)
            explained = model * interpolated(factor, self.step, self.k)
            correlation = _correlation(observed * self.taper, explained, self.k, self.finest)
            rest = self._back(self.spectrum * self.taper - explained) - np.float32(background)
            if number > 0:
                self._exclude_unmodelled(rest, self._back(explained))
            noise = self._noise(rest)
            weighted = self._back(self.spectrum * self.taper / interpolated(noise, self.step, self.k))
            weights = Weights(self.near, self.step, factor / noise, self.finest)
            occupancies, covariance, constant, residual = self._occupancies(weighted, weights, occupancies)
            background = constant * noise[0]
        return GroupFit(occupancies, covariance, correlation, self.unmodelled, residual, weights)

    def _exclude_unmodelled(self, rest: Volume, explained: Volume) -> None:
        """Leave out the voxels beside the model that hold density of something else, such as a micelle."""
        steps = self.densities[0].steps
        excluded = unmodelled_density(rest, explained, self.distance, steps)
        self.near = without(self.all_near, excluded, steps)
        self.unmodelled = float(np.mean(excluded[self.all_near > 0.5]))

    def _without_density(self, factor: NDArray[np.float64]) -> GroupFit:
        """Return the fit of a map that has no density like that of the model at any frequency: each occupancy is 0."""
        count = len(self.densities)
        weights = Weights(self.near, self.step, factor, self.finest)
        return GroupFit(np.zeros(count), np.eye(count), 0.0, self.unmodelled, np.zeros_like(self.volume), weights)

    def _factor(self, observed: NDArray[np.complex64], model: NDArray[np.complex64]) -> NDArray[np.float64]:
        """Return s(k): the least-squares factor of each shell, smoothed; `model` has the taper, the map has not."""
        tapered = observed * self.taper
        product = self.shells.smoothed((tapered * model.conj()).real)
        power = self.shells.smoothed(np.abs(model) ** 2)
        factor = product / np.maximum(power, np.finfo(float).tiny)
        return np.maximum(factor, _LEAST * max(factor[: self.shells.last].max(), np.finfo(float).tiny))

    def _noise(self, rest: Volume) -> NDArray[np.float64]:
        """Return noise(k): the root of the power, in a voxel, of what the model does not explain near it."""
        power = self.shells.smoothed(np.abs(self._transform(rest * self.near)) ** 2)
        per_component = power / self.shells.smoothed(np.ones(self.k.shape, np.float32))
        volume = float(np.square(self.near, dtype=np.float64).sum())
        fading = np.maximum(taper(self.shells.centres, self.finest).astype(float), 0.02)
        noise = np.sqrt(np.maximum(per_component / volume, np.finfo(float).tiny)) / fading
        return np.maximum(noise, _LEAST * noise[: self.shells.last].max())

    def _occupancies(
        self, weighted: Volume, weights: Weights, before: NDArray[np.float64]
    ) -> Tuple[NDArray[np.float64], NDArray[np.float64], float, Volume]:
        """Solve for occupancies, changes of the B-factors and a constant; return all but the changes, and the residual.

        `before`: the occupancies of the round before, at which the changes of the B-factors are weighed.
        """
        columns: List[Volume] = [weighted] * (2 * len(self.densities))

        def filter_group(number: int) -> None:
            columns[number], columns[number + len(self.densities)] = weights.columns(self.densities[number])

        for_each(range(len(self.densities)), filter_group, threads=self.threads)
        places = [Place.of(item, weighted.shape) for item in self.densities] * 2
        matrix, vector, sums = normal_equations(columns, places, weighted, weights.near)
        total, of_map = float(weights.near.sum(dtype=np.float64)), dot(weighted, weights.near)
        matrix -= np.outer(sums, sums) / total  # eliminates the constant
        vector -= sums * of_map / total
        count = len(self.densities)
        least = 0.2 * max(before.max(), np.finfo(float).tiny)
        spread = _B_SPREAD * np.maximum(before, least)
        matrix[range(count, 2 * count), range(count, 2 * count)] += spread**-2
        covariance = np.linalg.inv(matrix)
        values = covariance @ vector
        constant = (of_map - float(sums @ values)) / total
        residual = weighted - np.float32(constant)
        for value, column, place in zip(values, columns, places):
            residual[place.of_map] -= np.float32(value) * column[place.of_box]
        return values[:count], covariance[:count, :count], constant, residual

    def _sum(self, parts: Sequence[Volume], occupancies: NDArray[np.float64]) -> Volume:
        total = np.zeros(self.volume.shape, np.float32)
        for part, density, occupancy in zip(parts, self.densities, np.maximum(occupancies, 0)):
            place = Place.of(density, total.shape)
            total[place.of_map] += np.float32(occupancy) * part[place.of_box]
        return total

    def _transform(self, values: Volume) -> NDArray[np.complex64]:
        return scipy.fft.rfftn(values, workers=self.threads)

    def _back(self, spectrum: NDArray[np.complex64]) -> Volume:
        volume: Volume = scipy.fft.irfftn(spectrum, self.volume.shape, workers=self.threads).astype(np.float32)
        return volume


def _correlation(
    observed: NDArray[np.complex64], explained: NDArray[np.complex64], k: Frequencies, finest: float
) -> float:
    judged = (k > JUDGED[0]) & (k < max(JUDGED[1], min(1 / finest, 1.5 * JUDGED[0])))
    one, other = observed[judged], explained[judged]
    norm = np.sqrt(float((np.abs(one) ** 2).sum()) * float((np.abs(other) ** 2).sum()))
    return float((one * other.conj()).real.sum()) / norm if norm > 0 else 0.0
