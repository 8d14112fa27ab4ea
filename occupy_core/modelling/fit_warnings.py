# SPDX-License-Identifier: GPL-3.0-or-later
"""Warn about maps that a model fits badly, in another pose, or only in part."""

from __future__ import annotations

from typing import List, Sequence

import numpy as np

from occupy_core.modelling.atoms.groups import Group
from occupy_core.modelling.fit.fit_map import FittedMap
from occupy_core.modelling.full_occupancy import MIN_MASS_OF_WHOLE, Scale

# Å: root mean square displacement of a map from the model, from which on it is told. Ours.
_TOLD_DISPLACEMENT = 1.5
# Correlation of the fitted model with the map, below which the occupancies are not to be trusted. Ours.
_MIN_CORRELATION = 0.25
# Volume of unmodelled density relative to the model's, from which on it is named. Ours: complete models had 0 to 0.01,
# models that lack a chain or 20 % of their residues 0.07 and more.
_MAX_UNMODELLED = 0.05
# Per cent of the model's mass in the parts that set what counts as 1, below which they are named. Ours.
_LITTLE_MASS = 10.0
_LISTED = 6  # parts in a sentence
NOTHING_SHOWN = (
    "the map shows no part of the model better than noise would, expected a density map, and the model fitted into it. "
    "Is the map a mask, a local scale or a confidence, or of inverted contrast?"
)


def fit_warnings(fits: Sequence[FittedMap], names: Sequence[str]) -> List[str]:
    """Say which maps a model fits badly or in another pose.

    Parameters
    ----------
    fits : sequence of FittedMap
    names : sequence of str
        Names of the maps in the sentences.
    """
    texts, moved = [], []
    for fit, name in zip(fits, names):
        if np.isnan(fit.occupancies).all():
            texts.append(
                f"the model is not seen in {name}: it fits no better than a turned model or noise (signal-to-noise "
                f"ratio {fit.signal:.1f}). {name} has no occupancies. Look at the map (is its contrast inverted?) and "
                "at the place of the model in it"
            )
            continue
        if fit.unmodelled > _MAX_UNMODELLED:
            texts.append(
                f"{name} has density beside the model that the model does not explain, {fit.unmodelled:.0%} of the "
                "volume of the model (a part that the model lacks, a micelle, another molecule). This density has no "
                "occupancy, and parts that touch it are less certain than their intervals say"
            )
        if fit.correlation < _MIN_CORRELATION:
            texts.append(
                f"the model explains little of {name}: their correlation from 30 to 10 Å is {fit.correlation:.2f}. "
                "Do not trust these occupancies before you have looked at model and map"
            )
        if fit.displacement > _TOLD_DISPLACEMENT:
            moved.append(f"{name} by {fit.motion.angle:.1f} degrees and {fit.motion.shift:.1f} Å")
    if moved and len(fits) == 1:
        motion = fits[0].motion
        texts.append(
            f"the model fits better {motion.shift:.1f} Å away from its place, turned by {motion.angle:.1f} degrees. "
            "The occupancies, and masks of parts, hold for there. Fit it to the map, such as with fitmap in ChimeraX"
        )
    elif moved:
        texts.append(
            f"turned and shifted against the model: {', '.join(moved)}. The occupancies are read in these poses, but "
            "masks of parts, and files for ChimeraX, lie where the model lies"
            + (". Fit the model to one of the maps, for instance with fitmap in ChimeraX" * (len(moved) == len(fits)))
        )
    return texts


def above_one(
    groups: Sequence[Group], fits: Sequence[FittedMap], scale: Scale, errors: Sequence[float], names: Sequence[str]
) -> List[str]:
    """Name the groups whose density clearly exceeds what counts as 1; small ones do not count, as for what sets it.

    Parameters
    ----------
    groups : sequence of Group
    fits : sequence of FittedMap
    scale : Scale
        What counts as 1.
    errors : sequence of float
        For each map, the standard deviation of its occupancies for other reasons than noise.
    names : sequence of str
        Names of the maps in the sentences.
    """
    found = []
    for fit, factor, error, name in zip(fits, scale.factors, errors, names):
        values, noise = fit.occupancies / (scale.unit * factor), fit.errors / (scale.unit * factor)
        lowest = values - 3 * np.hypot(noise, error * np.maximum(values, 1))
        found += [
            f"{group.name} {value:.2f}" + f" in {name}" * (len(fits) > 1)
            for group, value, low in zip(groups, values, lowest)
            if low > 1 and group.mass >= MIN_MASS_OF_WHOLE
        ]
    if not found:
        return []
    listed = ", ".join(found[:_LISTED]) + f" and {len(found) - _LISTED} more" * (len(found) > _LISTED)
    return [
        f"clearly more density than what counts as 1, written as 1: {listed}. Either they are denser than the model "
        "says (another molecule, overlapping parts), or what counts as 1 is not whole (the map lacks some of its "
        "atoms), and all occupancies are too high. Then make those atoms a part of their own (model_groups), or name "
        "other parts in model_whole"
    ]


def small_whole_parts(groups: Sequence[Group], scale: Scale) -> List[str]:
    """Say which groups set what counts as 1 if they hold little of the model's mass."""
    whole = [groups[index] for index in scale.groups]
    share = 100 * sum(group.mass for group in whole) / sum(group.mass for group in groups)
    if share >= _LITTLE_MASS:
        return []
    listed = ", ".join(group.name for group in whole[:_LISTED])
    return [
        f"1 is set by {listed} alone, {share:.0f} % of the model's mass. If the model says too little density there, "
        "all other occupancies are too low: name parts that are surely whole in model_whole"
    ]


def missing_parts(groups: Sequence[Group], fits: Sequence[FittedMap], names: Sequence[str]) -> List[str]:
    """Name the groups that single maps do not show.

    Parameters
    ----------
    groups : sequence of Group
    fits : sequence of FittedMap
    names : sequence of str
        Names of the maps in the sentences.
    """
    texts = []
    for fit, name in zip(fits, names):
        unseen = [group.name for group, value in zip(groups, fit.occupancies) if np.isnan(value)]
        if 0 < len(unseen) < len(groups):
            texts.append(
                f"{', '.join(unseen)} lie outside the box of {name} or where it is flat, as outside a mask: they have "
                "no occupancy there"
            )
    return texts
