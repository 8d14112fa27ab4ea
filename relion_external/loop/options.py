# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of `relion_external_occupy_reconstruct`."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import List, NoReturn, Optional

from occupy_core.errors import JobError
from occupy_core.version import __version__
from relion_external.option_words import usual_options

PROGRAM = "relion_external_occupy_reconstruct"
CONFIDENCE, CONSENSUS = "confidence", "consensus"
# The iteration from which maps are weighted. The mask is made of the maps of the iteration before. A consensus of the
# first iterations, in which the classes are still equal, may keep them equal for ever.
_OPTIONS = ("--method", "--start", "--until", "--smooth", "--help", "--version")
_FIRST = {CONFIDENCE: 2, CONSENSUS: 5}


@dataclass(frozen=True)
class LoopOptions:
    """Options of the command line: the method, the iterations in which maps are weighted, the smoothing.

    Attributes
    ----------
    star : str
        Path of the STAR file that RELION wrote for one class.
    method : str
        "confidence" or "consensus".
    start : int
        First iteration whose maps are weighted, 1 or more.
    until : int, optional
        Last iteration whose maps are weighted; None for the last but one of the run.
    smooth : float, optional
        Å: for confidence, cutoff of the low-pass that tells solvent; for a consensus, full width of the Gaussian that
        smooths the differences. None for the method's own.
    """

    star: str
    method: str
    start: int
    until: Optional[int]
    smooth: Optional[float]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise JobError(f"{message}; correct RELION_EXTERNAL_RECONSTRUCT_EXECUTABLE, see {PROGRAM} --help")


def parse(arguments: List[str]) -> LoopOptions:
    """Parse a command line.

    Parameters
    ----------
    arguments : list of str
        The command line without the program's name.

    Raises
    ------
    JobError
        If an option is unknown or has a wrong value, or no STAR file is given.
    SystemExit
        After --help or --version.
    """
    parser = _Parser(
        prog=PROGRAM,
        description="Reconstruct one class for relion_refine --external_reconstruct, and weight its map. RELION calls "
        "this program for each class in each iteration: set RELION_EXTERNAL_RECONSTRUCT_EXECUTABLE to its name, with "
        "options if needed.",
    )
    parser.add_argument("star", help="the STAR file that RELION gives, ..._external_reconstruct.star")
    parser.add_argument(
        "--method",
        choices=(CONFIDENCE, CONSENSUS),
        default=CONFIDENCE,
        help="confidence: remove solvent; consensus: also give all classes one map where they do not differ "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--start", type=_iteration, help="first iteration to weight (default: 2, for consensus 5)", metavar="N"
    )
    parser.add_argument(
        "--until", type=_iteration, help="last iteration to weight (default: the last but one)", metavar="N"
    )
    parser.add_argument(
        "--smooth", type=_angstrom, help="finest detail that tells what to keep, Å (default: chosen)", metavar="Å"
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    words = usual_options(arguments, tuple(name.lstrip("-") for name in _OPTIONS))
    parsed, unknown = parser.parse_known_args(words)
    if unknown and not unknown[0].startswith("-"):
        raise JobError(f"found a blank in the name {parsed.star} {' '.join(unknown)}; choose --o without blanks")
    if unknown:
        close = get_close_matches(unknown[0].split("=")[0], _OPTIONS, 1)
        parser.error(f"unknown option {unknown[0]}" + (f"; did you mean {close[0]}?" if close else ""))
    start = _FIRST[parsed.method] if parsed.start is None else parsed.start
    if parsed.until is not None and parsed.until < start:
        parser.error(f"--until {parsed.until} comes before the first weighted iteration, {start} (--start)")
    return LoopOptions(parsed.star, parsed.method, start, parsed.until, parsed.smooth)


def _iteration(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected the number of an iteration, 1 or more")
    return int(text)


def _angstrom(text: str) -> float:
    try:
        value = float(re.sub(r"\s*(A|Å)$", "", text))
    except ValueError:
        value = 0.0
    if not 0 < value < 1000:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a length in Å, such as 20")
    return value
