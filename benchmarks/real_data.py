# SPDX-License-Identifier: GPL-3.0-or-later
"""Where real maps and models are, which are no part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def real_data() -> Path:
    """The folder that OCCUPY_SHARED_DATA names, or the one beside the repository; it need not be there."""
    return Path(os.environ.get("OCCUPY_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
