# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences for Scipion, made of lines that logs show in lower case."""

from __future__ import annotations

import re


def sentence(text: str) -> str:
    """Return a line as a sentence: with a capital letter, unless it begins with a name, and a full stop."""
    begun = capitalised(text)
    return begun if begun.endswith(".") else f"{begun}."


def capitalised(text: str) -> str:
    """Return a line with a capital letter, unless it begins with a name.

    A first word of other characters than lower-case letters is a name, such as "occupancy_volumes.csv" or "fab-1".
    """
    first = text.split(" ", 1)[0].rstrip(",:;")
    return text[0].upper() + text[1:] if re.fullmatch("[a-z]+", first) else text
