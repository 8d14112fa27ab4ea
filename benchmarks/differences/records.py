# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of comparing this package with the published program on one map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict

_MIN_CORRELATION = 0.99
_MAX_FORMULA_DIFFERENCE = 1e-5  # in standard deviations of the map


@dataclass(frozen=True)
class MapComparison:
    """One of our modified maps compared with the published one, with solvent excluded.

    Attributes
    ----------
    map_name : str
        File name of the input map.
    kind : str
        "amplified", "attenuated" or "sigmoid".
    both_confident, ours_confident, everywhere : float
        Correlations of the two maps: over the voxels where both confidences exceed 0.5, where ours does, and over the
        complete box.
    formula_difference : float
        Mean absolute difference between the published map and our formula applied to the published scale and
        confidence, in standard deviations of the input map.
    """

    map_name: str
    kind: str
    both_confident: float
    ours_confident: float
    everywhere: float
    formula_difference: float

    @property
    def holds(self) -> bool:
        """Whether the bounds hold; the published sigmoid is a lookup table, so its formula may differ from ours."""
        same_formula = self.formula_difference < _MAX_FORMULA_DIFFERENCE or self.kind == "sigmoid"
        return self.both_confident > _MIN_CORRELATION and same_formula


@dataclass(frozen=True)
class DifferenceSizes:
    """Sizes of the deliberate differences on one map.

    Attributes
    ----------
    map_name : str
        File name of the map.
    cells : dict of str to str
        For each difference (by its name in `document.DIFFERENCES`), a cell of the document's table.
    """

    map_name: str
    cells: Dict[str, str]
