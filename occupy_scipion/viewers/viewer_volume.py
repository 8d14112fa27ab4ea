# SPDX-License-Identifier: GPL-3.0-or-later
"""A viewer of one output map."""

from __future__ import annotations

import os
from typing import Optional

from pwem.objects import Volume
from pyworkflow.viewer import DESKTOP_TKINTER, Viewer

from occupy_core.errors import MapError
from occupy_core.reporting.pdf.sections_figure import MASK, SIGNED, SPREAD, Colours, SectionsFigure
from occupy_core.settings.output_names import (
    MAP_OUTPUTS,
    SPREAD_MAP,
    is_cluster_mean,
    is_difference_map,
    is_part_mask,
    is_region_mask,
)
from occupy_scipion.protocols import ProtOccupyCompareClasses, ProtOccupyLocalScale, ProtOccupyModel
from occupy_scipion.source_files import voxels_of
from occupy_scipion.sources import source_of
from occupy_scipion.viewers.views import SectionsView

# Outputs whose comments say what they show.
_NAMED_BY_COMMENT = (is_difference_map, is_region_mask, is_part_mask, is_cluster_mean)


class OccupyVolumeViewer(Viewer):
    """Show slices of one output map of this plugin, also if neither Xmipp nor ChimeraX is installed."""

    _name = "OccuPy slices"
    _environments = [DESKTOP_TKINTER]
    _targets = [Volume]

    @classmethod
    def can_handle_this_instance(cls, instance):
        """Return whether the volume is an output of this plugin."""
        name = instance.getFileName() or ""
        kinds = (ProtOccupyLocalScale, ProtOccupyCompareClasses, ProtOccupyModel)
        is_ours = any(kind.__name__ in name for kind in kinds)
        return is_ours and bool(_title(instance))

    def _visualize(self, obj, **kwargs):
        source = source_of(obj)
        try:
            sections = SectionsFigure(
                {_title(obj): voxels_of(source)},
                title=source.name,
                voxel_size=source.voxel_size,
                colours=_colours(os.path.basename(obj.getFileName())),
            )
        except MapError as error:
            return [self.errorMessage(str(error), "Cannot show the map")]
        return [SectionsView(sections, source.name, self._tkRoot)]


def _title(volume: Volume) -> str:
    """Return the kind of output in words; empty for a volume that is no output of this plugin."""
    name = os.path.basename(volume.getFileName())
    if name == SPREAD_MAP or any(is_named(name) for is_named in _NAMED_BY_COMMENT):
        return volume.getObjComment()
    titles = {kind.file_name: kind.title for kind in MAP_OUTPUTS.values() if name.endswith(kind.file_name)}
    return titles[max(titles, key=len)] if titles else ""


def _colours(name: str) -> Optional[Colours]:
    """Return the colours of an output that is no output of a single map, by the name of its file; None for those."""
    if is_difference_map(name):
        return SIGNED
    if name == SPREAD_MAP:
        return SPREAD
    return MASK if is_region_mask(name) or is_part_mask(name) else None
