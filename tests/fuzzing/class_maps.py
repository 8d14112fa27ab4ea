# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparisons of classes whose maps are of all kinds: `cases(seed, numbers)`."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Iterable, Iterator, List

import numpy as np

from tests.fuzzing.case import Case, words_of
from tests.fuzzing.command_lines import SENSIBLE, VOXEL_SIZE
from tests.fuzzing.headers import map_bytes
from tests.fuzzing.small_maps import KINDS, small_map

_LABELS = "data_\n\nloop_\n_rlnReferenceImage #1\n_rlnClassDistribution #2\n_rlnEstimatedResolution #3\n"
_SETTINGS = ("mode", "amplify", "attenuate", "lowpass", "normalisation", "reference", "nlrc", "omit_confidence")


def cases(seed: int, numbers: Iterable[int]) -> Iterator[Case]:
    """Write two or three maps for one case after another into the current folder; yield the job that compares them."""
    for number in numbers:
        rng = random.Random(seed * 1_000_003 + number)
        kinds = _write_classes(rng)
        words = words_of("--in_parts", "class_averages.star")
        for name in rng.sample(_SETTINGS, rng.randint(0, 3)):
            words += [f"--{name}", rng.choice(SENSIBLE[name])]
        yield Case(f"classes {seed}-{number} {kinds}", words)


def _write_classes(rng: random.Random) -> List[str]:
    """Write class maps, most of them like molecules, and the STAR file that lists them; return their kinds."""
    side, count = rng.choice((12, 16, 24, 32)), rng.choice((2, 3))
    generator = np.random.default_rng(rng.getrandbits(32))
    kinds = [rng.choice(("molecule", "molecule", "masked molecule", rng.choice(KINDS))) for _ in range(count)]
    for number, kind in enumerate(kinds, start=1):
        values = small_map(kind, (side,) * 3, generator)
        if kind.endswith("molecule"):
            values *= np.float32(rng.choice((1, 1, 0.5, 3)))
            values[:, : side // 2] *= np.float32(rng.choice((1, 1, rng.random())))
        Path(f"class{number}.mrc").write_bytes(map_bytes(values, voxel_size=VOXEL_SIZE))
    rows = "".join(f"class{number}.mrc {1 / count:.3f} 20.0\n" for number in range(1, count + 1))
    Path("class_averages.star").write_text(_LABELS + rows, encoding="utf-8")
    return kinds
