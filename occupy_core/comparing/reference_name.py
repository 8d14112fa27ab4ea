# SPDX-License-Identifier: GPL-3.0-or-later
"""Name the reference class of a comparison, whose density counts as 1, from its part of report.json."""

from __future__ import annotations

from typing import Any, Mapping

Report = Mapping[str, Any]


def reference_map(report: Report) -> Report:
    """Return the item of "maps" that is the reference class."""
    return next(item for item in report["maps"] if item["input"] == report["reference"])


def relative_to(report: Report) -> str:
    """Return the class that the occupancies after a focused classification are relative to; empty after others.

    Within the mask, no part need be the same in all classes: nothing tells whether the class itself is mixed.
    """
    return str(reference_map(report)["name"]) if report.get("focused") else ""
