# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of fitting a map with groups of atoms, and the weights that fits of smaller parts use again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.rigid_motion import RigidMotion
from occupy_core.arrays.types import Volume
from occupy_core.modelling.fit.frequency_shells import falloff, interpolated, taper
from occupy_core.modelling.fit.group_density import Frequencies, GroupDensity


@dataclass(frozen=True)
class GroupFit:
    """Result of a fit.

    Attributes
    ----------
    occupancies : float array (groups)
        In units in which only ratios have a meaning; all 0 if the map has no density like that of the model.
    covariance : float array (groups, groups)
        Covariance of the occupancies from the noise where atoms are, in these units squared.
    b_factors : float array (groups)
        Å^2, from that which most groups have in common.
    correlation : float
        Correlation of the fitted model with the map near the model, from 30 to 10 Å or the finest detail fitted.
    unmodelled : float
        Volume of the density beside the model, up to 60 Å from it, that the model does not explain, relative to the
        volume of the model.
    signal : float
        Signal-to-noise ratio of the model as a whole: the root of the chi-square of all occupancies being 0.
    has_converged : bool
        Whether the motion was found.
    motion : RigidMotion
        By which the map was moved to where the model fits best.
    displacement : float
        Root mean square displacement of the model's voxels by this motion, Å.
    residual : float32 array, 3D
        The moved map less the fitted model, divided by noise(k).
    weights : Weights
        For fits of parts of groups.
    """

    occupancies: NDArray[np.float64]
    covariance: NDArray[np.float64]
    b_factors: NDArray[np.float64]
    correlation: float
    unmodelled: float
    signal: float
    has_converged: bool
    motion: RigidMotion = field(repr=False)
    displacement: float
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

    def columns(self, density: GroupDensity, b_factor: float) -> Tuple[Volume, Volume]:
        """Return `column`, blurred by a B-factor (Å^2), and its change with the B-factor (per Å^2)."""
        k = density.frequencies()
        factor = self._at(k) * falloff(k, b_factor)
        return density.filtered(factor), density.filtered(-factor * k * k / 4)

    def _at(self, k: Frequencies) -> Frequencies:
        return taper(k, self.finest) * interpolated(self.factor, self.step, k)
