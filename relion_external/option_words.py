# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognise the options of a command line as people write them: `--tile-size`, `--Tile_Size`, `-o`. Standard library
only.
"""

from __future__ import annotations

import re
from typing import Iterable, List

# RELION puts two dashes before a label that the user may have typed with dashes already.
# Word processors and web pages turn dashes into longer ones.
_OPTION = re.compile(r"[-‐‑‒–—−]+(?P<name>[A-Za-z][\w-]*)(?P<rest>=.*)?", re.S)


def usual_options(arguments: Iterable[str], names: Iterable[str]) -> List[str]:
    """Return a command line with the known options as `--name`, without the lone "--" of an empty label.

    Parameters
    ----------
    arguments : iterable of str
        The command line without the program's name.
    names : iterable of str
        The names of the known options, without dashes.
    """
    known = {name.lower(): name for name in names}
    words = []
    for word in arguments:
        match = _OPTION.fullmatch(word)
        name = known.get(match["name"].replace("-", "_").lower()) if match else None
        if word != "--":
            words.append(f"--{name}{match['rest'] or ''}" if match and name else word)
    return words


def repeated_options(words: Iterable[str]) -> List[str]:
    """Return the options, with dashes, that a command line of `usual_options` has more than once."""
    options = [word.split("=")[0] for word in words if word.startswith("--")]
    return [option for option in dict.fromkeys(options) if options.count(option) > 1]
