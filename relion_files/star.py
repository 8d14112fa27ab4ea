# SPDX-License-Identifier: GPL-3.0-or-later
"""Read STAR files. All STAR files of this project are read here; values stay the texts that they are.

The library starfile (0.5.13) is not used for a job's files. It reads whole tables of numbers well, but

- it changes names: an apostrophe in a table becomes a double quote, 0001 becomes 1, a value ends at a NUL byte;
- it stops at an apostrophe in a name outside of tables, at a comment behind a value there, at # inside a name, at an
  apostrophe inside a quoted text, and at a label without a value;
- it returns nothing, without an error, for UTF-16 and Latin-1; of two blocks of one name it returns the last one; a
  value that is missing in a row is NaN; a first row that begins with an underscore is taken for a label;
- loading it takes 0.3 to 0.7 s and 90 MB, as long as a whole job on a small map.
"""

from __future__ import annotations

import codecs
import io
import math
import re
from dataclasses import dataclass
from typing import Collection, Dict, Iterator, List, Mapping, Optional, Tuple

from occupy_core.errors import OccupyError
from occupy_core.input_files import open_regular_file

_LONGEST_LINE = 1 << 20  # bytes; RELION's lines have less than 10,000
_SHOWN = 120  # characters of a value in a message
_SHARED_TEXTS = 4096  # equal values, such as class numbers, share one text in memory
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# A quote ends a text only before white space: the one in 3'UTR.mrc is part of the name. RELION writes the character \a
# before a quote inside a text.
_CLOSING = {b'"': re.compile(rb'(?<!\a)"(?=\s|$)'), b"'": re.compile(rb"(?<!\a)'(?=\s|$)")}
_WORD = re.compile(rb"\S+")


class StarError(OccupyError):
    """A STAR file cannot be read, or has a value that cannot be right."""


@dataclass(frozen=True)
class Table:
    """A block of a STAR file.

    Attributes
    ----------
    path : str
        Path of the file.
    columns : mapping of str to list of str
        The values below each label, without its underscore, as texts; one value each in a block without a loop.
        Bytes that are no UTF-8 are surrogates, as in Python's file names.
    """

    path: str
    columns: Mapping[str, List[str]]

    def __contains__(self, label: str) -> bool:
        return label in self.columns

    def first(self, label: str) -> Optional[str]:
        """Return the first value below a label; None if the label or its value is missing."""
        values = self.columns.get(label)
        return values[0] if values and values[0] else None

    def number(self, label: str, row: int = 0) -> float:
        """Return a value as a finite number.

        Raises
        ------
        StarError
            If it is none.
        """
        text = self.columns[label][row]
        number = to_number(text)
        if number is None:
            raise StarError(f"{self.path}: {label} is {shown(text)}{_in_row(row)}, expected a number such as 0.5")
        return number

    def numbers(self, label: str) -> List[Optional[float]]:
        """Return the values below a label as finite numbers, None for a value that is none; empty without it."""
        return [to_number(text) for text in self.columns.get(label, ())]

    def count(self, label: str) -> int:
        """Return a value as a whole number, 0 or more.

        Raises
        ------
        StarError
            If it is none.
        """
        number = self.number(label)
        if number < 0 or number != int(number):
            raise StarError(f"{self.path}: {label} is {shown(self.columns[label][0])}, expected a whole number")
        return int(number)


def to_number(text: str) -> Optional[float]:
    """Return a text as a finite number; None if it is none."""
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    return number if math.isfinite(number) else None


def shown(text: str) -> str:
    """Return a value as a message shows it: quoted, at most 120 characters of it, without control characters."""
    start = "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in text[:_SHOWN])
    return f"'{start}'" if len(text) <= _SHOWN else f"'{start}...' ({len(text)} characters)"


def read_star(path: str, labels: Optional[Collection[str]] = None) -> Dict[str, Table]:
    """Read a STAR file, line by line.

    A quote counts at the start of a word only, and # begins a comment there. Files with a byte order mark (UTF-8,
    UTF-16) and with the line ends of any system are read.

    Parameters
    ----------
    path : str
        The file.
    labels : collection of str, optional
        The labels to keep, without underscores; all by default. They are found, and named as here, whatever the
        capitals in the file: the format makes no difference. Rows of loops that have none of them are not checked.

    Returns
    -------
    dict
        The tables by the names of their blocks, without data_, in the order of the file.

    Raises
    ------
    StarError
        If the file cannot be read, is no text, has no block, or two blocks of one name; if a block has a label twice,
        or a row with fewer or more values than labels.
    """
    blocks: Dict[str, _Block] = {}
    block: Optional[_Block] = None
    for number, line in enumerate(lines_of(path), start=1):
        head = line.lstrip()
        if not head or head[:1] == b"#":
            continue
        words = words_of(line)
        if head[:5] == b"data_" and len(words) == 1:
            name = _text(words[0][5:])
            if name in blocks:
                raise StarError(
                    f"{path}: has two blocks {shown(f'data_{name}')} (the second in line {number}), expected one"
                )
            block = blocks[name] = _Block(path, labels)
        elif block is not None:
            block.add(number, words, head[:1] == b"_")
    if not blocks:
        raise StarError(f"{path}: cannot be read as a STAR file (found no line that begins with data_)")
    return {name: Table(path, block.columns) for name, block in blocks.items()}


class _Block:
    """A block whose lines are being read."""

    def __init__(self, path: str, labels: Optional[Collection[str]]) -> None:
        self.columns: Dict[str, List[str]] = {}
        self._path = path
        self._spelling = None if labels is None else {label.lower(): label for label in labels}
        self._is_loop = False
        self._places: List[Tuple[int, List[str]]] = []  # of the columns to keep
        self._width = 0  # number of labels of a loop
        self._has_rows = False
        self._texts: Dict[bytes, str] = {}

    def add(self, line: int, words: List[bytes], is_label: bool) -> None:
        """Read the words of a line."""
        if not self._is_loop and words == [b"loop_"]:
            self._is_loop = True
        elif is_label and not self._is_loop:
            if len(words) > 2:
                label = shown(_text(words[0][1:]))
                raise self._error(
                    line, f"{label} has {len(words) - 1} values, expected one, in quotes if it has blanks"
                )
            values = self._new_column(line, words[0])
            if values is not None:
                values.append(_text(words[1]) if len(words) == 2 else "")
        elif is_label and not self._has_rows:
            values = self._new_column(line, words[0])
            if values is not None:
                self._places.append((self._width, values))
            self._width += 1
        elif self._is_loop:
            self._has_rows = True
            if self._places:
                self._add_row(line, words)
        else:
            raise self._error(line, f"found {shown(_text(words[0]))}, expected a label such as _rlnPixelSize, or loop_")

    def _new_column(self, line: int, word: bytes) -> Optional[List[str]]:
        """Return the list for the values below a label; None if the label is not wanted."""
        label = found = _text(word[1:])
        if self._spelling is not None:
            if found.lower() not in self._spelling:
                return None
            label = self._spelling[found.lower()]
        if label in self.columns:
            raise self._error(line, f"{shown(found)} is there twice in one block, expected once")
        return self.columns.setdefault(label, [])

    def _add_row(self, line: int, words: List[bytes]) -> None:
        if len(words) == 1 and self._width == 2:
            words.append(b"")  # RELION leaves out the last value of two if it is empty
        if len(words) != self._width:
            raise self._error(
                line,
                f"found {len(words)} values below {self._width} labels, expected as many; is the file cut off, or has "
                "a name a blank without quotes?",
            )
        for place, values in self._places:
            word = words[place]
            text = self._texts.get(word)
            if text is None:
                text = _text(word)
                if len(self._texts) < _SHARED_TEXTS:
                    self._texts[word] = text
            values.append(text)

    def _error(self, line: int, problem: str) -> StarError:
        return StarError(f"{self._path}: cannot be read as a STAR file (line {line}: {problem})")


def lines_of(path: str) -> Iterator[bytes]:
    """Return the lines of a text file, with their ends, as UTF-8 or as the bytes that they are.

    Raises
    ------
    StarError
        If the file cannot be read, or is no text.
    """
    try:
        with io.BufferedReader(open_regular_file(path, expected="a STAR file", error=StarError)) as file:
            head = file.read(1 << 16)
            if head.startswith(b"\x1f\x8b"):
                raise StarError(f"{path}: found a file that gzip packed, expected a STAR file; unpack it with gunzip")
            file.seek(len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0)
            lines: Iterator[bytes] = iter(lambda: file.readline(_LONGEST_LINE), b"")
            is_utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            if is_utf16 or (b"\r" in head and b"\n" not in head):
                text = io.TextIOWrapper(file, "utf-16" if is_utf16 else "utf-8", "surrogateescape")
                lines = (line.encode("utf-8", "surrogateescape") for line in iter(lambda: text.readline(1 << 20), ""))
            for line in lines:
                if b"\0" in line:
                    raise StarError(
                        f"{path}: cannot be read as a STAR file (found a NUL byte); if it is one, save it as UTF-8"
                    )
                if len(line) >= _LONGEST_LINE:
                    raise StarError(f"{path}: cannot be read as a STAR file (found a line of 1 MB and more)")
                yield line
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "found UTF-16 that is cut off or damaged"
        raise StarError(f"{path}: cannot be read as a STAR file ({reason})") from error


def words_of(line: bytes) -> List[bytes]:
    """Split a line into words: without the comment, and with the text in quotes as one word without its quotes."""
    words = line.split()
    if not any(mark in line for mark in (b"#", b'"', b"'")) or not any(word[0] in b"#\"'" for word in words):
        return words
    words, place, lone = [], 0, b"#"  # a quote that nothing closes is part of its word, and so are all later ones
    while True:
        match = _WORD.search(line, place)
        if match is None or match[0][:1] == b"#":
            return words
        mark, place = match[0][:1], match.end()
        word = match[0]
        if mark in _CLOSING and mark not in lone:
            closing = _CLOSING[mark].search(line, match.start() + 1)
            if closing is None:
                lone += mark
            else:
                word, place = line[match.start() + 1 : closing.start()].replace(b"\a", b""), closing.end()
        words.append(word)


def _text(word: bytes) -> str:
    return word.decode("utf-8", "surrogateescape")


def _in_row(row: int) -> str:
    return f" in row {row + 1}" if row else ""
