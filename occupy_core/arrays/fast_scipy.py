# SPDX-License-Identifier: GPL-3.0-or-later
"""The few functions of scipy that every map takes, from its compiled modules themselves where they are found.

The packages scipy.fft and scipy.optimize load a hundred modules more (special functions, sparse matrices and others),
which takes longer than all that is done to a map of 64 voxels a side. Results are scipy's to the bit; where a version
of scipy has its compiled modules elsewhere, the packages are loaded.
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
_TOLERANCE = 1.49012e-8  # `scipy.optimize.leastsq`'s own


def rfft(values: _Reals, *, axis: int) -> _Waves:
    """`scipy.fft.rfft`."""
    found: _Waves = _fft.r2c(values, (axis,))
    return found


def fft(values: _Waves, *, axis: int, overwrite: bool = False) -> _Waves:
    """`scipy.fft.fft`; overwriting, the result is the array that was given."""
    found: _Waves = _fft.c2c(values, (axis,), True, 0, values if overwrite else None)
    return found


def ifft(values: _Waves, *, axis: int, overwrite: bool = False) -> _Waves:
    """`scipy.fft.ifft` with norm "forward": without a factor; overwriting as `fft`."""
    found: _Waves = _fft.c2c(values, (axis,), False, 0, values if overwrite else None)
    return found


def irfft(values: _Waves, length: int, *, axis: int, out: Optional[_Reals] = None) -> _Reals:
    """`scipy.fft.irfft` with norm "forward": without a factor; waves that are left out at the end are 0."""
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
    """`scipy.optimize.leastsq`: the parameters that it ends with, and how it ended (1 to 4: converged)."""
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


class _PublicFft:
    """What a compiled module has, by way of the package."""

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
    if out is None:
        return values
    out[...] = values
    return out


def _compiled(*names: str) -> Any:
    """A compiled module of scipy, without the packages that it is in; ImportError where there is none."""
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
    for names in (("fft", "_pocketfft", "pypocketfft"), ("fft", "_duccfft", "pyduccfft")):
        try:
            found = _compiled(*names)
        except ImportError:
            continue
        if all(hasattr(found, name) for name in ("r2c", "c2c", "c2r")):
            return found
    return _PublicFft


_fft = _transforms()
