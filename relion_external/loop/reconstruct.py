# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconstruct one class: invert, weight or pass through, put the map in place, clean up, record."""

from __future__ import annotations

import os
import resource
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import List, Optional, Tuple, Union

from relion_external.failure import cause_of
from relion_external.loop.decision import Plain, Weighting, decide
from relion_external.loop.earlier import read_earlier, usual_reconstruction
from relion_external.loop.inversion import Inversion
from relion_external.loop.options import CONSENSUS, LoopOptions, parse
from relion_external.loop.request import Request, read_request
from relion_external.streams import print_line
from relion_files.loop_record import PLAIN, LoopRow, append_row


@dataclass(frozen=True)
class Done:
    """Record of one class map: method, share of its power that was kept, and why it was not weighted.

    Attributes
    ----------
    method : str
        "confidence", "consensus", or "none".
    kept : float
        Share of the map's power (for a consensus: of its difference from the mean of the classes) that remains, 0..1.
    note : str
        Why RELION gets the plain map; may be empty.
    is_doubt : bool
        Whether the note is a warning.
    """

    method: str
    kept: float = 1.0
    note: str = ""
    is_doubt: bool = False


def run(arguments: List[str]) -> None:
    """Do what the command line says: RELION finds its map, weighted or plain, in the file that it asks for.

    Parameters
    ----------
    arguments : list of str
        The command line without the program's name.

    Raises
    ------
    OccupyError, OSError
        If there is no map for RELION.
    SystemExit
        After --help or --version.
    """
    options = parse(arguments)
    request = read_request(options.star)
    with Inversion(request) as inversion:
        inversion.start(usual_reconstruction(request))
        decision, voxel_size = _decide(request, options)
        raw = inversion.finish(voxel_size)
        done = _weight(raw, request.result, decision)
        if done.method == PLAIN:
            _put_plain(raw, request.result)
        for path in request.arrays:
            with suppress(OSError):
                os.remove(path)
        _record(request, done, inversion.seconds)


def _decide(request: Request, options: LoopOptions) -> Tuple[Union[Weighting, Plain], Optional[float]]:
    """Decide what to do with the map, and load what that needs, while RELION's program runs.

    Returns
    -------
    decision : Weighting or Plain
    voxel_size : float, optional
        Å; None if it is not known.
    """
    voxel_size = request.voxel_size
    try:
        earlier = read_earlier(request)
        voxel_size = earlier.voxel_size
        decision = decide(request, earlier, options)
        if isinstance(decision, Weighting):
            import relion_external.loop.weigh  # noqa: F401
    except (Exception, SystemExit) as error:  # a broken library may end Python
        return Plain(cause_of(error)), voxel_size
    return decision, voxel_size


def _weight(raw: str, result: str, decision: Union[Weighting, Plain]) -> Done:
    """Write the weighted map; whatever goes wrong, RELION can have the plain map."""
    if isinstance(decision, Plain):
        return Done(PLAIN, note=decision.reason, is_doubt=decision.is_doubt)
    try:
        from relion_external.loop.weigh import write_weighted

        return Done(decision.method, write_weighted(raw, result, decision).kept)
    except (Exception, SystemExit) as error:
        return Done(PLAIN, note=cause_of(error), is_doubt=True)


def _put_plain(raw: str, result: str) -> None:
    """Give RELION the map as it was reconstructed: a second name of one file, or a copy where there are no links."""
    partial = f"{result}.partial"
    with suppress(FileNotFoundError):
        os.remove(partial)
    try:
        os.link(raw, partial)
    except OSError:
        shutil.copyfile(raw, partial)
    os.replace(partial, result)


def _record(request: Request, done: Done, seconds: float) -> None:
    """Print a line for run.out, and add a row to the record of the run."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    spent = round(1000 * (own.ru_utime + own.ru_stime))
    note = " ".join(done.note.split())
    if done.method == PLAIN:
        line = f"{'WARNING: ' if done.is_doubt else ''}{request.name}: plain map ({note}); {spent} ms"
    else:
        of_what = "the difference from the mean" if done.method == CONSENSUS else "the map"
        line = f"{request.name}: {done.method} keeps {100 * done.kept:.1f} % of the power of {of_what}; {spent} ms"
    row = LoopRow(
        image=f"{request.root}.mrc",
        iteration=request.iteration,
        number=request.number,
        method=done.method,
        kept=round(done.kept, 4),
        milliseconds=spent,
        inversion=round(1000 * seconds),
        note=note.replace('"', "'") or "None",  # RELION's readers take no empty text
    )
    try:
        append_row(os.path.dirname(request.star), row)
    except Exception as error:
        line += f"; not recorded in occupy_loop.star ({cause_of(error)})"
    print_line(f" + OccuPy: {line}", sys.stdout)
