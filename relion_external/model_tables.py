# SPDX-License-Identifier: GPL-3.0-or-later
"""The STAR tables of a fitted model: a row for each part and map, a row for each window along the chains and map."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence

from relion_files.star_writer import Rows


def table_of(rows: Sequence[Mapping[str, object]]) -> Rows:
    """Return a table with the columns of all rows; a row without a column has a missing value there."""
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    return columns, [tuple(row.get(name) for name in columns) for row in rows]


def model_tables(report: Mapping[str, Any]) -> Dict[str, Rows]:
    """Return the tables of model_occupancy.star from the report of a fitted model."""
    numbers = [item["number"] for item in report["maps"]]
    parts = [
        {
            "occupyGroup": part["name"],
            **_class_number(number),
            "occupyAtoms": part["atoms"],
            "occupyMass": part["mass_kilodalton"],
            **occupancy_columns(occupancy),
            "occupyScaleMedian": occupancy["local_scale"],
            "occupyResidues": part["residues"],  # the last column: RELION's shell scripts split quoted texts at blanks
        }
        for part in report["parts"]
        for number, occupancy in zip(numbers, part["occupancies"])
    ]
    windows = [
        {
            "occupyChain": window["chain"],
            **_class_number(number),
            "occupyResidueFirst": window["first"],
            "occupyResidueLast": window["last"],
            "occupyAtoms": window["atoms"],
            **occupancy_columns(occupancy),
        }
        for window in report["windows"]
        for number, occupancy in zip(numbers, window["occupancies"])
    ]
    tables = {"occupancy_groups": table_of(parts)}
    return {**tables, "occupancy_windows": table_of(windows)} if windows else tables


def _class_number(number: object) -> Dict[str, object]:
    return {} if number is None else {"rlnClassNumber": number}


def occupancy_columns(occupancy: Mapping[str, Any]) -> Dict[str, object]:
    return {
        "occupyOccupancy": occupancy["occupancy"],
        "occupyOccupancyLow": occupancy["low"],
        "occupyOccupancyHigh": occupancy["high"],
    }
