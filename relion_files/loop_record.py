# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a classification whose maps were weighted in the loop: occupy_loop.star, a row for each class."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import astuple, dataclass
from typing import Dict, List, Optional

from relion_files.iteration import continued_from, iteration_of, model_star_of, star_beside
from relion_files.project import named_files
from relion_files.star import StarError, read_star
from relion_files.star_writer import row_text

NAME = "occupy_loop.star"
PLAIN = "none"  # the method of a map that RELION got as it was reconstructed
_EXTERNAL = "rlnDoExternalReconstruct"  # in RELION's optimiser STAR file: 1 with --external_reconstruct
_OUTPUT = "rlnOutputRootName"  # there: the first part of the run's paths, from the project folder
_COLUMNS = (
    *("rlnReferenceImage", "rlnCurrentIteration", "rlnClassNumber", "occupyMethod", "occupyShareKept"),
    *("occupyMilliseconds", "occupyInversionMilliseconds", "occupyNote"),
)


@dataclass(frozen=True)
class LoopRow:
    """What was done to the map of one class in one iteration.

    Attributes
    ----------
    image : str
        The class map that RELION writes.
    iteration, number : int
        Iteration and class.
    method : str
        "confidence", "consensus", or "none".
    kept : float
        Share of the map's power (for a consensus: of the difference from the mean of the classes) that remains, 0..1.
    milliseconds : int
        Processor time beyond that of the inversion, start of the program included.
    inversion : int
        Time of the inversion, milliseconds.
    note : str
        Why the map was not weighted, or warnings.
    """

    image: str
    iteration: int
    number: int
    method: str
    kept: float
    milliseconds: int
    inversion: int
    note: str


def append_row(folder: str, row: LoopRow) -> None:
    """Add a row to the record in a folder, which is made with the first row.

    Several processes may do so at once. A class that is reconstructed again gets another row; the last one counts.

    Raises
    ------
    OSError
        If the file cannot be written.
    StarError
        If a name cannot be written.
    """
    path = os.path.join(folder, NAME)
    line = row_text(path, _COLUMNS, astuple(row)) + "\n"
    head = "\n".join(["# version 30001", "", "data_occupy_loop", "", "loop_"])
    head += "".join(f"\n_{column} #{number}" for number, column in enumerate(_COLUMNS, start=1)) + "\n"
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        with suppress(OSError):  # some network file systems have no locks; a row is still written in one piece
            fcntl.flock(file, fcntl.LOCK_EX)
        text = (line if os.fstat(file).st_size else head + line).encode("utf-8", "surrogateescape")
        if os.write(file, text) != len(text):
            raise OSError("the disk is full")
    finally:
        os.close(file)


def record_beside(path: str) -> str:
    """Return the path of the record of the run that a STAR file or class map belongs to; it may not exist."""
    return os.path.join(os.path.dirname(path), NAME)


def weighted_iterations(path: str) -> Dict[str, List[int]]:
    """Return the iterations, up to that of a file, whose maps were weighted in its run or in one that it continues.

    Parameters
    ----------
    path : str
        Model STAR file or class map of an iteration. The record is looked for in its folder, and in those of the runs
        that it continues, one after the other. It counts for nothing where the optimiser STAR file of the iteration
        says that RELION called no other program: then the run was done again, and the record is of an earlier one.

    Returns
    -------
    dict of str to list of int
        For the path of each record, the iterations in it, in ascending order; empty if none were weighted.
    """
    found: Dict[str, List[int]] = {}
    iterations_seen, records_seen = set(), set()
    following: Optional[str] = path
    while following and os.path.realpath(following) not in iterations_seen:
        iterations_seen.add(os.path.realpath(following))
        record = record_beside(following)
        iterations = _recorded(following)
        # The iterations come from the last to the first: the first that is found has all of a record.
        if iterations and os.path.realpath(record) not in records_seen:
            records_seen.add(os.path.realpath(record))
            found[record] = iterations
        following = _continued_iteration(following)
    return found


def _recorded(path: str) -> List[int]:
    """Return the iterations of a run, up to that of a file, that the record beside it has as weighted."""
    record = record_beside(path)
    own = iteration_of(path)
    if own is None or not os.path.isfile(record) or _has_called_no_program(path):
        return []
    try:
        tables = read_star(record, frozenset(("rlnReferenceImage", "rlnCurrentIteration", "occupyMethod")))
    except StarError:
        return [own]  # damaged, but the run was hooked: better one warning too many
    columns = tables["occupy_loop"].columns if "occupy_loop" in tables else {}
    labels = ("rlnReferenceImage", "rlnCurrentIteration", "occupyMethod")
    last = {image: (iteration, method) for image, iteration, method in zip(*(columns.get(name, ()) for name in labels))}
    found = {
        int(iteration)
        for image, (iteration, method) in last.items()
        if iteration.isdigit() and method != PLAIN and _is_of_run(image, path)
    }
    return sorted(iteration for iteration in found if iteration <= own)


def _continued_iteration(path: str) -> Optional[str]:
    """Return the optimiser STAR file of the iteration that the run of a file continues; None if that is not found.

    RELION's clean-up may have removed it: the record of its run is enough then. It is not looked for where the file was
    copied from its project, since another project may have files of the same name.
    """
    model_star = model_star_of(path)
    optimiser_star = star_beside(model_star, "optimiser") if model_star else ""
    continued = continued_from(optimiser_star)
    if continued is None:
        return None
    try:
        general = read_star(optimiser_star, frozenset((_OUTPUT,))).get("optimiser_general")
        root = general.first(_OUTPUT) if general else None
        places = named_files(optimiser_star, [root] if root else [])
        if not (places.in_place or os.path.isabs(continued)):
            return None
        names = (f"{continued}_optimiser.star", os.path.join(os.path.dirname(continued), NAME))
        near = next(filter(None, map(places.find, names)), None)
    except (StarError, OSError):
        return None
    return near and os.path.join(os.path.dirname(near), f"{os.path.basename(continued)}_optimiser.star")


def _is_of_run(image: str, path: str) -> bool:
    """Return whether a class map is of the same run as another file, or of the run that that one continues."""
    stem, own = (os.path.basename(name).split("_it")[0] for name in (image, path))
    return own == stem or own.startswith(f"{stem}_ct")


def _has_called_no_program(path: str) -> bool:
    """Return whether the optimiser STAR file of an iteration says so; False where there is none."""
    model_star = model_star_of(path)
    optimiser_star = star_beside(model_star, "optimiser") if model_star else ""
    if not os.path.isfile(optimiser_star):
        return False
    try:
        tables = read_star(optimiser_star, frozenset((_EXTERNAL,)))
    except StarError:
        return False
    return any(table.columns.get(_EXTERNAL, [])[:1] == ["0"] for table in tables.values())
