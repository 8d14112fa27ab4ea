# SPDX-License-Identifier: GPL-3.0-or-later
"""Types of arrays. Volumes are (z, y, x), in the order of the file."""

from __future__ import annotations

from typing import Callable

import numpy as np
from numpy.typing import NDArray

Volume = NDArray[np.float32]  # 3D
Image = NDArray[np.float32]  # 2D
Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]  # 1D or 2D
# Receives a slab of the first axis (a slice) and the values in it.
SlabSink = Callable[[slice, Volume], object]
