# SPDX-License-Identifier: GPL-3.0-or-later
"""The scipy functions that each map needs, called in scipy's compiled modules directly.

Importing the packages scipy.fft and scipy.optimize loads about a hundred other modules (special functions, sparse
matrices and others), which takes longer than the computation on a map of 64 voxels a side. A job on such a map takes
more processor time by way of the packages (scipy 1.10, medians of 30 and 12 alternate runs):

- transforms by scipy.fft: 19 % more without figures, 13 % more with figures;
- least squares by scipy.optimize.leastsq: 42 % more without figures, 14 % more with figures.

For the same reason connected parts are labelled without loading scipy.ndimage.

The results are equal to scipy's to the bit. If a scipy version has its compiled modules in another place, the packages
are imported instead. All other code uses scipy's public functions.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import Any, Callable, Optional, Sequence, Tuple

import numpy as np
import scipy
from numpy.typing import NDArray

_Reals = NDArray[np.float32]
_Waves = NDArray[np.complex64]
_Mask = NDArray[np.bool_]
_TOLERANCE = 1.49012e-8  # default of `scipy.optimize.leastsq`


def rfft(values: _Reals, *, axis: int) -> _Waves:
    """Compute `scipy.fft.rfft` along one axis."""
    found: _Waves = _fft.r2c(values, (axis,))
    return found


def fft(values: _Waves, *, axis: int, overwrite: bool = False) -> _Waves:
    """Compute `scipy.fft.fft` along one axis; with `overwrite`, in place."""
    found: _Waves = _fft.c2c(values, (axis,), True, 0, values if overwrite else None)
    return found


def ifft(values: _Waves, *, axis: int, overwrite: bool = False) -> _Waves:
    """Compute `scipy.fft.ifft` along one axis with norm "forward" (no factor 1/n); with `overwrite`, in place."""
    found: _Waves = _fft.c2c(values, (axis,), False, 0, values if overwrite else None)
    return found


def irfft(values: _Waves, length: int, *, axis: int, out: Optional[_Reals] = None) -> _Reals:
    """Compute `scipy.fft.irfft` along one axis with norm "forward" (no factor 1/n).

    Parameters
    ----------
    values : complex64 array
        Fourier components; the highest frequencies may be left out and count as 0.
    length : int
        Length of the result along the axis.
    axis : int
    out : float32 array, optional
        Array for the result.
    """
    shape = list(values.shape)
    shape[axis] = length // 2 + 1
    if values.shape[axis] < shape[axis]:
        whole = np.zeros(shape, dtype=values.dtype)
        np.moveaxis(whole, axis, 0)[: values.shape[axis]] = np.moveaxis(values, axis, 0)
        values = whole
    found: _Reals = _fft.c2r(values, (axis,), length, False, 0, out)
    return found


def least_squares(
    residuals: Callable[[NDArray[np.float64]], NDArray[np.float64]], start: Sequence[float]
) -> Tuple[NDArray[np.float64], int]:
    """Minimise a sum of squares as `scipy.optimize.leastsq` does.

    Parameters
    ----------
    residuals : callable
        Returns the residuals for an array of parameters.
    start : sequence of float
        Parameters to start from.

    Returns
    -------
    parameters : float64 array
    status : int
        1 to 4 if the fit converged.
    """
    try:
        lmdif = _compiled("optimize", "_minpack")._lmdif
    except (ImportError, AttributeError):
        from scipy.optimize import leastsq

        found, ending = leastsq(residuals, start)
        return found, int(ending)
    calls, step, factor = 200 * (len(start) + 1), np.finfo(np.float64).eps, 100
    first = np.array(start, dtype=np.float64)
    outcome = lmdif(residuals, first, (), 0, _TOLERANCE, _TOLERANCE, 0.0, calls, step, factor, None)
    return outcome[0], int(outcome[-1])


def label_parts(mask: _Mask) -> Tuple[NDArray[np.int32], int]:
    """Number the parts of a mask whose voxels share faces, as `scipy.ndimage.label` does.

    Parameters
    ----------
    mask : bool array, 3D

    Returns
    -------
    labels : int32 array, 3D
        0 outside the mask, from 1 for its parts.
    count : int
        Number of parts.
    """
    labels = np.empty(mask.shape, dtype=np.int32)
    neighbours = np.abs(np.indices((3, 3, 3)) - 1).sum(axis=0) <= 1
    try:
        return labels, int(_compiled("ndimage", "_ni_label")._label(mask, neighbours, labels))
    except (ImportError, AttributeError):
        from scipy.ndimage import label

        return labels, int(label(mask, output=labels))


class _PublicFft:
    """Functions of the compiled FFT module (r2c, c2c, c2r), implemented with the public package `scipy.fft`."""

    @staticmethod
    def r2c(values: Any, axes: Tuple[int]) -> Any:
        import scipy.fft

        return scipy.fft.rfft(values, axis=axes[0])

    @staticmethod
    def c2c(values: Any, axes: Tuple[int], forward: bool, _norm: int, out: Optional[Any]) -> Any:
        import scipy.fft

        if forward:
            return _placed(scipy.fft.fft(values, axis=axes[0]), out)
        return _placed(scipy.fft.ifft(values, axis=axes[0], norm="forward"), out)

    @staticmethod
    def c2r(values: Any, axes: Tuple[int], length: int, _forward: bool, _norm: int, out: Optional[Any]) -> Any:
        import scipy.fft

        return _placed(scipy.fft.irfft(values, length, axis=axes[0], norm="forward"), out)


def _placed(values: Any, out: Optional[Any]) -> Any:
    """Copy values into `out`, if it is not None, and return the array that holds them."""
    if out is None:
        return values
    out[...] = values
    return out


def _compiled(*names: str) -> Any:
    """Import a compiled module of scipy without its parent packages; raise ImportError if it does not exist."""
    full_name = ".".join(("scipy", *names))
    if full_name in sys.modules:
        return sys.modules[full_name]
    spec = PathFinder.find_spec(full_name, [os.path.join(path, *names[:-1]) for path in scipy.__path__])
    if spec is None or spec.loader is None:
        raise ImportError(full_name)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _transforms() -> Any:
    """Return scipy's compiled FFT module, or `_PublicFft` if no known one exists."""
    for names in (("fft", "_pocketfft", "pypocketfft"), ("fft", "_duccfft", "pyduccfft")):
        try:
            found = _compiled(*names)
        except ImportError:
            continue
        if all(hasattr(found, name) for name in ("r2c", "c2c", "c2r")):
            return found
    return _PublicFft


_fft = _transforms()
