# SPDX-License-Identifier: GPL-3.0-or-later
"""Understand names of files as people type them, and say what is wrong with a file. Standard library only."""

from __future__ import annotations

import difflib
import glob
import os
import re
import sys
from typing import Callable, Iterator, List, Sequence

from occupy_core.input_files import other_kind
from occupy_core.settings.typed_values import plain_text

# Endings of the names that Scipion and RELION write for files whose format the name does not show.
_FORMATS = (":mrc", ":mrcs", ":map", ":ccp4")
_MOST_NAMES = 4  # in a hint
_MOST_FILES = 10_000  # of a folder that are looked at for a hint


def typed_path(text: str) -> str:
    """Return the path that a user means: without quotes, ":mrc", "~" and "file://", if that leads to a file.

    A file that has exactly the name is always taken, and so is the only file that fits a pattern with wildcards.
    Returns the text without blanks and quotes if no file is found.
    """
    for path in _candidates(text):
        if os.path.lexists(path):
            return path
    matches = matching_files(plain_text(text))
    return matches[0] if len(matches) == 1 else plain_text(text) or text


def typed_paths(text: str) -> List[str]:
    """Return the paths that a user means: names separated by commas, or all files that fit a pattern with wildcards."""
    path = typed_path(text)
    if os.path.lexists(path):
        return [path]
    parts = [part for part in plain_text(text).split(",") if part.strip()]
    if len(parts) > 1:
        return [path for part in parts for path in typed_paths(part)]
    return matching_files(path) or ([path] if path.strip() else [])


def matching_files(pattern: str) -> List[str]:
    """Return the files that fit a pattern with the wildcards *, ? or [], in the order of their names."""
    return sorted(glob.glob(pattern)) if glob.has_magic(pattern) else []


def name_problem(path: str) -> str:
    """Return why no file of this name can be used in RELION; empty if nothing is wrong with the name.

    Names go into STAR files, which have one name a line.
    """
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in path):
        found = "the name has a control character, such as a line break"
        return f"{printable(path)}: {found}, expected letters; rename the file"
    return encoding_problem(path)


def encoding_problem(path: str) -> str:
    """Return why a name cannot be written into reports, which are in UTF-8; empty if it can."""
    shown = printable(path)
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        if _is_utf8(path):
            return (
                f"{shown}: the name has letters that this locale cannot hold, expected a locale with UTF-8; "
                "set LC_ALL=C.UTF-8"
            )
        return f"{shown}: the name is not in UTF-8, expected letters in UTF-8; rename the file or its folder"
    return ""


def file_problem(path: str, expected: str, fits: Callable[[str], bool] = lambda name: True) -> str:
    """Return why a file cannot be read, in one line with a way out; empty if nothing is wrong.

    The file is not opened, so that a named pipe cannot hold up the caller.

    Parameters
    ----------
    path : str
    expected : str
        What the file should be, such as "a map in MRC or CCP4 format".
    fits : callable
        Takes a file's name and returns whether it may be such a file; for the names in hints.
    """
    problem = name_problem(path)
    if problem:
        return problem
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        return _missing_text(path, expected, fits, error)
    kind = other_kind(mode)
    if kind == "a folder":
        hint = _names_text(path, [name for name in _names_in(path) if fits(name)])
        return f"{path}: found a folder, expected {expected}; {hint or 'give a file in the folder'}"
    if kind is not None:
        return f"{path}: found {kind}, expected {expected}; give the path of a file"
    if not os.access(path, os.R_OK):
        return f"{path}: cannot be read (Permission denied), expected {expected}; allow reading it (chmod +r)"
    return ""


def printable(text: str) -> str:
    """Return a text in which what cannot be printed is escaped, such as \\n and \\udcfc."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _candidates(text: str) -> Iterator[str]:
    yield text
    yield text.strip()
    plain = plain_text(text)
    yield from _without_format(plain)
    if plain.startswith("file://"):
        from urllib.parse import unquote  # hardly ever needed

        yield from _without_format(unquote(plain[len("file://") :]))


def _without_format(path: str) -> Iterator[str]:
    for end in ("", *_FORMATS):
        if path.lower().endswith(end):
            yield from (path[: len(path) - len(end)], os.path.expanduser(path[: len(path) - len(end)]))


def _is_utf8(path: str) -> bool:
    """Return whether the bytes of a name are UTF-8, which the locale did not let Python read as such."""
    try:
        os.fsencode(path).decode("utf-8")
    except UnicodeError:
        # A text from a file, which the locale cannot encode.
        return not any("\udc80" <= letter <= "\udcff" for letter in path)
    return sys.getfilesystemencoding().lower() != "utf-8"


def _missing_text(path: str, expected: str, fits: Callable[[str], bool], error: OSError) -> str:
    """Return the message for a file that is not there, with the names of similar files that are."""
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return f"{path}: cannot be read ({error.strerror}), expected {expected}; check the path"
    matches = matching_files(path)
    if matches:
        return f"{path}: {len(matches)} files fit this pattern, expected one file; give one of {_listed(matches)}"
    if re.match(r"(https?|ftp|s3)://", path, re.IGNORECASE):
        return f"{path}: found an address in the internet, expected {expected}; download the file and give its path"
    folder, name = os.path.split(path)
    if folder and not os.path.isdir(folder):
        return (
            f"{path}: no such file, because there is no folder {folder}, expected {expected}; "
            "check the path, and run the command in the project's folder"
        )
    there = _names_in(folder or os.curdir)
    alike = [other for other in there if os.path.splitext(other)[1] == os.path.splitext(name)[1]]
    fitting = [other for other in there if fits(other)]
    near = (
        difflib.get_close_matches(name, [other for other in alike if other in fitting], n=_MOST_NAMES)
        or fitting
        or difflib.get_close_matches(name, alike, n=_MOST_NAMES)
    )
    hint = _names_text(folder, near)
    return f"{path}: no such file, expected {expected}; {hint or 'check the path'}"


def _names_text(folder: str, names: Sequence[str]) -> str:
    return f"in {folder or 'this folder'} there is {_listed(names)}" if names else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(printable(name) for name in names[:_MOST_NAMES]) + more


def _names_in(folder: str) -> List[str]:
    """Return the names of the files in a folder: RELION's final results first, then its iterations, the last first."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for _, entry in zip(range(_MOST_FILES), entries) if not entry.name.startswith(".")]
    except OSError:
        return []
    final = sorted(name for name in names if "_it" not in name)
    return final + sorted((name for name in names if "_it" in name), reverse=True)
