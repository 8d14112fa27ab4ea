# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np


def ball(z, radius=4, side=32):
    """Return a mask of a ball with its centre at section z, in the middle of that section."""
    axes = np.indices((side,) * 3)
    return ((axes[0] - z) ** 2 + (axes[1] - 16) ** 2 + (axes[2] - 16) ** 2 <= radius**2).astype("f4")
