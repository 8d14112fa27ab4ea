# SPDX-License-Identifier: GPL-3.0-or-later
"""The solvent model: a Gaussian fitted to the solvent's map values, and the confidence that follows from the fit."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import List, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.fast_scipy import least_squares
from occupy_core.arrays.histograms import Bins, histograms
from occupy_core.arrays.slabs import cache_slabs, extremes, for_each
from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError

BINS = 1000  # number of bins in the histogram of the solvent model, as published
CONFIDENT = 0.5  # a voxel whose confidence is above this counts as more than solvent
# The confidence divides by the histogram, which is 0 in empty bins. This share of the Gaussian's height is added first.
_REGULARISATION = 1e-4
# What the low-pass leaves counts as rounding errors below this share of the map's contrast. Our choice.
_ROUNDING = 1e-6
LOWPASS_ADVICE = "Try a lower-resolution low-pass or a solvent definition (a different one, if one was set)"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SolventModel:
    """A Gaussian fitted to the solvent's values in the low-passed map, and the confidence that follows from the fit.

    Attributes
    ----------
    mean, sigma : float
        Mean and standard deviation of the Gaussian, in the map's grey scale.
    height : float
        Height of the Gaussian, as a density (share of the voxels per unit of grey scale).
    values : float64 array, 1D
        Centres of the histogram's bins, in the map's grey scale, rising.
    density : float64 array, 1D
        Histogram of the low-passed map over the complete box, as a density (as `height`).
    confidence : float64 array, 1D
        Confidence, 0..1, at each of `values`; never falls as the value rises.
    limit : float
        Confidence limit: the lowest value whose confidence exceeds 0.5, in the map's grey scale. The highest value of
        the map when no confidence exceeds 0.5.
    warnings : tuple of str
        Reasons why the model may be wrong, and the ways out.
    near_sigma : float, optional
        Spread of the solvent near the molecule, in the map's grey scale, which `confidence` and `limit` are made for;
        None if they follow from the Gaussian.
    """

    mean: float
    sigma: float
    height: float
    values: Floats
    density: Floats
    confidence: Floats
    limit: float
    warnings: Tuple[str, ...] = ()
    near_sigma: Optional[float] = None

    def widened(self, near_sigma: float) -> SolventModel:
        """Return the model with the confidence for solvent that spreads more widely, such as near the molecule.

        A value gets the confidence that the value as many standard deviations above the mean has now.

        Parameters
        ----------
        near_sigma : float
            Standard deviation of that solvent, in the map's grey scale, above `sigma`.
        """
        low, high = self.values[0], self.values[-1]
        centres = _bin_centres()
        narrow = self.mean + (self.values - self.mean) * (self.sigma / near_sigma)
        confidence = np.interp(narrow, self.values, self.confidence)
        _, outdated = _confidence_limit(centres, self.confidence)
        limit, limit_warnings = _confidence_limit(centres, confidence)
        span = (high - low) * BINS / (BINS - 1)
        return replace(
            self,
            confidence=confidence,
            limit=float(low + (limit - centres[0]) * span),
            warnings=(*(text for text in self.warnings if text not in outdated), *limit_warnings),
            near_sigma=near_sigma,
        )

    def confidence_map(
        self, lowpassed: Volume, *, hedge: float = 1.0, threads: int = 1, out: Optional[Volume] = None
    ) -> Volume:
        """Compute the confidence that each voxel is more than solvent.

        Parameters
        ----------
        lowpassed : float32 array, 3D
            The low-passed map.
        hedge : float
            Power, 1 or more, to which the confidence is raised.
        threads : int
            Number of threads; the result does not depend on it.
        out : float32 array of the shape of `lowpassed`, optional
            Array for the result; may be `lowpassed` itself.

        Returns
        -------
        float32 array of the shape of `lowpassed`, 0..1.
        """
        curve = self.confidence**hedge
        result = np.empty_like(lowpassed) if out is None else out
        slopes = np.diff(curve) / np.diff(self.values)
        first, last = self.values[0], self.values[-1]
        bins_per_unit = (BINS - 1) / (last - first)
        # Most voxels of a map have values where the curve is 0. One bin more is computed, against rounding.
        positive = np.flatnonzero(curve)
        lowest = self.values[max(int(positive[0]) - 2, 0)] if positive.size else math.inf

        def interpolate(slab: slice) -> None:
            slab_values, slab_result = lowpassed[slab], result[slab]
            chosen = slab_values >= np.float32(lowest)
            # As `np.interp`, but faster: all bins have one width, so the bin of a value need not be searched.
            values = np.clip(slab_values[chosen], first, last, dtype=np.float64)
            bins = ((values - first) * bins_per_unit).astype(np.intp)
            np.minimum(bins, BINS - 2, out=bins)
            values -= self.values.take(bins)
            values *= slopes.take(bins)
            values += curve.take(bins)
            slab_result[...] = 0
            slab_result[chosen] = values

        for_each(cache_slabs(lowpassed.shape), interpolate, threads=threads)
        return result


def fit_solvent(
    lowpassed: Volume, region: NDArray[np.bool_], *, contrast: float = 0.0, threads: int = 1
) -> SolventModel:
    """Fit the solvent model to a low-passed map.

    Parameters
    ----------
    lowpassed : float32 array, 3D
        The low-passed map.
    region : bool array of the shape of `lowpassed`
        The solvent region, from `occupy_core.solvent.region.solvent_region`.
    contrast : float
        Highest minus lowest value of the map before the low-pass.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    SolventModel
        When the region is empty, the Gaussian is fitted to all voxels; when the fit fails, it is estimated from the
        histogram's peak. Both add a warning.

    Raises
    ------
    MapError
        If the low-pass leaves nothing of the map but rounding errors.

    Notes
    -----
    Forsberg et al. 2023: one Gaussian, least squares, on a histogram of 1000 bins. The published program
    regularises the confidence by an absolute 0.01. Here the regularisation is relative to the Gaussian's height, so
    that the confidence does not change when the map is multiplied by a constant.
    """
    low, high = extremes(lowpassed, threads=threads)
    span = high - low
    if span <= _ROUNDING * contrast:
        raise MapError(
            "found nothing coarser than the low-pass, such as in a checkerboard, expected the density of a molecule; "
            "check that this is the right map, and its voxel size"
        )
    counts, solvent_counts = histograms(lowpassed, region, Bins(BINS, (low, high)), threads=threads)
    # The fit runs in units of the histogram's range, so that it does not depend on the map's grey scale.
    centres = _bin_centres()
    density = counts * (BINS / counts.sum())
    notes = []
    if not solvent_counts.any():
        notes.append(
            "found no solvent outside flat areas (constant voxels), so the solvent model was fitted to the complete "
            "map; the confidence is unreliable"
        )
        solvent_density = density
    else:
        solvent_density = solvent_counts * (BINS / solvent_counts.sum())
    (height, mean, sigma), fitted = _fit_gaussian(centres, solvent_density)
    if not fitted:
        notes.append(f"the fit of the solvent model failed; the confidence is unreliable. {LOWPASS_ADVICE}")
    gaussian = _gaussian(centres, height, mean, sigma)
    confidence = _confidence_curve(1 - gaussian / (density + _REGULARISATION * height))
    limit, limit_warnings = _confidence_limit(centres, confidence)
    return SolventModel(
        mean=low + mean * span,
        sigma=sigma * span,
        height=height / span,
        values=low + centres * span,
        density=density / span,
        confidence=confidence,
        limit=low + limit * span,
        warnings=(*notes, *limit_warnings),
    )


def _bin_centres() -> Floats:
    """Return the centres of the histogram's bins, 0..1 of its range."""
    centres: Floats = (np.arange(BINS) + 0.5) / BINS
    return centres


def _gaussian(x: Floats, height: float, mean: float, sigma: float) -> Floats:
    return height * np.exp(-((x - mean) ** 2) / (2 * sigma**2))


def _fit_gaussian(centres: Floats, density: Floats) -> Tuple[Tuple[float, float, float], bool]:
    """Fit a Gaussian to a histogram over 0..1; return (height, mean, sigma), and whether the fit is plausible.

    When the fit is not plausible, return the starting values: height and position of the highest bin, and the half
    width at 1/e of its height.
    """
    peak = int(density.argmax())
    wide = np.nonzero(density > density[peak] / math.e)[0]
    half_width = max((centres[wide[-1]] - centres[wide[0]]) / 2, 1 / BINS)
    start = (float(density[peak]), float(centres[peak]), float(half_width))
    # Not scipy's curve_fit: its covariance calls LAPACK, which never returns where OpenBLAS gets no memory.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # `outcome` says whether the fit converged
        parameters, outcome = least_squares(lambda trial: _gaussian(centres, *trial) - density, start)
    height, mean, sigma = parameters[0], parameters[1], abs(float(parameters[2]))
    plausible = outcome in (1, 2, 3, 4) and height > 0 and 0 <= mean <= 1 and 0.1 / BINS < sigma < 1
    return ((float(height), float(mean), sigma), True) if plausible else (start, False)


def _confidence_curve(raw: Floats) -> Floats:
    """Make a raw confidence curve monotonic.

    Going down from the highest value, each bin falls by at least as much as the bin before it. Once the confidence
    reaches 0, it stays 0.
    """
    curve = np.zeros_like(raw)
    level, slope = 1.0, 0.0
    for index in range(len(raw) - 1, -1, -1):
        lower = min(float(raw[index]), level - slope)
        if lower <= 0:
            break
        slope, level = max(slope, level - lower), lower
        curve[index] = level
    return curve


def _confidence_limit(centres: Floats, confidence: Floats) -> Tuple[float, List[str]]:
    """Return the lowest value whose confidence exceeds 0.5, in 0..1 of the map's range, and warnings about it."""
    confident = np.nonzero(confidence > CONFIDENT)[0]
    if not confident.size:
        return 1.0, [
            "the solvent model takes every voxel for solvent; the confidence is unreliable. Expected a reconstruction "
            f"of positive density with solvent around it. {LOWPASS_ADVICE}"
        ]
    limit = float(centres[confident[0]])
    if limit > 0.5:
        return limit, [
            "the confidence limit lies above half of the map's range, so the solvent model is likely wrong: is the "
            f"contrast inverted (density must be positive)? {LOWPASS_ADVICE}"
        ]
    return limit, []
