# SPDX-License-Identifier: GPL-3.0-or-later
"""Count the particles of each class in a data STAR file, and compare the counts with the shares of the classes."""

from __future__ import annotations

import os
from collections import Counter
from itertools import islice
from typing import Dict, List, Mapping, Optional, Sequence

from relion_files.star import StarError, lines_of, read_star, shown, to_number

_CLASS = "rlnClassNumber"
# Largest difference between a share and the fraction of particles that goes without a warning. A share sums the
# probabilities of all particles, a particle counts for its most likely class: in real runs they differ by up to 0.015.
_MOST_DIFFERENCE = 0.1
# Lines with the labels of the first tables, in which RELION 4 and 5 have a label of tomography: they need below 30.
_HEAD_LINES = 100


def count_particles(data_star: str, classes: Sequence[int]) -> Optional[Dict[int, int]]:
    """Count the particles of each class.

    Parameters
    ----------
    data_star : str
        The data STAR file of an iteration.
    classes : sequence of int
        Numbers of the classes.

    Returns
    -------
    dict of int to int, or None
        Number of particles by class number, 0 for an empty class. None if the file does not exist, has no particles, or
        has assigned none of them to a class.

    Raises
    ------
    StarError
        If the file cannot be read, or a particle is in no class of these.
    """
    if not os.path.exists(data_star):
        return None
    tables = read_star(data_star, frozenset([_CLASS]))
    with_classes = [tables[name] for name in sorted(tables, key=lambda name: name != "particles")]
    columns = [table.columns[_CLASS] for table in with_classes if _CLASS in table]
    counts = dict.fromkeys(classes, 0)
    for text, count in Counter(columns[0] if columns else ()).items():
        number = to_number(text)
        if number is None or number not in (0, *classes):
            raise StarError(
                f"{data_star}: {_CLASS} is {shown(text)} for {count} particle{'s' * (count != 1)}, expected one of the "
                f"classes of the model STAR file beside it ({', '.join(map(str, classes))}); are the two of one run?"
            )
        if number:  # 0: not assigned to a class yet
            counts[int(number)] += count
    return counts if any(counts.values()) else None


def lists_subtomograms(data_star: str) -> bool:
    """Return whether a data STAR file is of RELION's tomography: a label at its beginning begins with rlnTomo."""
    return any(line.lstrip().lower().startswith(b"_rlntomo") for line in islice(lines_of(data_star), _HEAD_LINES))


def count_warnings(data_star: str, shares: Mapping[int, float], counts: Optional[Mapping[int, int]]) -> List[str]:
    """Return warnings: no particle has a class; the share of a class is far from its fraction of the particles.

    Parameters
    ----------
    data_star : str
        The data STAR file.
    shares : mapping of int to float
        Share of the particles by class number, 0..1, from the model STAR file.
    counts : mapping of int to int, optional
        Number of particles by class number, as `count_particles` returns it.
    """
    if counts is None:
        return [
            f"{data_star}: no particle in it has a {_CLASS} above 0, so the numbers of particles are not known, and "
            "classes of few particles are compared like all others; is the file cut off?"
        ]
    total = sum(counts.values())
    return [
        f"class {number} has a share of {share:.3g} in the model STAR file, but {counts[number]} of {total} particles "
        f"({counts[number] / total:.3g}) in {data_star}: means over all particles use the share; is one file of "
        "another run, or edited?"
        for number, share in shares.items()
        if abs(share - counts[number] / total) > _MOST_DIFFERENCE
    ]
