# SPDX-License-Identifier: GPL-3.0-or-later
"""Check what a host reads about a classification: numbers of its classes, and the mask that it was done in."""

from __future__ import annotations

import math
from typing import Any, Iterable, Optional, Sequence, Tuple

# Occupancies (0..1) below and above which nearly all particles of a class lack a part or have it: a further
# classification within the class would gain little. A class counts as having it from the last value on. Ours.
LACKS, HAS, HAS_REGION = 0.2, 0.8, 0.5

# The maps of a job are averages of particles, or of subtomograms (`Job.averages_of`).
PARTICLES, SUBTOMOGRAMS = "particles", "subtomograms"


def is_in_between(occupancy: float) -> bool:
    """Return whether only a part of the particles of a class has a region of this occupancy (0..1) in it."""
    return LACKS < occupancy < HAS


def finite_number(value: Any) -> Optional[float]:
    """Return a value as a number; None if it is no number, NaN, infinite or negative."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 <= number < math.inf else None


def resolution_of(value: Any) -> Optional[float]:
    """Return a value as a resolution in Å; None if it is no positive finite number."""
    return finite_number(value) or None


def signal_to_noise(values: Iterable[Any], factor: Any) -> Optional[Tuple[float, ...]]:
    """Divide the values of Fourier shells by a factor.

    Parameters
    ----------
    values : iterable
        One value for each shell, from shell 0, as a number or its text.
    factor : float or str
        Factor by which the values were multiplied.

    Returns
    -------
    tuple of float or None
        Signal-to-noise ratio of each shell, 0 or more. None if there is no shell, or if a value or the factor is no
        finite number, negative, or for the factor 0.
    """
    divisor = finite_number(factor)
    numbers = [finite_number(value) for value in values]
    if not divisor or not numbers:
        return None
    ratios = [None if number is None else finite_number(number / divisor) for number in numbers]
    known = tuple(ratio for ratio in ratios if ratio is not None)
    return known if len(known) == len(ratios) else None


# What a mask that is not known may cost; the end of a sentence on a focused classification.
_COST = (
    "its classes differ only inside that mask and its maps hold no solvent outside, so that differences may be "
    "missed and regions and occupancies be wrong"
)


def missing_mask_text(mask: str, named_in: str) -> str:
    """Return the warning that the mask of a classification does not exist.

    Parameters
    ----------
    mask : str
        Path of the mask.
    named_in : str
        Path of the file that names the mask.
    """
    return unusable_mask_text(mask, named_in, "does not exist")


def missing_optimiser_text(optimiser_star: str) -> str:
    """Return the warning that the optimiser STAR file, which would name the mask of a classification, does not exist.

    Parameters
    ----------
    optimiser_star : str
        Path of the missing file.
    """
    return unknown_mask_text(f"{optimiser_star} does not exist", f"put {optimiser_star} beside the model STAR file")


def unknown_mask_text(problem: str, way_out: str = "mend that file") -> str:
    """Return the warning that the mask of a classification, if it had one, is not known.

    Parameters
    ----------
    problem : str
        What is wrong with the file that should name it, with the name of the file.
    way_out : str
        What makes the mask known, as an order.
    """
    return (
        f"{problem}, so the mask of the classification, if it had one, is not known: if this was a focused "
        f"classification (in a mask around a part of the molecule), {_COST}; {way_out} and run the job again"
    )


def is_mask_lost(warnings: Iterable[str]) -> bool:
    """Return whether one of a job's warnings says that the mask of its classification is not known or not used."""
    return any(_COST in text for text in warnings)


# End of the warning about class maps that were weighted while they were classified: how to judge them.
_JUDGE = "the differences of such classes are no evidence by themselves: judge them by independent runs"


def weighted_run_text(record: str, iterations: Sequence[int]) -> str:
    """Return the warning that the class maps were weighted while they were classified.

    Parameters
    ----------
    record : str
        Path of the record of the run.
    iterations : sequence of int
        The iterations whose maps were weighted, at least one.
    """
    first, last = iterations[0], iterations[-1]
    which = f"iteration {first}" if first == last else f"{len(iterations)} iterations (from {first} to {last})"
    return (
        f"the class maps of {which} were weighted in "
        f"the loop ({record}), which strengthens chance differences too, so {_JUDGE} (docs/loop.md)"
    )


def is_weighted_run(warnings: Iterable[str]) -> bool:
    """Return whether one of a job's warnings says that the class maps were weighted while they were classified."""
    return any(_JUDGE in text for text in warnings)


def unusable_mask_text(mask: str, named_in: str, problem: str) -> str:
    """Return the warning that the mask of a classification is not used.

    Parameters
    ----------
    mask : str
        Path of the mask.
    named_in : str
        Path of the file that names the mask.
    problem : str
        Why it is not used, such as "does not exist".
    """
    return (
        f"the mask {mask} of the classification, named in {named_in}, {problem}, so the job goes on without it: if "
        f"this was a focused classification (in a mask around a part of the molecule), {_COST}; put the mask back and "
        "run the job again"
    )
