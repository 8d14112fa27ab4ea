# SPDX-License-Identifier: GPL-3.0-or-later
from occupy_scipion.viewers.viewer_local_scale import OccupyLocalScaleViewer

# Scipion offers viewers in the order of the names found here: this one before ChimeraViewer.
from occupy_scipion.viewers.viewer_volume import OccupyVolumeViewer as AOccupyVolumeViewer

__all__ = ["AOccupyVolumeViewer", "OccupyLocalScaleViewer"]
