# SPDX-License-Identifier: GPL-3.0-or-later
"""What solvent looks like in a map, and how confidently a value is more than solvent."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.fast_scipy import least_squares
from occupy_core.arrays.histograms import Bins, histograms
from occupy_core.arrays.slabs import cache_slabs, extremes, for_each
from occupy_core.arrays.types import Volume

BINS = 1000
# Added to the histogram, relative to the height of the fitted Gaussian, so that empty bins divide.
_REGULARISATION = 1e-4
CONFIDENT = 0.5  # confidence above which a voxel counts as more than solvent
_ADVICE = "Try a lower-resolution low-pass, or a solvent definition (another one, if one was given)"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SolventModel:
    """A Gaussian of the solvent's values in the low-passed map, and the confidence that follows from it.

    Attributes
    ----------
    mean, sigma : float
        In the map's grey scale.
    height : float
        Of the Gaussian, as a density (per unit of grey scale).
    values : float64 array, 1D
        Centres of the histogram's bins, rising.
    density : float64 array, 1D
        Histogram of the low-passed map over the box, as a density.
    confidence : float64 array, 1D
        0..1 at each of `values`, never falling with the value.
    limit : float
        The lowest value whose confidence exceeds 0.5; the map's highest when there is none.
    warnings : tuple of str
        Why the model may be wrong, and what to do.
    """

    mean: float
    sigma: float
    height: float
    values: Floats
    density: Floats
    confidence: Floats
    limit: float
    warnings: Tuple[str, ...] = ()

    def confidence_map(
        self, lowpassed: Volume, *, hedge: float = 1.0, threads: int = 1, out: Optional[Volume] = None
    ) -> Volume:
        """The confidence, 0..1, that each voxel of the low-passed map is more than solvent, to the power `hedge`; in
        `out` where given, which may be the low-passed map itself."""
        curve = self.confidence**hedge
        result = np.empty_like(lowpassed) if out is None else out
        slopes = np.diff(curve) / np.diff(self.values)
        first, last = self.values[0], self.values[-1]
        bins_a_unit = (BINS - 1) / (last - first)
        # Most of a map lies where the curve is 0; one bin is left for rounding.
        rising = np.flatnonzero(curve)
        lowest = self.values[max(int(rising[0]) - 2, 0)] if rising.size else math.inf

        def read(slab: slice) -> None:
            given, found = lowpassed[slab], result[slab]
            chosen = given >= np.float32(lowest)
            # `np.interp`, which does not know that the bins are of one width, and looks for each value's.
            values = np.clip(given[chosen], first, last, dtype=np.float64)
            bins = ((values - first) * bins_a_unit).astype(np.intp)
            np.minimum(bins, BINS - 2, out=bins)
            values -= self.values.take(bins)
            values *= slopes.take(bins)
            values += curve.take(bins)
            found[...] = 0
            found[chosen] = values

        for_each(cache_slabs(lowpassed.shape), read, threads=threads)
        return result


def fit_solvent(lowpassed: Volume, region: NDArray[np.bool_], *, threads: int = 1) -> SolventModel:
    """Fit the solvent model.

    Parameters
    ----------
    lowpassed : float32 array, 3D
        The low-passed map; not constant.
    region : bool array of the same shape
        The voxels to fit in: `solvent_region.solvent_region`.
    threads : int
        The result does not depend on it.

    Returns
    -------
    SolventModel
        When there is nothing to fit or the fit fails, one from the histogram's peak, with a warning.

    Notes
    -----
    Forsberg et al. 2023: one Gaussian, least squares, on a histogram of 1000 bins. The published program
    regularises the confidence by an absolute 0.01; here it is relative to the Gaussian's height, so that the
    confidence does not change when the map is multiplied by a constant.
    """
    low, high = extremes(lowpassed, threads=threads)
    span = high - low
    counts, solvent_counts = histograms(lowpassed, region, Bins(BINS, (low, high)), threads=threads)
    # In units of the histogram's range, so that the fit is the same whatever the grey scale.
    centres = (np.arange(BINS) + 0.5) / BINS
    density = counts * (BINS / counts.sum())
    notes = []
    if not solvent_counts.any():
        notes.append("no voxel to model the solvent from: it is flat everywhere; the confidence is unreliable")
        solvent_density = density
    else:
        solvent_density = solvent_counts * (BINS / solvent_counts.sum())
    (height, mean, sigma), fitted = _fit_gaussian(centres, solvent_density)
    if not fitted:
        notes.append(f"the solvent model does not fit; the confidence is unreliable. {_ADVICE}")
    gaussian = _gaussian(centres, height, mean, sigma)
    confidence = _confidence_curve(1 - gaussian / (density + _REGULARISATION * height))
    confident = np.nonzero(confidence > CONFIDENT)[0]
    limit = float(centres[confident[0]]) if confident.size else 1.0
    if not confident.size:
        notes.append(
            "the solvent model takes the whole map for solvent; the confidence is unreliable: is this a reconstruction "
            f"with solvent around it, and its density positive? {_ADVICE}"
        )
    elif limit > 0.5:
        notes.append(
            "the confidence limit lies above half of the map's range, so the solvent model is likely bad: is the "
            f"contrast inverted (density must be positive)? {_ADVICE}"
        )
    return SolventModel(
        mean=low + mean * span,
        sigma=sigma * span,
        height=height / span,
        values=low + centres * span,
        density=density / span,
        confidence=confidence,
        limit=low + limit * span,
        warnings=tuple(notes),
    )


def _gaussian(x: Floats, height: float, mean: float, sigma: float) -> Floats:
    return height * np.exp(-((x - mean) ** 2) / (2 * sigma**2))


def _fit_gaussian(centres: Floats, density: Floats) -> Tuple[Tuple[float, float, float], bool]:
    """Height, mean and sigma, and whether the fit converged to something within the histogram."""
    peak = int(density.argmax())
    wide = np.nonzero(density > density[peak] / math.e)[0]
    half_width = max((centres[wide[-1]] - centres[wide[0]]) / 2, 1 / BINS)
    start = (float(density[peak]), float(centres[peak]), float(half_width))
    # Not curve_fit: its covariance takes LAPACK, which never returns where OpenBLAS gets no memory.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a fit that does not converge is told by its outcome
        found, outcome = least_squares(lambda parameters: _gaussian(centres, *parameters) - density, start)
    height, mean, sigma = found[0], found[1], abs(float(found[2]))
    plausible = outcome in (1, 2, 3, 4) and height > 0 and 0 <= mean <= 1 and 0.1 / BINS < sigma < 1
    return ((float(height), float(mean), sigma), True) if plausible else (start, False)


def _confidence_curve(raw: Floats) -> Floats:
    """From the highest value down: never rising, ever steeper, and 0 once it has reached 0."""
    curve = np.zeros_like(raw)
    level, slope = 1.0, 0.0
    for index in range(len(raw) - 1, -1, -1):
        lower = min(float(raw[index]), level - slope)
        if lower <= 0:
            break
        slope, level = max(slope, level - lower), lower
        curve[index] = level
    return curve
