# SPDX-License-Identifier: GPL-3.0-or-later
"""A case of a fuzz test: a command line of a job whose files lie in the current folder."""

from __future__ import annotations

from typing import List, NamedTuple

JOB_DIR = "job/"


class Case(NamedTuple):
    """A job whose files or options are wrong, or may be.

    Attributes
    ----------
    name : str
        With which the case can be found again.
    words : list of str
        The command line without the program's name; its output folder is `JOB_DIR`.
    """

    name: str
    words: List[str]


def words_of(option: str, value: str) -> List[str]:
    """Return the command line of a job on one file, without figures."""
    return ["--o", JOB_DIR, "--figures", "no", option, value]
