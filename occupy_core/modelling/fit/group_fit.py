# SPDX-License-Identifier: GPL-3.0-or-later
"""Fit a map as a sum of the densities of groups of atoms, weighted by the noise of the map at each frequency.

    map = s(k) * sum of (occupancy of a group * its density) + constant + noise(k),

where s(k), the factor of each frequency, stands for all that filters a map (B-factors, the envelope of the microscope,
regularisation, sharpening), and noise(k) for all that the model does not explain. Both are functions of the frequency,
found in turn with the occupancies. Errors of the particles' orientations blur a map more, the farther from the centre
of the box; this blur is fitted, and each group may differ in its B-factor from the others (`solve_groups`). Map and
densities are divided by noise(k) and compared in real space near the model, so that other density does not count. The
map is moved to where the model fits best: classes of one data set are often turned and shifted against one another.

Ours, not in the published program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Sequence, Tuple

import numpy as np
import scipy.fft
from scipy import ndimage

from occupy_core.arrays.rigid_motion import RigidMotion
from occupy_core.arrays.types import Volume
from occupy_core.fourier.transforms import Spectrum
from occupy_core.modelling.fit.common_changes import CommonChanges, blur_of_turns
from occupy_core.modelling.fit.fit_result import GroupFit, Weights
from occupy_core.modelling.fit.frequency_shells import Doubles, FrequencyShells, taper, tapered
from occupy_core.modelling.fit.group_density import GroupDensity
from occupy_core.modelling.fit.near_model import distance_from_atoms, near_weights, soft_border, unmodelled_density
from occupy_core.modelling.fit.normal_equations import Place, dot, normal_equations
from occupy_core.modelling.fit.solve_groups import solve_groups

# Rounds of factor, noise, occupancies and motion: at least, at most, and the root mean square displacement of the
# model, Å, below which the map is not moved any more. Ours.
_ROUNDS, _MOST_ROUNDS, _LAST_DISPLACEMENT = 4, 40, 0.1
_BESIDE = 12.0  # Å from the atoms
_POSITIONS = 5000  # of voxels on atoms, at which displacements are computed
# Steps by which s(k) is found. Ours: more do not change the benchmark.
_STEPS = 3
# Smallest factor and noise, relative to the largest, for quotients.
_LEAST = 1e-4
# 1/Å: the fit is judged by the correlation between these frequencies, where shapes tell molecules apart. Ours.
JUDGED = (1 / 30, 1 / 10)


def fit_groups(volume: Volume, densities: Sequence[GroupDensity], *, finest: float, threads: int = 1) -> GroupFit:
    """Fit the occupancies of groups of atoms to a map.

    Parameters
    ----------
    volume : float32 array, 3D
        The map, on a grid of at most 0.4 times `finest`.
    densities : sequence of GroupDensity
        On the grid of the map. No two may have the same shape and place.
    finest : float
        Finest detail to fit, Å.
    threads : int
        Does not change the result.
    """
    return _Fit(volume, densities, finest, threads).run()


@dataclass(frozen=True)
class _Solution:
    """Solution of one round of the fit.

    Attributes
    ----------
    values : float array (2 groups)
        Occupancies, then occupancies times the changes of the groups' B-factors from those of the round before, Å^2.
    covariance : float array (groups, groups)
        Of the occupancies.
    b_factors : float array (groups)
        Å^2, from that which most groups have in common.
    signal : float
        `GroupFit.signal`.
    constant : float
        Of the map divided by noise(k).
    motion : float array (6)
        Factors of `small_motions`.
    """

    values: Doubles
    covariance: Doubles
    b_factors: Doubles
    signal: float
    constant: float
    motion: Doubles


class _Fit:
    """A fit on its way: what stays the same, and what each round changes."""

    def __init__(self, volume: Volume, densities: Sequence[GroupDensity], finest: float, threads: int) -> None:
        self.volume, self.densities, self.finest, self.threads = volume, densities, finest, threads
        self.shape, self.steps = volume.shape, densities[0].steps
        self.shells = FrequencyShells(self.shape, self.steps, finest, threads)
        self.distance = distance_from_atoms(self._plain(np.zeros(len(densities))), densities, self.shape)
        self.near, self.unmodelled = near_weights(self.distance, self.steps, finest), 0.0
        on_atoms = np.flatnonzero(self.distance == 0)
        chosen = on_atoms[:: len(on_atoms) // _POSITIONS + 1]
        self.positions = np.column_stack(np.unravel_index(chosen, self.shape)) * np.array(self.steps)
        self.motion = RigidMotion.none(self.positions.mean(axis=0), self.steps)
        self.unmoved = volume

    def run(self) -> GroupFit:
        occupancies, background = np.ones(len(self.densities)), self._level_beside()
        b_factors = np.zeros(len(self.densities))
        for number in range(_MOST_ROUNDS):
            explained = self._transform(self._sum(occupancies, b_factors))
            observed = self._transform((self.volume - np.float32(background)) * self.near)
            factor, correlation = self._factor(observed, explained)
            del observed
            if factor.max() < np.finfo(float).tiny:
                return self._without_density(factor)
            self.shells.multiply(explained, factor)
            spectrum = self.shells.multiply(self._transform(self.volume), fades=True)
            rest = self._back(spectrum - explained)
            rest -= np.float32(background)
            if number > 0:
                spectrum -= self._transform(self._take_unmodelled_from(rest, self._back(explained)))
            noise = self._noise(rest)
            del rest
            weighted = self._back(self.shells.multiply(spectrum, 1 / noise))
            expected = self._back(self.shells.multiply(explained, 1 / noise))
            del spectrum
            by_square = self._back(self.shells.multiply(explained, -(self.shells.centres.astype(float) ** 2) / 4))
            del explained
            blur = blur_of_turns(by_square, expected, self.near, self.steps)
            weights = Weights(self.near, self.shells.step, factor / noise, self.finest)
            common = CommonChanges(expected, blur, self.motion)
            found = self._solve(weighted, weights, occupancies, b_factors, common)
            del common, expected, by_square, blur
            occupancies = found.values[: len(self.densities)]
            background = found.constant * noise[0]
            small = RigidMotion.none(self.motion.centre, self.steps).after(found.motion)
            has_moved = small.displacement(self.positions) > _LAST_DISPLACEMENT
            if number == _MOST_ROUNDS - 1 or number >= _ROUNDS - 1 and not has_moved:
                residual = self._take_fitted_from(weighted, weights, found, b_factors)
                break
            b_factors = found.b_factors
            if has_moved:
                self.motion = self.motion.after(found.motion)
                self.volume = self.motion.moved(
                    ndimage.spline_filter(self.unmoved, output=np.float32), is_prefiltered=True
                )
            del weighted
        return GroupFit(
            occupancies,
            found.covariance * self._inner_noise(residual),
            found.b_factors,
            correlation,
            self.unmodelled,
            found.signal,
            not has_moved,
            self.motion,
            self.motion.displacement(self.positions),
            residual,
            weights,
        )

    def _level_beside(self) -> float:
        """Return the median of the map beside the model: the first guess of the constant; 0 if there is no room."""
        beside = self.volume[self.distance > _BESIDE]
        return float(np.median(beside)) if len(beside) > _POSITIONS else 0.0

    def _take_unmodelled_from(self, rest: Volume, explained: Volume) -> Volume:
        """Take density of something else beside the model, such as a micelle, from the rest, and return it.

        Its voxels do not count in the fit. It must leave the map too: division by noise(k) spreads it over the model.
        """
        excluded = unmodelled_density(rest, explained, self.distance, self.steps)
        share = soft_border(excluded, self.steps)
        self.near = near_weights(self.distance, self.steps, self.finest) * (1 - share)
        self.unmodelled = np.count_nonzero(excluded) / np.count_nonzero(self.distance == 0)
        taken = rest * share
        rest -= taken
        return taken

    def _without_density(self, factor: Doubles) -> GroupFit:
        """Return the fit of a map that has no density like that of the model at any frequency: each occupancy is 0."""
        count = len(self.densities)
        weights, nothing = Weights(self.near, self.shells.step, factor, self.finest), np.zeros(self.shape, np.float32)
        still = RigidMotion.none(self.motion.centre, self.steps)
        zeros = np.zeros(count)
        return GroupFit(zeros, np.eye(count), zeros, 0.0, self.unmodelled, 0.0, True, still, 0.0, nothing, weights)

    def _factor(self, observed: Spectrum, explained: Spectrum) -> Tuple[Doubles, float]:
        """Return s(k), and the correlation of the map with the model times s(k), both near the model.

        The voxels near the model show each shell mixed with its neighbours. So s(k) is found in steps: the model is
        multiplied by it and cut out like the map, and s(k) by what then still differs between the two. After some steps
        it may change from shell to shell, as the regularisation of RELION does. `observed` is of the map near the
        model, without the taper.
        """
        self.shells.multiply(observed, fades=True)
        tiny = np.finfo(float).tiny
        factor = np.ones(self.shells.last + 1)
        for _ in range(_STEPS):
            model = self._transform(self._back(self.shells.multiply(explained.copy(), factor)) * self.near)
            product, power = self.shells.products(observed, model), self.shells.products(model, model)
            ratio = self.shells.smoothed(product) / np.maximum(self.shells.smoothed(power), tiny)
            factor = factor * ratio
            factor = np.maximum(factor, _LEAST * max(factor[: self.shells.last].max(), tiny))
            if factor.max() <= tiny:
                return factor, 0.0
        finest = max(JUDGED[1], min(1 / self.finest, 1.5 * JUDGED[0]))
        judged = self.shells.shares(JUDGED[0], finest)
        norm = float(judged @ (ratio**2 * power)) * float(judged @ self.shells.products(observed, observed))
        return factor, float(judged @ (ratio * product)) / np.sqrt(norm) if norm > 0 else 0.0

    def _noise(self, rest: Volume) -> Doubles:
        """Return noise(k): the root of the power, in a voxel, of what the model does not explain near it."""
        spectrum = self._transform(rest * self.near)
        power = self.shells.smoothed(self.shells.products(spectrum, spectrum))
        per_component = power / self.shells.smoothed(self.shells.components)
        volume = float(np.square(self.near, dtype=np.float64).sum())
        fading = np.maximum(taper(self.shells.centres, self.finest).astype(float), 0.02)
        noise = np.sqrt(np.maximum(per_component / volume, np.finfo(float).tiny)) / fading
        return np.maximum(noise, _LEAST * noise[: self.shells.last].max())

    def _inner_noise(self, residual: Volume) -> float:
        """Return the power of the residual where atoms are, relative to that near them; at least 1."""
        squares = np.square(residual)
        near = float(np.average(squares, weights=self.near))
        inner = self.near * (self.distance == 0)
        return max(float(np.average(squares, weights=inner)) / near, 1.0) if near > 0 and inner.any() else 1.0

    def _solve(
        self, weighted: Volume, weights: Weights, before: Doubles, b_factors: Doubles, common: CommonChanges
    ) -> _Solution:
        """Solve for occupancies, changes of the B-factors, a motion and a constant.

        Parameters
        ----------
        weighted : float32 array, 3D
            The map, divided by noise(k).
        weights : Weights
        before, b_factors : float arrays (groups)
            Occupancies and B-factors of the round before.
        common : CommonChanges
            Of the model as fitted in the round before, divided by noise(k).
        """
        count = len(self.densities)
        places = [Place.of(item, self.shape) for item in self.densities]
        equations = normal_equations(
            lambda number: weights.columns(self.densities[number], b_factors[number]),
            places,
            weighted,
            weights.near,
            common,
            threads=self.threads,
        )
        total, of_map = float(weights.near.sum(dtype=np.float64)), dot(weighted, weights.near)
        matrix = equations.matrix - np.outer(equations.sums, equations.sums) / total  # eliminates the constant
        vector = equations.vector - equations.sums * of_map / total
        least = 0.2 * max(before.max(), np.finfo(float).tiny)
        occupied = np.maximum(before, least)  # the equations have B-factors times occupancies
        matrix[-1, -1] += 1  # the expected blur is the unit of its column
        solved = solve_groups(matrix, vector, occupied, b_factors)
        values, of_groups = solved.values, solved.covariance[:count, :count]
        constant = (of_map - float(equations.sums @ values)) / total
        signal = float(np.sqrt(values[:count] @ np.linalg.solve(of_groups, values[:count])))
        return _Solution(
            values[: 2 * count], of_groups, solved.b_factors, signal, constant, motion=values[2 * count : -1]
        )

    def _take_fitted_from(self, weighted: Volume, weights: Weights, found: _Solution, b_factors: Doubles) -> Volume:
        """Take the fitted model and constant from the map divided by noise(k), in place, and return what remains."""
        weighted -= np.float32(found.constant)
        for density, b_factor, occupancy, change in zip(self.densities, b_factors, *np.split(found.values, 2)):
            place = Place.of(density, self.shape)
            of_density, of_b_factor = weights.columns(density, b_factor)
            weighted[place.of_map] -= np.float32(occupancy) * of_density[place.of_box]
            weighted[place.of_map] -= np.float32(change) * of_b_factor[place.of_box]
        return weighted

    def _plain(self, b_factors: Doubles) -> Iterator[Volume]:
        """Compute the density of each group, one after the other: all of them would need much memory."""
        return (tapered(density, self.finest, b_factor) for density, b_factor in zip(self.densities, b_factors))

    def _sum(self, occupancies: Doubles, b_factors: Doubles) -> Volume:
        total = np.zeros(self.shape, np.float32)
        for part, density, occupancy in zip(self._plain(b_factors), self.densities, np.maximum(occupancies, 0)):
            place = Place.of(density, self.shape)
            total[place.of_map] += np.float32(occupancy) * part[place.of_box]
        return total

    def _transform(self, values: Volume) -> Spectrum:
        return scipy.fft.rfftn(values, workers=self.threads)

    def _back(self, spectrum: Spectrum) -> Volume:
        volume: Volume = scipy.fft.irfftn(spectrum, self.shape, workers=self.threads).astype(np.float32, copy=False)
        return volume
