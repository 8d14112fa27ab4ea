# SPDX-License-Identifier: GPL-3.0-or-later
"""A line for users about a target mask."""

from __future__ import annotations

import os
from typing import Any, Mapping


def target_text(target: Mapping[str, Any]) -> str:
    """Return one line for users about a target mask, from its report (`target_report`)."""
    name = os.path.basename(target["mask"])
    quartiles = f"quartiles {target['scale_lower_quartile']:.2f} to {target['scale_upper_quartile']:.2f}"
    if target["occupancy_interval_90"] is None:
        published = target["occupancy_published"]
        text = f"median scale {target['scale_median']:.2f} ({quartiles})"
        return f"{name}: {text}" + ("" if published is None else f", target occupancy as published {published:.2f}")
    low, high = target["occupancy_interval_90"]
    occupancy = f"occupancy {target['scale_median']:.2f} (90 % interval {low:.2f} to {high:.2f}; {quartiles})"
    return f"{name}: {occupancy}, if the best region of the map, which counts as 1, is fully occupied"
