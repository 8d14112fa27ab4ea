# SPDX-License-Identifier: GPL-3.0-or-later
"""The output folder of a command line that may be wrong. Standard library only."""

from __future__ import annotations

from typing import List, Optional


def find_output_folder(arguments: List[str]) -> Optional[str]:
    """Return the value of --o, or None without one; of several, the last that is not empty.

    Works before any other argument is parsed or checked: a wrong command line needs a marker file too.
    """
    folder = None
    for index, word in enumerate(arguments):
        if word == "--o" and index + 1 < len(arguments) and not arguments[index + 1].startswith("--"):
            folder = arguments[index + 1] or folder
        elif word.startswith("--o="):
            folder = word[len("--o=") :] or folder
    return folder
