# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe a comparison of many volumes in words, from its part of report.json, for RELION, Scipion and the PDF."""

from __future__ import annotations

from typing import Any, List, Mapping

from occupy_core.comparing.particle_groups import particle_lines
from occupy_core.ensembles.limits import SEEN_MOTION

Report = Mapping[str, Any]

_RULES = {
    "excludes": "part {part} and part {other} exclude each other",
    "requires": "part {part} comes only together with part {other}",
    "equals": "part {part} and part {other} come and go together",
}


def found_text(report: Report) -> str:
    """Say in one sentence what was found.

    Parameters
    ----------
    report : mapping
        The ensemble's part of report.json.
    """
    count = len(report["volumes"])
    present, moving = ([part for part in report["parts"] if part["moves"] == moves] for moves in (False, True))
    if not report["parts"]:
        return f"no part comes and goes, and none moves, in {count} volumes by more than noise explains"
    texts = []
    if present:
        verb = "comes and goes" if len(present) == 1 else "come and go"
        texts.append(f"{_counted(len(present), 'part')} {verb}, in {_counted(len(report['clusters']), 'composition')}")
    if moving:
        texts.append(f"{_counted(len(moving), 'part')} move{'s' * (len(moving) == 1)}")
    return f"in {count} volumes {' and '.join(texts)}"


def ensemble_lines(report: Report) -> List[str]:
    """Describe the parts: a line for each part, cluster and rule. `found_text` sums them up in a sentence.

    Parameters
    ----------
    report : mapping
        The ensemble's part of report.json.
    """
    return [
        grey_scale_text(report),
        motion_text(report),
        *(part_text(part, report) for part in report["parts"]),
        *(cluster_text(cluster) for cluster in report["clusters"] if len(report["clusters"]) > 1),
        *(rule_text(rule) for rule in report["rules"]),
        *particle_lines(report),
    ]


def grey_scale_text(report: Report) -> str:
    """Say by which factors the grey scales of the volumes differed."""
    factors = [item["grey_factor"] for item in report["volumes"]]
    return (
        f"one grey scale for all volumes: they were divided by {min(factors):.3g} to {max(factors):.3g}, by their "
        "densities in the part that all share"
    )


def motion_text(report: Report) -> str:
    """Say which motions the comparison may miss."""
    lowpass = report["lowpass_angstrom"]
    return (
        f"motions of less than about {SEEN_MOTION * lowpass:.2g} Å (root mean square displacement) may be missed at a "
        f"low-pass of {lowpass:.3g} Å"
    )


def part_text(part: Report, report: Report) -> str:
    """Describe a part in one line; `report` is the ensemble's part of report.json."""
    size = f"part {part['number']}: {part['volume_cubic_angstrom']:,.0f} Å^3"
    if part["moves"]:
        return (
            f"{size}; moves: density leaves one place and appears in another at an equal total, so it has no occupancy"
        )
    of_particles = report.get("means_are_over") == "particles"
    mean = "occupancy over all particles" if of_particles else "mean occupancy of the volumes"
    text = (
        f"{size}; in {part['volumes_with_it']} of {len(report['volumes'])} volumes (occupancy above 0.5); {mean} "
        f"{part['mean_occupancy']:.2f}"
    )
    if part["uneven_volumes"]:
        text += (
            f"; its pieces differ in occupancy in {_counted(part['uneven_volumes'], 'volume')}: it may be several "
            "parts, and the intervals are wider there"
        )
    return text


def cluster_text(cluster: Report) -> str:
    """Describe a cluster in one line: its size, and the mean occupancy of each part."""
    occupancies = ", ".join(
        f"part {number} {value:.2f}" for number, value in enumerate(cluster["occupancies"], start=1)
    )
    return f"cluster {cluster['number']}: {_counted(cluster['volumes'], 'volume')}; mean occupancy of {occupancies}"


def rule_text(rule: Report) -> str:
    """Describe a rule on two parts in one line."""
    exceptions = _counted(rule["exceptions"], "exception") if rule["exceptions"] else "no exception"
    return f"{_RULES[rule['kind']].format(**rule)} ({exceptions} in {_counted(rule['volumes'], 'volume')})"


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'s' * (count != 1)}"
