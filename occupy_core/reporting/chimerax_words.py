# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of ChimeraX's command files: names of files and comments that stay on one line."""

from __future__ import annotations

import os


def quoted(text: str) -> str:
    """Quote and escape a text so that ChimeraX reads it as one word, whatever characters it has.

    ChimeraX understands the escapes of Python strings. The quotes are single when the text has double quotes; when the
    text has both kinds, its double quotes are written as \\x22.
    """
    escaped = "".join(letter if letter.isprintable() else _escape(letter) for letter in text.replace("\\", "\\\\"))
    if '"' not in escaped:
        return f'"{escaped}"'
    return f"'{escaped}'" if "'" not in escaped else '"{}"'.format(escaped.replace('"', "\\x22"))


def relative_path(path: str, folder: str) -> str:
    """Return the path of a file relative to a folder, both with links to folders resolved.

    The result begins with "." or "..", since ChimeraX takes other words for the identifiers of databases.
    """
    target = os.path.join(os.path.realpath(os.path.dirname(path) or "."), os.path.basename(path))
    relative = os.path.relpath(target, os.path.realpath(folder))
    return relative if relative.startswith(os.pardir) else os.path.join(os.curdir, relative)


def comment(text: str) -> str:
    """Return a text that stays on one line: a space for each character that cannot be printed."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _escape(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
