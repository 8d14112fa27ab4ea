# SPDX-License-Identifier: GPL-3.0-or-later
"""Types of arrays. The axes of volumes are (z, y, x), in the order of the map file."""

from __future__ import annotations

from typing import Callable, Tuple

import numpy as np
from numpy.typing import NDArray

Volume = NDArray[np.float32]  # 3D
Image = NDArray[np.float32]  # 2D
Floats = NDArray[np.float32]  # any number of dimensions
Mask = NDArray[np.bool_]  # True inside; any number of dimensions
# Part of a volume: one slice for each axis.
Box = Tuple[slice, slice, slice]
# Receives a slab (a slice of the first axis) and the values in it.
SlabSink = Callable[[slice, Volume], object]
