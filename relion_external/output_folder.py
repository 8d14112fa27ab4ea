# SPDX-License-Identifier: GPL-3.0-or-later
"""The output folder of a command line that may be wrong. Standard library only."""

from __future__ import annotations

from typing import List, Optional

from relion_external.option_words import usual_options


def find_output_folder(arguments: List[str]) -> Optional[str]:
    """Return the value of --o, or None without one; of several, the last that is not empty.

    Works before any other argument is parsed or checked: a wrong command line needs a marker file too.
    """
    folder = None
    words = usual_options(arguments, ["o"])
    for index, word in enumerate(words):
        if word == "--o" and index + 1 < len(words) and not words[index + 1].startswith("--"):
            folder = words[index + 1] or folder
        elif word.startswith("--o="):
            folder = word[len("--o=") :] or folder
    return folder
