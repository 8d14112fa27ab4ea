# SPDX-License-Identifier: GPL-3.0-or-later
"""The occupancies that the Python interface returns."""

from __future__ import annotations

from occupy_core.comparing.occupancies import Interval


class Occupancy(Interval):
    """An occupancy, or a difference of occupancies, with its 90 % interval: `low`, `value`, `high`; each 0..1."""

    __slots__ = ()
