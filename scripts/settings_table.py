# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the table of settings in README.md from the settings themselves: `make readme`."""

from __future__ import annotations

from pathlib import Path

from occupy_core.settings.settings import descriptions
from relion_external.options import default_text

README = Path(__file__).resolve().parents[1] / "README.md"
START, END = "<!-- settings: made by `make readme` -->", "<!-- end of settings -->"


def settings_table() -> str:
    """The table: RELION option, name on Scipion's form, values, default, meaning."""
    lines = ["| RELION option | on Scipion's form | values | default | meaning |", "| --- | --- | --- | --- | --- |"]
    for name, item in descriptions().items():
        label = "(choose the maps)" if item.command_only else item.label
        lines.append(f"| `--{name}` | {label} | {item.values} | {default_text(name)} | {item.help} |")
    return "\n".join(lines)


def with_table(text: str) -> str:
    """A README with the table between its marks."""
    before, rest = text.split(START, 1)
    return f"{before}{START}\n{settings_table()}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
