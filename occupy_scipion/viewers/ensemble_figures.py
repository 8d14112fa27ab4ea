# SPDX-License-Identifier: GPL-3.0-or-later
"""The figure of a comparison of many volumes, from the files of a run."""

from __future__ import annotations

import os
from typing import Any, Mapping

from matplotlib.figure import Figure

from occupy_core.maps.reading import read_map
from occupy_core.reporting.ensemble_view import ensemble_view
from occupy_core.reporting.pdf.ensemble_page import ensemble_figure
from occupy_core.reporting.pdf.logfile import fixed_style


def figure_of_ensemble(ensemble: Mapping[str, Any], folder: str) -> Figure:
    """Draw the mean of all volumes with the parts, the heat map of the occupancies, and the volumes as dots.

    Parameters
    ----------
    ensemble : mapping
        The ensemble's part of report.json.
    folder : str
        The folder with the run's files.

    Raises
    ------
    MapError
        If a mean map or a mask was removed or cannot be read.
    """
    size = ensemble["voxel_size_angstrom"]
    mean = None
    for cluster in ensemble["clusters"]:
        share = cluster["volumes"] / len(ensemble["volumes"])
        weighted = read_map(os.path.join(folder, cluster["mean"]), voxel_size=size).data * share
        mean = weighted if mean is None else mean + weighted
    masks = [read_map(os.path.join(folder, part["mask"]), voxel_size=size).data for part in ensemble["parts"]]
    with fixed_style():
        return ensemble_figure(ensemble, ensemble_view(mean.astype("float32"), masks, spacing=size))
