# SPDX-License-Identifier: GPL-3.0-or-later
"""The STAR tables of a comparison of many volumes: parts, clusters, and the images to display."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping

from relion_files.star_writer import Rows

Report = Mapping[str, Any]

_PART_COLUMNS = (
    "rlnReferenceImage",
    "occupyPartNumber",
    "occupyMoves",
    "occupyVolumeCubicAngstrom",
    "occupyCentreXAngstrom",
    "occupyCentreYAngstrom",
    "occupyCentreZAngstrom",
    "occupyOccupancy",
    "occupyVolumesWithPart",
)
_RULE_COLUMNS = ("occupyPartNumber", "occupyRule", "occupyOtherPartNumber", "occupyExceptions", "occupyVolumes")
_MISSING = "nan"  # of a part that moves, which has no occupancy


def part_tables(ensemble: Report, job_dir: str) -> Dict[str, Rows]:
    """Return the tables of occupancy_parts.star: a row for each part, with its mask, and a row for each rule.

    Parameters
    ----------
    ensemble : mapping
        The ensemble's part of report.json.
    job_dir : str
        The output folder as RELION names it, relative to the project.
    """
    parts = [
        (
            os.path.join(job_dir, part["mask"]),
            part["number"],
            int(part["moves"]),
            part["volume_cubic_angstrom"],
            *part["centre_xyz_angstrom"],
            _MISSING if part["moves"] else part["mean_occupancy"],
            0 if part["moves"] else part["volumes_with_it"],
        )
        for part in ensemble["parts"]
    ]
    rules = [
        (rule["part"], rule["kind"], rule["other"], rule["exceptions"], rule["volumes"]) for rule in ensemble["rules"]
    ]
    tables: Dict[str, Rows] = {"occupancy_parts": (_PART_COLUMNS, parts)}
    return {**tables, "occupancy_rules": (_RULE_COLUMNS, rules)} if rules else tables


def cluster_table(ensemble: Report, job_dir: str) -> Rows:
    """Return the table of clusters for occupancy_maps.star: a row for each mean map, with the occupancies of the parts.

    Parameters as in `part_tables`.
    """
    present = [part["number"] for part in ensemble["parts"] if not part["moves"]]
    of_parts = (f"occupyPart{number:03d}" for number in present)
    columns = ("rlnReferenceImage", "occupyCluster", "occupyVolumes", *of_parts)
    rows = [
        (os.path.join(job_dir, item["mean"]), item["number"], item["volumes"], *item["occupancies"])
        for item in ensemble["clusters"]
    ]
    return columns, rows


def image_rows(ensemble: Report, job_dir: str) -> Rows:
    """Return the table of all maps and masks of an ensemble, to display them side by side; parameters as before."""
    rows = [
        *((item["mean"], f"mean of cluster {item['number']}") for item in ensemble["clusters"]),
        *((part["mask"], f"mask of part {part['number']}") for part in ensemble["parts"]),
    ]
    return ("rlnReferenceImage", "occupyImage"), [(os.path.join(job_dir, name), title) for name, title in rows]
