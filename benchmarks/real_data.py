# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of real maps and models, which are not part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def real_data() -> Path:
    """Return the folder named by OCCUPY_SHARED_DATA, else `shared/data` beside the repository; it may not exist."""
    return Path(os.environ.get("OCCUPY_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
