# SPDX-License-Identifier: GPL-3.0-or-later
"""Averages and classes of subtomograms. The plugin that defines them, scipion-em-tomo, may not be installed."""

from __future__ import annotations

from typing import Any, List

from pyworkflow import Config

from occupy_core.settings.classification import PARTICLES, SUBTOMOGRAMS
from occupy_scipion.sources import is_classification, is_set

_CLASSES = "SetOfClassesSubTomograms"
_AVERAGE, _SUBTOMOGRAM, _TOMOGRAM = "AverageSubTomogram", "SubTomogram", "Tomogram"


def with_subtomogram_classes(names: str) -> str:
    """Return the Scipion classes that a parameter takes, with that of classes of subtomograms where it is known.

    Averages of subtomograms need no name of their own: AverageSubTomogram is a Volume, and SetOfAverageSubTomograms a
    SetOfVolumes. Scipion's window fails on the name of a class that no plugin defines.

    Parameters
    ----------
    names : str
        Names of classes, separated by commas.
    """
    domain = Config.getDomain()
    return f"{names},{_CLASSES}" if domain is not None and _CLASSES in domain.getObjects() else names


def averages_of(chosen: Any) -> str:
    """Return what the maps of an input are averages of: "particles" or "subtomograms"."""
    kinds = (*type(chosen).__mro__, *(getattr(chosen, "ITEM_TYPE", None) or object).__mro__)
    are_subtomograms = {_CLASSES, _AVERAGE, _SUBTOMOGRAM} & {kind.__name__ for kind in kinds}
    return SUBTOMOGRAMS if are_subtomograms else PARTICLES


def single_subtomograms(chosen: Any) -> List[str]:
    """Return a warning if an input is a tomogram or a set of single subtomograms, else none."""
    if chosen is None or is_classification(chosen):
        return []
    kinds = [kind.__name__ for kind in (chosen.ITEM_TYPE if is_set(chosen) else type(chosen)).__mro__]
    if _AVERAGE in kinds or not {_SUBTOMOGRAM, _TOMOGRAM} & set(kinds):
        return []
    found = "single subtomograms" if _SUBTOMOGRAM in kinds else "tomograms"
    return [
        f"found {found}, expected averages or classes of subtomograms; the results tell about the noise and the "
        "missing wedge of one particle otherwise"
    ]
