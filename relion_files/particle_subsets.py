# SPDX-License-Identifier: GPL-3.0-or-later
"""Divide a data STAR file by class: copies of it with the rows of some classes, and with all else.

The file is copied line by line, so that a million particles take no more memory than a few, and every value stays the
text that it is.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Dict, FrozenSet, Iterator, List, Mapping, Optional, Sequence, Tuple

from occupy_core.files import open_new
from relion_files.star import StarError, Table, lines_of, shown, to_number, words_of

CLASS = "rlnClassNumber"
_MOST_FILES = 16  # open at once


@dataclass(frozen=True)
class Subset:
    """Particles of some classes.

    Attributes
    ----------
    path : Path
        The file to write.
    classes : frozenset of int
        Numbers of the classes.
    comment : str
        First line of the file, without #.
    """

    path: Path
    classes: FrozenSet[int]
    comment: str


def block_of_particles(tables: Mapping[str, Table]) -> Optional[str]:
    """Return the name of the block that has the class of each particle; None without one."""
    with_classes = [name for name, table in tables.items() if CLASS in table]
    return "particles" if "particles" in with_classes else next(iter(with_classes), None)


def write_subsets(data_star: str, block: str, subsets: Sequence[Subset]) -> List[int]:
    """Write copies of a data STAR file, each with the particles of some classes only.

    All tables, columns and comments are kept, and the particles keep their order.

    Parameters
    ----------
    data_star : str
        The data STAR file of an iteration.
    block : str
        Name of the block of the particles: `block_of_particles`.
    subsets : sequence of Subset

    Returns
    -------
    list of int
        Number of particles in each subset.

    Raises
    ------
    StarError
        If the file cannot be read, or the block is no loop with a class number in each row.
    """
    counts: List[int] = []
    for first in range(0, len(subsets), _MOST_FILES):
        counts += _write_some(data_star, block, subsets[first : first + _MOST_FILES])
    return counts


def _write_some(data_star: str, block: str, subsets: Sequence[Subset]) -> List[int]:
    """Write the subsets in one pass over the file."""
    with ExitStack() as stack:
        files = [stack.enter_context(open_new(subset.path)) for subset in subsets]
        for file, subset in zip(files, subsets):
            file.write(f"# {' '.join(subset.comment.split())}\n".encode())
        by_class: Dict[bytes, List[IO[bytes]]] = {}
        rows: Counter[bytes] = Counter()
        for line, word in _lines_with_class(data_star, block):
            if word is None:
                chosen = files
            else:
                if word not in by_class:
                    number = _class_number(data_star, word)
                    by_class[word] = [file for file, subset in zip(files, subsets) if number in subset.classes]
                chosen = by_class[word]
                rows[word] += 1
            for file in chosen:
                file.write(line)
    numbers = {word: _class_number(data_star, word) for word in rows}
    return [sum(count for word, count in rows.items() if numbers[word] in subset.classes) for subset in subsets]


def _lines_with_class(data_star: str, block: str) -> Iterator[Tuple[bytes, Optional[bytes]]]:
    """Yield each line, with its line end, and the class number in a row of the particles; None for other lines."""
    wanted, label = f"data_{block}".encode("utf-8", "surrogateescape"), f"_{CLASS}".encode()
    is_block = is_loop = has_rows = False
    width, place = 0, -1
    for number, line in enumerate(lines_of(data_star), start=1):
        head, word = line.lstrip(), None
        if head and head[:1] != b"#":
            words = words_of(line)
            if head[:5] == b"data_" and len(words) == 1:
                is_block, is_loop, has_rows, width, place = words[0] == wanted, False, False, 0, -1
            elif is_block and words == [b"loop_"]:
                is_loop = True
            elif is_block and head[:1] == b"_" and not has_rows:
                place = width if words[0].lower() == label.lower() else place
                width += 1
            elif is_block:
                has_rows = True
                if not is_loop or place < 0 or len(words) != width:
                    raise StarError(
                        f"{data_star}: line {number} is no row of {width} values with a {CLASS}, which each particle "
                        "needs to be given to the regions"
                    )
                word = words[place]
        yield (line if line.endswith(b"\n") else line + b"\n"), word


def _class_number(data_star: str, word: bytes) -> int:
    text = word.decode("utf-8", "surrogateescape")
    number = to_number(text)
    if number is None or number != int(number):
        raise StarError(f"{data_star}: {CLASS} is {shown(text)}, expected a whole number")
    return int(number)
