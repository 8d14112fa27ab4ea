# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the table of settings in docs/settings.md from the settings themselves: `make settings-table`."""

from __future__ import annotations

from pathlib import Path

from occupy_core.settings.settings import descriptions
from relion_external.option_parser import default_text

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
START, END = "<!-- settings: made by `make settings-table` -->", "<!-- end of settings -->"


def settings_table() -> str:
    """Return the table: RELION option, label on Scipion's form, values, default, meaning."""
    lines = ["| RELION option | on Scipion's form | values | default | meaning |", "| --- | --- | --- | --- | --- |"]
    for name, item in descriptions().items():
        # The parameters of the protocol "model occupancy" have these labels, though the core's form leaves them out.
        has_label = not item.command_only or item.group == "model"
        label = item.label if has_label else "(choose the maps)"
        lines.append(f"| `--{name}` | {label} | {item.values} | {default_text(name)} | {item.help} |")
    return "\n".join(lines)


def with_table(text: str) -> str:
    """Return the text of a page with the current table between its two markers."""
    before, rest = text.split(START, 1)
    return f"{before}{START}\n{settings_table()}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
