# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of the occupancy of a fitted model, from the model's part of report.json. Need matplotlib."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from occupy_core.modelling.describe import interval_text
from occupy_core.reporting.pdf.colours import FRACTION_COLOURS

Report = Mapping[str, Any]

_WIDTH = 7.5  # inches
_ROW, _AROUND = 0.24, 1.3  # inches: height of a part, and of title and axis
_MAX_NUMBERED_MAPS = 12  # columns of a heat map: with more, the cells have no numbers
_MAX_NAMED_MAPS, _MAX_LEVEL_LETTERS = 40, 50  # names below a heat map, and letters of names that are not turned
_WHOLE, _OTHER, _NOT_SHOWN = "C0", "#7aa6c8", "0.5"
_NOT_SHOWN_TEXT = "not shown by the map"
# In viridis, numbers on darker colours than that of this value are white.
_WHITE_BELOW = 0.6


def parts_figure(model: Report, index: int) -> Figure:
    """Draw a bar with its 90 % interval for each part of a model in one map.

    Parameters
    ----------
    model : mapping
        The model's part of report.json.
    index : int
        Index of the map.
    """
    parts = model["parts"]
    figure = Figure(figsize=(_WIDTH, _AROUND + _ROW * len(parts)), layout="constrained")
    axes = figure.subplots()
    for row, part in enumerate(parts):
        item = part["occupancies"][index]
        value = item["occupancy"]
        if value is None:
            axes.text(0.01, row, _NOT_SHOWN_TEXT, va="center", color=_NOT_SHOWN, fontsize=8)
            continue
        colour = _WHOLE if part["name"] in model["whole"] else _OTHER
        axes.barh(row, value, 0.7, color=colour)
        axes.errorbar(
            value,
            row,
            xerr=[[max(0.0, value - item["low"])], [max(0.0, item["high"] - value)]],
            color="black",
            capsize=2.5,
            lw=1,
        )
        axes.text(1.04, row, interval_text(item), va="center", fontsize=8)
    axes.axvline(1, color="0.6", lw=0.8, ls="--", zorder=0)
    axes.set(xlim=(0, 1.32), ylim=(len(parts) - 0.4, -0.6), xticks=np.linspace(0, 1, 6))
    axes.set_yticks(range(len(parts)), [part["name"] for part in parts])
    axes.set_xlabel("occupancy, with 90 % interval; dark: counts as 1")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.suptitle(f"Occupancy of the parts of the model in {model['maps'][index]['name']}", fontsize=11)
    return figure


def heat_map_figure(model: Report) -> Figure:
    """Draw the occupancy of each part (rows) in each map (columns); names of parts that differ are bold."""
    parts, maps = model["parts"], model["maps"]
    values = np.array([_values(part["occupancies"]) for part in parts])
    width = max(_WIDTH, 2.5 + 0.75 * min(len(maps), _MAX_NUMBERED_MAPS))
    figure = Figure(figsize=(width, 1.2 + _AROUND + _ROW * len(parts)), layout="constrained")
    axes = figure.subplots()
    axes.set_facecolor("0.85")
    picture = axes.imshow(values, cmap=FRACTION_COLOURS, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    if len(maps) <= _MAX_NUMBERED_MAPS:
        for (row, column), value in np.ndenumerate(values):
            text = "–" if np.isnan(value) else f"{value:.2f}"
            axes.text(
                column,
                row,
                text,
                ha="center",
                va="center",
                fontsize=8,
                color="white" if value < _WHITE_BELOW else "black",
            )
    shown = range(0, len(maps), -(-len(maps) // _MAX_NAMED_MAPS))
    names = [maps[index]["name"] for index in shown]
    if len(names) * max(map(len, names)) > _MAX_LEVEL_LETTERS:
        axes.set_xticks(shown, names, rotation=40, ha="right", rotation_mode="anchor", fontsize=8)
    else:
        axes.set_xticks(shown, names)
    for row in range(1, len(parts)):
        axes.axhline(row - 0.5, color="white", lw=0.8)
    axes.set_yticks(range(len(parts)), [part["name"] for part in parts])
    differing = {item["part"] for item in model["differences"]}
    for label, part in zip(axes.get_yticklabels(), parts):
        label.set_fontweight("bold" if part["name"] in differing else "normal")
    figure.colorbar(picture, ax=axes, label="occupancy", shrink=min(1.0, 8 / max(1, len(parts))))
    text = (
        "bold: differs between maps by more than noise explains" if differing else "no part differs by more than noise"
    )
    figure.suptitle(f"Occupancy of the parts of the model; {text}", fontsize=10)
    return figure


def traces_figure(model: Report, chains: Sequence[str], maps: Sequence[int]) -> Figure:
    """Draw the occupancy in windows along chains: a panel for each chain, a line for each map.

    With one map its 90 % intervals are shaded.

    Parameters
    ----------
    model : mapping
        The model's part of report.json.
    chains : sequence of str
        Names of the chains to draw, at least one.
    maps : sequence of int
        Indices of the maps to draw, at least one.
    """
    windows = windows_by_chain(model)
    columns = 1 if len(chains) == 1 else 2
    rows = -(-len(chains) // columns)
    figure = Figure(figsize=(_WIDTH * 1.2, _AROUND + 1.25 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, chain in zip(panels, chains):
        for colour, index in enumerate(maps):
            name = model["maps"][index]["name"]
            _draw_trace(axes, windows[chain], index, f"C{colour % 10}", label=name, is_shaded=len(maps) == 1)
        axes.axhline(1, color="0.6", lw=0.8, ls="--", zorder=0)
        axes.set(ylim=(-0.05, 1.15), yticks=(0, 0.5, 1))
        axes.set_title(f"chain {chain}", fontsize=9, pad=2)
        axes.tick_params(labelsize=8)
    for axes in panels[len(chains) :]:
        axes.set_visible(False)
    for axes in panels[max(0, len(chains) - columns) : len(chains)]:
        axes.set_xlabel("residue", fontsize=9)
    figure.supylabel("occupancy", fontsize=9)
    if len(maps) == 1:
        name = model["maps"][maps[0]]["name"]
        figure.suptitle(f"Occupancy along the chains in {name}; shaded: 90 % interval", fontsize=10)
    else:
        figure.suptitle("Occupancy along the chains", fontsize=10)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
    return figure


def windows_by_chain(model: Report) -> Dict[str, List[Report]]:
    """Return the windows of each chain of a model, in the order of the report."""
    chains: Dict[str, List[Report]] = {}
    for window in model["windows"]:
        chains.setdefault(window["chain"], []).append(window)
    return chains


def _draw_trace(axes: Any, windows: Sequence[Report], index: int, colour: str, *, label: str, is_shaded: bool) -> None:
    """Draw a step for each window of a chain in one map, and its 90 % interval where asked for."""
    edges = [[window["first"] - 0.5, window["last"] + 0.5] for window in windows]
    items = [window["occupancies"][index] for window in windows]
    positions = np.ravel(edges)
    axes.plot(positions, np.repeat(_values(items), 2), color=colour, lw=1.2, label=label)
    if is_shaded:
        low, high = (np.repeat(_values(items, name), 2) for name in ("low", "high"))
        axes.fill_between(positions, low, high, color=colour, alpha=0.25, lw=0)


def _values(items: Sequence[Report], name: str = "occupancy") -> List[float]:
    """Return a value of each occupancy; NaN where the map does not show the part."""
    return [np.nan if item[name] is None else item[name] for item in items]
