# SPDX-License-Identifier: GPL-3.0-or-later
"""Read one map of a job, process it, and write its maps."""

from __future__ import annotations

import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Volume
from occupy_core.estimate.reference import Reference
from occupy_core.job.outputs import MapOutputs
from occupy_core.map_estimate import Estimate
from occupy_core.maps.density_map import DensityMap
from occupy_core.maps.reading import read_map, read_on_grid
from occupy_core.maps.writing import MapWriter, open_written
from occupy_core.process import Producer, Result, process_map
from occupy_core.progress import Say, Step
from occupy_core.reporting.report import map_report, target_report
from occupy_core.reporting.sections import (
    MapSections,
    SectionsOfSlabs,
    assemble_sections,
    keep_on_disk,
    sections_at,
    surface_of_map,
    tile_section_index,
)
from occupy_core.reporting.target_text import target_text
from occupy_core.reporting.where_to_cut import cut_through_molecule, middle_cut
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.output_names import MAP_OUTPUTS, output_kinds
from occupy_core.settings.settings import Settings

Panels = Dict[str, Tuple[NDArray[np.float32], ...]]


def map_file_names(item: MapInput, settings: Settings) -> Dict[str, str]:
    """Return the names of the files that a job writes for a map, by kind: keys of `output_names.MAP_OUTPUTS`."""
    return {kind: item.prefix + MAP_OUTPUTS[kind].file_name for kind in output_kinds(settings)}


def process_map_file(
    item: MapInput, job: Job, folder: Path, *, reference: Optional[Reference], say: Say, step: Step
) -> MapOutputs:
    """Process one map of a job and write its maps.

    Parameters
    ----------
    item : MapInput
        One of the job's maps.
    job : Job
    folder : Path
        Existing folder to write to.
    reference : Reference, optional
        Full scale shared by several maps; the map's own when not given.
    say : callable
        Called with lines for the user.
    step : callable
        Called with the fraction of the work that is done and the name of the next step.

    Raises
    ------
    MapError, SettingsError
        As in `process.process_map`.
    """
    source = read_map(item.path, voxel_size=item.voxel_size, invert=item.invert, releasable=True, threads=job.threads)
    names = map_file_names(item, job.settings)
    store = _FileStore({kind: folder / name for kind, name in names.items()}, source, job.settings)
    result = process_map(
        source,
        job.settings,
        reference=reference,
        resolution=item.class_info.resolution if item.class_info else None,
        threads=job.threads,
        step=step,
        store=store,
        estimated=store.choose_cut,
    )
    for line in _summary_lines(result):
        say(f"  {line}")
    report = map_report(result, names, item.prefix, item.name, threads=job.threads)
    if item.class_info is not None:
        # The record of the job has the signal-to-noise ratios, which would fill the page for a person who reads this.
        report["class"] = {name: value for name, value in asdict(item.class_info).items() if name != "ssnr"}
    sections = store.sections(result, report, threads=job.threads) if job.settings.figures else None
    return MapOutputs(item, names, report, keep_on_disk(sections) if sections else None)


class _FileStore:
    """Writes each map to its file, and copies the sections for the figures where the settings ask for figures.

    Parameters
    ----------
    paths : dict of str to Path
        File of each kind of map.
    source : DensityMap
        The input.
    settings : Settings
    """

    def __init__(self, paths: Dict[str, Path], source: DensityMap, settings: Settings) -> None:
        self._paths, self._source, self._settings = paths, source, settings
        self._cut = middle_cut(source.grid.shape)
        self._panels: Panels = {}
        self._outlines: Panels = {}

    def choose_cut(self, estimate: Estimate) -> None:
        """Choose where the maps are cut for the figures; before any map is stored."""
        if not self._settings.figures:
            return
        paths = self._settings.target_mask
        masks = {path: read_on_grid(path, self._source, "target mask").data for path in paths}
        self._cut = cut_through_molecule(estimate.confidence, self._source.grid.shape, masks=list(masks.values()))
        self._panels["input"] = sections_at(self._source.data, self._cut)
        self._outlines = {os.path.basename(path): sections_at(mask, self._cut) for path, mask in masks.items()}

    def __call__(self, kind: str, produce: Producer) -> Volume:
        """Write one map, and return it."""
        with MapWriter(self._paths[kind], self._source.grid, label=MAP_OUTPUTS[kind].title) as writer:
            if self._settings.figures:
                sections = SectionsOfSlabs(self._cut)
                produce(_write_and_cut(writer.write_slab, sections.add_slab))
                self._panels[kind] = sections.images
            else:
                produce(writer.write_slab)
        return open_written(self._paths[kind], self._source.grid.shape)

    def sections(self, result: Result, report: Dict[str, Any], *, threads: int) -> MapSections:
        """Return what the figures show of the map, after all maps are stored."""
        panels = {kind: self._panels[kind] for kind in ("input", *self._paths)}
        surface = surface_of_map(self._source.data, result.scale, report, threads=threads)
        tile = tile_section_index(report)
        return assemble_sections(panels, self._cut, self._source.data, tile, self._outlines, surface)


def _write_and_cut(
    write: Callable[[slice, Volume], object], cut: Callable[[slice, Volume], object]
) -> Callable[[slice, Volume], None]:
    def sink(slab: slice, values: Volume) -> None:
        cut(slab, values)
        write(slab, values)

    return sink


def _summary_lines(result: Result) -> List[str]:
    parameters = result.parameters
    median = f"median scale {result.median_scale:.3f}"
    if math.isnan(result.median_scale):
        median = "no voxel is confidently more than solvent"
    zero = f"zero at {result.reference.zero:.4g}, " if result.settings.normalisation == "calibrated" else ""
    near = result.solvent.near_sigma
    return [
        f"{parameters.mode} mode, low-pass {parameters.lowpass:.4g} Å, kernel {parameters.kernel_size} voxels a side "
        f"({parameters.kernel_voxels} voxels), tau {parameters.tau:.4g}",
        f"reference value {result.reference.value:.4g}, {zero}{median}, "
        f"solvent {result.solvent.mean:.4g} ± {result.solvent.sigma:.3g}"
        + ("" if near is None else f", near the molecule ± {near:.3g}"),
        *(target_text(target_report(target)) for target in result.targets),
        *(f"WARNING: {text}" for text in result.warnings),
    ]
