# SPDX-License-Identifier: GPL-3.0-or-later
from occupy_scipion.viewers.viewer_compare_classes import OccupyCompareClassesViewer
from occupy_scipion.viewers.viewer_local_scale import OccupyLocalScaleViewer
from occupy_scipion.viewers.viewer_volume import OccupyVolumeViewer

__all__ = ["OccupyCompareClassesViewer", "OccupyLocalScaleViewer", "OccupyVolumeViewer"]
