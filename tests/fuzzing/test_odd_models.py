# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic models with changed words, lines and bytes are read, or refused in one line."""

import gzip
import random

import gemmi

from occupy_core.errors import ModelError
from occupy_core.modelling.atoms.atomic_model import read_model
from occupy_core.modelling.atoms.b_factors import usable_b_factors
from occupy_core.modelling.atoms.groups import groups_of, windows_of
from tests.core.modelling.pdb_text import chain

CASES = 400
WORDS = [
    *(b"nan", b"inf", b"1e400", b"1e30", b"****", b"?", b".", b"'", b'"', b";", b"\0", b"\xff", b"-9999"),
    *(b"loop_", b"data_x", b"", b"MODEL", b"ENDMDL", b"TER", b"ATOM", b"HETATM", b"END", b"H", b"A" * 300),
]


def changed(content, rng):
    """Return a copy of a text with some changes."""
    result = content
    for _ in range(rng.choice((1, 1, 2, 4, 12))):
        place, kind = rng.randrange(len(result)), rng.randrange(5)
        if kind == 0:
            result = result[:place] + bytes([rng.randrange(256)]) + result[place + 1 :]
        elif kind == 1:
            result = result[:place] + result[place + rng.choice((1, 5, 80, 400)) :]
        elif kind == 2:
            word = rng.choice(WORDS)
            result = result[:place] + word + result[place + len(word) :]
        else:
            parts = result.split(b" " if kind == 3 else b"\n")
            parts[rng.randrange(len(parts))] = rng.choice(WORDS) if kind == 3 else rng.choice(parts)
            result = (b" " if kind == 3 else b"\n").join(parts)
        result = result or b"x"
    return result


def test_a_model_that_is_damaged_is_read_or_refused_in_one_line(tmp_path):
    text = chain("A", range(1, 31)) + chain("B", range(1, 26), at=(0, 0, 20))
    structure = gemmi.read_pdb_string(text)
    structure.setup_entities()
    sources = {"m.pdb": text.encode(), "m.cif": structure.make_mmcif_document().as_string().encode()}
    rng, read = random.Random(1), 0
    for number in range(CASES):
        name = rng.choice(list(sources))
        content = changed(sources[name], rng)
        path = tmp_path / (f"{name}.gz" if number % 8 == 0 else name)
        path.write_bytes(gzip.compress(content) if number % 8 == 0 else content)
        try:
            model = read_model(str(path))
            assert all(len(group.atoms) for kind in ("chain", "entity") for group in groups_of(model, kind)), number
            assert all(len(window.atoms) for window in windows_of(model, 15)), number
            usable_b_factors(model)
            read += 1
        except ModelError as error:
            assert str(error).isprintable(), number
    assert CASES / 10 < read < CASES
