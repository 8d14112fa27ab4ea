# SPDX-License-Identifier: GPL-3.0-or-later
"""Change STAR files at random, with a seed: changes that keep the meaning, and changes that may not."""

from __future__ import annotations

import random
import re
from typing import Callable, List

_WORDS = (
    *(
        "nan",
        "inf",
        "-inf",
        "None",
        "none",
        "<NA>",
        "null",
        "",
        '""',
        "''",
        "'",
        '"',
        "it's",
        "'lone",
        '"lone',
        "#",
        "a#b",
    ),
    *(
        "0",
        "-1",
        "1",
        "2",
        "3",
        "0.5",
        "2.5",
        "1e400",
        "-1e-400",
        "0,5",
        "1_0",
        "0x10",
        "1.000000",
        "9" * 5000,
        "٣",
        "½",
    ),
    *("loop_", "data_", "data_x", "_rlnReferenceImage", "_rlnClassNumber", "_rlnNrClasses", "save_", ";", "$x", "[x]"),
    *(
        "../../etc/passwd",
        "/dev/zero",
        "/",
        ".",
        "..",
        "~",
        "x" * 5000,
        "000001@a.mrcs",
        "a.mrc:mrc",
        "ü",
        "\x07",
        "\t",
    ),
)
_LINES = (
    *(
        "",
        "#",
        "# comment",
        "loop_",
        "data_",
        "data_model_classes",
        "data_particles",
        "_rlnClassNumber #2",
        "; text",
        ";",
    ),
    *("_rlnNrBodies 2", "_rlnReferenceDimensionality 2", "x", "'", '"', "\x0c", "_", "_ _ _", "x " * 50, "'x " * 50),
)


def same_meaning(text: str, rng: random.Random) -> bytes:
    """Return a STAR file that says the same as a text without quotes and comments behind values, written otherwise."""
    lines = _odd_names(text.split("\n"), rng)
    for _ in range(rng.randint(1, 4)):
        lines = rng.choice(_KEEPING)(lines, rng)
    content = rng.choice(("\n", "\n", "\r\n", "\r")).join(lines)
    encoding = rng.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16"))
    return content.encode(encoding)


def damaged(text: str, rng: random.Random) -> bytes:
    """Return a STAR file with one to four changes of words, lines, blocks or bytes."""
    lines = text.split("\n")
    for _ in range(rng.randint(1, 4)):
        lines = rng.choice(_BREAKING)(lines, rng) or [""]
    content = "\n".join(lines).encode(rng.choice(("utf-8", "utf-8", "latin-1", "utf-16")), "replace")
    return rng.choice((_as_it_is, _as_it_is, _as_it_is, _cut, _with_bytes, _twice))(content, rng)


# --------------------------- the meaning is kept ---------------------------


def _is_row(line: str) -> bool:
    return bool(line.strip()) and line.split()[0][0] not in "#_" and not re.match(r"\s*(data|loop)_", line)


def _every(change: Callable[[str, random.Random], str]) -> Callable[[List[str], random.Random], List[str]]:
    """Return a change of lines that changes about a third of the lines which have words and are no comments."""

    def changed(lines: List[str], rng: random.Random) -> List[str]:
        return [
            change(line, rng) if line.strip() and not line.lstrip().startswith("#") and rng.random() < 0.3 else line
            for line in lines
        ]

    return changed


def _comment_behind(line: str, rng: random.Random) -> str:
    return line + rng.choice((" # a comment", "\t#", "  # it's \"one", " # _rlnClassNumber 3"))


def _other_blanks(line: str, rng: random.Random) -> str:
    return rng.choice(("", "  ", "\t")) + re.sub(r"\s+", lambda _: rng.choice((" ", "\t", "    ")), line.strip())


def _quoted_word(line: str, rng: random.Random) -> str:
    words = line.split()
    places = range(len(words)) if _is_row(line) else range(1, min(2, len(words)))
    for place in places:
        if not set("#'\"") & set(words[place]) and rng.random() < 0.5:
            mark = rng.choice("'\"")
            words[place] = f"{mark}{words[place]}{mark}"
    return " ".join(words)


def _blank_lines(lines: List[str], rng: random.Random) -> List[str]:
    return [
        more for line in lines for more in ((line, rng.choice(("", " ", "# c"))) if rng.random() < 0.1 else (line,))
    ]


def _odd_names(lines: List[str], rng: random.Random) -> List[str]:
    """Give particles and micrographs, whose names nobody reads, odd names."""
    odd = rng.choice(("a", "it's", "3'UTR", '6"x', "ü", "a#b", "'", "%s", "日本"))
    return [re.sub(r"@\S+", lambda _: f"@{odd}.mrcs", line) if _is_row(line) else line for line in lines]


def _labels_without_numbers(lines: List[str], _: random.Random) -> List[str]:
    return [re.sub(r"^(_\w+)\s+#\d+\s*$", r"\1", line) for line in lines]


_KEEPING = (
    _every(_comment_behind),
    _every(_other_blanks),
    _every(_quoted_word),
    _blank_lines,
    _labels_without_numbers,
)

# --------------------------- the meaning may be lost ---------------------------


def _change_word(lines: List[str], rng: random.Random) -> List[str]:
    place = rng.randrange(len(lines))
    words = lines[place].split()
    if words:
        words[rng.randrange(len(words))] = rng.choice(_WORDS)
    return [*lines[:place], " ".join(words), *lines[place + 1 :]]


def _change_column(lines: List[str], rng: random.Random) -> List[str]:
    place, word = rng.randrange(12), rng.choice(_WORDS)
    return [
        " ".join(word if index == place else old for index, old in enumerate(line.split())) if _is_row(line) else line
        for line in lines
    ]


def _drop_word(lines: List[str], rng: random.Random) -> List[str]:
    place = rng.randrange(len(lines))
    words = lines[place].split()
    return [*lines[:place], " ".join(words[: rng.randrange(len(words) + 1)]), *lines[place + 1 :]]


def _drop_lines(lines: List[str], rng: random.Random) -> List[str]:
    first = rng.randrange(len(lines))
    return lines[:first] + lines[first + rng.choice((1, 1, 1, 5, 50)) :]


def _add_line(lines: List[str], rng: random.Random) -> List[str]:
    place = rng.randrange(len(lines))
    return [*lines[:place], rng.choice((*_LINES, rng.choice(lines))), *lines[place:]]


def _swap_lines(lines: List[str], rng: random.Random) -> List[str]:
    one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines = list(lines)
    lines[one], lines[two] = lines[two], lines[one]
    return lines


def _repeat_lines(lines: List[str], rng: random.Random) -> List[str]:
    first = rng.randrange(len(lines))
    part = lines[first : first + rng.choice((1, 5, 50, 1000))]
    return [*lines[:first], *part, *lines[first:]]


def _join_lines(lines: List[str], rng: random.Random) -> List[str]:
    place = rng.randrange(len(lines))
    return [*lines[:place], " ".join(lines[place : place + 2]), *lines[place + 2 :]]


def _long_line(lines: List[str], rng: random.Random) -> List[str]:
    place = rng.randrange(len(lines))
    return [
        *lines[:place],
        lines[place] + rng.choice((" x", "'x ", "#", "1")) * rng.choice((1000, 100_000)),
        *lines[place:],
    ]


_BREAKING = (
    *(_change_word, _change_word, _change_word, _change_column, _drop_word, _drop_lines, _add_line, _swap_lines),
    *(_repeat_lines, _join_lines, _long_line, _every(_quoted_word)),
)


def _as_it_is(content: bytes, _: random.Random) -> bytes:
    return content


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _with_bytes(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 10, 100))):
        if changed:
            changed[rng.randrange(len(changed))] = rng.choice((0, 9, 10, 13, 34, 35, 39, 255, rng.randrange(256)))
    return bytes(changed)


def _twice(content: bytes, _: random.Random) -> bytes:
    return content + content
