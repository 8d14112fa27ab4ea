# SPDX-License-Identifier: GPL-3.0-or-later
"""The noise of class maps inside the molecule, where classes of identical particles differ more than in solvent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, Sequence

import numpy as np

from occupy_core.arrays.types import Floats
from occupy_core.comparing.limits import EXCESS_MARGIN, MAX_VOXELS_OF_NOISE, MIN_RELATIVE_DENSITY, MIN_SAME_SHARE, TINY
from occupy_core.comparing.two_groups import Doubles, fit_constants

# Smallest noise of a class in solvent, relative to the largest noise of a pair: masked solvent has none.
_MIN_SHARE = 0.01

# Edge of a cube whose mean has as much noise as a map under a Gaussian of full width 1 at half maximum: the Gaussian
# weights white noise as an average over (2 sqrt(pi) / 2.3548)^3 of its full width cubed would.
EDGE_OF_WIDTH = 2 * math.sqrt(math.pi) / 2.35482


@dataclass(frozen=True)
class Noise:
    """Noise of class maps under one smoothing, on one grey scale.

    Attributes
    ----------
    of_classes : float64 array (map)
        Standard deviation of each map inside the molecule.
    of_pairs : float64 array (map, map)
        Standard deviation of the difference of two maps, inside the molecule; 0 on the diagonal.
    excess : float
        Noise of a difference inside the molecule relative to solvent, for the pair where it is least; 1 or more.
    """

    of_classes: Doubles
    of_pairs: Doubles
    excess: float


@dataclass(frozen=True)
class NoiseOfMeans:
    """Noise of the mean density of a region, by the region's volume.

    Attributes
    ----------
    by_width : dict of float to Noise
        Noise under a smoothing, by the full width of its Gaussian, Å.
    """

    by_width: Dict[float, Noise]

    def at_volume(self, volume: float) -> Noise:
        """Return the noise of means over so many Å^3, between those of the smoothings, which average as much."""
        widths = sorted(self.by_width)
        place = np.log(np.clip(volume ** (1 / 3) / EDGE_OF_WIDTH, widths[0], widths[-1]))

        def between(name: str) -> Doubles:
            values = np.log([np.maximum(getattr(self.by_width[width], name), TINY) for width in widths])
            upper = min(int(np.searchsorted(np.log(widths), place, side="right")), len(widths) - 1)
            low, high = np.log(widths[upper - 1]), np.log(widths[upper])
            part = float((place - low) / (high - low))
            return np.exp((1 - part) * values[upper - 1] + part * values[upper])

        return Noise(between("of_classes"), between("of_pairs"), float(between("excess")))


def averaged_volume(width: float) -> float:
    """Return the volume, Å^3, whose mean has as much noise as a map under a Gaussian of this full width, Å."""
    return (EDGE_OF_WIDTH * width) ** 3


def independent_places(molecule_volume: float, volume: float) -> float:
    """Return how many regions of a volume fit into the molecule, as far as their noise is independent; 1 or more.

    Both volumes in Å^3.
    """
    return max(1.0, molecule_volume / volume)


def noise_inside(densities: Floats, solvent_noises: Sequence[float]) -> Noise:
    """Measure the noise of maps inside the molecule; it is at least that of the solvent.

    Parameters
    ----------
    densities : float32 array (map, voxel)
        Two or more maps, in one pose and on one grey scale.
    solvent_noises : sequence of float
        Standard deviation of each map's noise in solvent; 0 where there is none.

    Notes
    -----
    `fit_constants` measures the noise of each pair, and true differences can only add to it. Two maps differ by noise
    alone if nearly all voxels do, about a mean near 0. The noise of a class comes from the map that it differs least
    from by noise alone. A class without such a map has as much more noise inside the molecule than in solvent as the
    pair of classes where that is least, as genomic control takes the noise of a study from what does not differ (Devlin
    & Roeder, Biometrics 55 (1999), 997). The two maps of a pair share its noise as their solvents do.
    """
    strongest = densities.max(axis=0)
    dense = np.flatnonzero(strongest > np.float32(MIN_RELATIVE_DENSITY * np.percentile(strongest, 95)))
    chosen = densities[:, dense[:: len(dense) // MAX_VOXELS_OF_NOISE + 1]]
    count = len(densities)
    pairs, is_noise = np.zeros((count, count)), np.zeros((count, count), dtype=bool)
    firsts, seconds = np.triu_indices(count, 1)
    for one, other, fit in zip(firsts, seconds, fit_constants(chosen[firsts] - chosen[seconds])):
        in_solvent = math.hypot(solvent_noises[one], solvent_noises[other])
        pairs[one, other] = pairs[other, one] = max(fit.sigma, in_solvent)
        centred = abs(float(fit.coefficients[0])) < fit.sigma
        is_noise[one, other] = is_noise[other, one] = fit.share > MIN_SAME_SHARE and centred
    solvent = np.maximum(solvent_noises, _MIN_SHARE * pairs.max())
    of_solvent = np.maximum(np.hypot.outer(solvent, solvent), TINY)
    others = ~np.eye(count, dtype=bool)
    excess = float((pairs / of_solvent)[others].min())
    excesses = np.where(is_noise, pairs / of_solvent, np.inf).min(axis=1)
    shared = solvent * np.where(np.isfinite(excesses), excesses, excess)
    alone = np.sqrt(np.maximum(pairs**2 - shared**2, shared[:, None] ** 2))
    of_classes: Doubles = np.where(is_noise.any(axis=1), np.where(is_noise, alone, np.inf).min(axis=1), shared)
    most = EXCESS_MARGIN * np.hypot.outer(of_classes, of_classes)
    of_pairs: Doubles = np.where(others, np.minimum(pairs, most), 0.0)
    return Noise(of_classes, of_pairs, excess)


def most_under_narrower(noise: float, width: float, narrower: float) -> float:
    """Return the largest noise that a map may have under a narrower smoothing, by its noise under a wider one.

    The noise of a reconstruction is white or coarser, so it falls with the width no faster than white noise does. What
    exceeds that by more than `EXCESS_MARGIN` is a true difference, which a narrow smoothing hides among the noise.

    Parameters
    ----------
    noise : float
        Standard deviation under the wider smoothing.
    width, narrower : float
        Full widths of the wider and the narrower smoothing, one unit.
    """
    return EXCESS_MARGIN * noise * math.sqrt(averaged_volume(width) / averaged_volume(narrower))
