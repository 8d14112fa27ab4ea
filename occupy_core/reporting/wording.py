# SPDX-License-Identifier: GPL-3.0-or-later
"""Write lists and occupancies in the sentences of a result."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

NAMED = 3  # parts, regions or maps in a sentence


def listed(texts: Sequence[str]) -> str:
    """Return the first texts, and how many more there are."""
    more = len(texts) - NAMED
    return "; ".join([*texts[:NAMED], *([f"and {more} more"] if more > 0 else [])])


def value_text(item: Mapping[str, Any]) -> str:
    """Return an occupancy with its interval; `item` has "low", "occupancy" and "high"."""
    return f"{item['occupancy']:.2f} ({item['low']:.2f}-{item['high']:.2f})"
