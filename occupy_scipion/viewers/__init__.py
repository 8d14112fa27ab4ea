# SPDX-License-Identifier: GPL-3.0-or-later
"""Viewers of the plugin. Scipion finds the classes that are imported here."""

from occupy_scipion.viewers.viewer_compare_classes import OccupyCompareClassesViewer
from occupy_scipion.viewers.viewer_local_scale import OccupyLocalScaleViewer
from occupy_scipion.viewers.viewer_model import OccupyModelOutputViewer, OccupyModelViewer
from occupy_scipion.viewers.viewer_volume import OccupyVolumeViewer

__all__ = [
    "OccupyCompareClassesViewer",
    "OccupyLocalScaleViewer",
    "OccupyModelOutputViewer",
    "OccupyModelViewer",
    "OccupyVolumeViewer",
]
