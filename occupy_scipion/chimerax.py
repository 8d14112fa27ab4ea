# SPDX-License-Identifier: GPL-3.0-or-later
"""Command files for ChimeraX."""

from __future__ import annotations

import os
from typing import Mapping

from occupy_scipion.sources import SourceMap, core_reads


def coloured_by_scale(source: SourceMap, files: Mapping[str, str]) -> str:
    """Commands that open a map and colour its surface by the local scale; `files` are the outputs by kind."""
    # ChimeraX knows fewer formats than Scipion: without the input, show the map as it was modified.
    modified = [path for kind, path in files.items() if kind not in ("scale", "confidence")]
    shown = source.path if core_reads(source) else [*modified, files["scale"]][0]
    lines = [f'open "{os.path.abspath(shown)}"']
    if source.voxel_size:
        lines.append(f"volume #1 voxelSize {source.voxel_size:g}")
    lines += [
        f'open "{os.path.abspath(files["scale"])}"',
        "hide #2 models",
        "color sample #1 map #2 palette viridis range 0,1",
        "key viridis :0 :0.5 :1",
        "view",
    ]
    return "\n".join(lines) + "\n"
