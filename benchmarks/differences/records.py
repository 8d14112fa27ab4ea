# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured of one map beside the published program's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict

_LEAST_CORRELATION = 0.99
_SAME = 1e-5  # standard deviations of the map


@dataclass(frozen=True)
class Side:
    """One modified map of ours beside the published one, solvent excluded.

    Attributes
    ----------
    map_name, kind : str
    trusted, ours, everywhere : float
        Correlations: where both programs are confident, where ours is, in the box.
    formula : float
        Mean difference, in standard deviations of the map, of the published map from our formula on its scale and
        confidence.
    """

    map_name: str
    kind: str
    trusted: float
    ours: float
    everywhere: float
    formula: float

    @property
    def holds(self) -> bool:
        """The published sigmoid is a table, so its formula is not quite ours."""
        return self.trusted > _LEAST_CORRELATION and (self.formula < _SAME or self.kind == "sigmoid")


@dataclass(frozen=True)
class Sizes:
    """How large the deliberate differences are on one map; each sentence is a cell of the document's table."""

    map_name: str
    cells: Dict[str, str]
