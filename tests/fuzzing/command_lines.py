# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines with settings drawn over their whole ranges and beyond, on small maps of all kinds.

`cases(seed, numbers)` yields them.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Sequence, Tuple

import numpy as np

from occupy_core.settings.settings import descriptions
from relion_external.output_folder import find_output_folder
from tests.fuzzing.case import JOB_DIR, Case, words_of
from tests.fuzzing.headers import map_bytes
from tests.fuzzing.small_maps import KINDS, small_map, small_mask
from tests.star_text import write_iteration

VOXEL_SIZE = 4.0
_NUMBERS = (
    *("0", "-1", "1", "1.0000001", "2", "3", "4.5", "7", "8", "10", "12", "16", "20", "31", "32", "33", "64", "128"),
    *("0.01", "0.05", "0.3", "0.5", "0.99", "0.999999", "1e-300", "1e300", "1e30", "1e400", "-0.0", "2147483647"),
    *("2147483648", "9" * 400, "nan", "inf", "-inf", "8A", "12,5", "50 %", "1-3", "0x10", "1_0", "٣", "½", "3 4"),
)
_WORDS = (
    *("off", "none", "auto", "default", "yes", "no", "on", "true", "False", "None", "", " ", "'", '"', "a b", "--"),
    *("\x07", "ü", "x" * 3000, "map.mrc", "map.mrc:mrc", "*.mrc", ".", "missing.mrc", "1,3", "1, 3", "all", "shared"),
    *("own", "tiled", "kernel", "calibrated", "occupancy", "resolution", "\udcff", "%s", "{}", "~", "/", "chain"),
)
_FILES = (
    *("map.mrc", "mask.mrc", "definition.mrc", "missing.mrc", "odd.mrc", "mask.mrc:mrc"),
    *("run_it001_data.star", ".", ""),
)
# Settings in their ranges, so that most jobs reach the computation.
SENSIBLE: Dict[str, Sequence[str]] = {
    "mode": ("auto", "resolution", "occupancy"),
    "amplify": ("yes", "1.01", "3", "20", "1e6", "no"),
    "attenuate": ("yes", "1.01", "3", "20", "1e6"),
    "sigmoid": ("yes", "1.01", "4", "50", "1e6"),
    "pivot": ("0.01", "0.3", "0.99"),
    "exclude_solvent": ("yes", "no"),
    "lowpass": ("8", "10", "16", "30", "40"),
    "kernel_size": ("3", "5", "9", "31"),
    "kernel_radius": ("0.1", "1", "2.5", "9", "100"),
    "tau": ("0.01", "0.5", "0.95", "0.9999999"),
    "normalisation": ("tiled", "kernel", "calibrated"),
    "tile_size": ("3", "12", "128"),
    "nlrc": ("yes", "no"),
    "hedge_confidence": ("1", "3.5", "20"),
    "omit_confidence": ("yes", "no"),
    "scale_limit": ("0", "0.05", "0.5", "1"),
    "lowpass_output": ("8", "12", "40"),
    "hist_match": ("yes", "no"),
    "max_box": ("0", "32", "256"),
    "solvent_def": ("definition.mrc", "mask.mrc"),
    "target_mask": ("mask.mrc", "definition.mrc"),
    "subtraction_mask": ("yes",),
    "solvent_threshold": ("yes", "0", "0.15", "1"),
    "reference": ("auto", "own", "shared", "1"),
    "seed": ("0", "1", "2147483647"),
}


def cases(seed: int, numbers: Iterable[int]) -> Iterator[Case]:
    """Write the files of one case after another into the current folder; yield its command line."""
    write_iteration("run_it001", np.random.default_rng(1))
    for number in numbers:
        rng = random.Random(seed * 1_000_003 + number)
        words = _words(rng)
        while find_output_folder(words) != JOB_DIR:  # there is no place for a marker file without it
            words = _words(rng)
        _write_files(rng)
        yield Case(f"command line {seed}-{number}", words)


def _write_files(rng: random.Random) -> None:
    """Write the map and the masks that the command lines name into the current folder."""
    side = rng.choice((8, 9, 12, 16, 17, 20, 24))
    shape = (side, side, side) if rng.random() < 0.8 else (side, side + 3, max(8, side - 2))
    generator = np.random.default_rng(rng.getrandbits(32))
    _write("map.mrc", small_map(rng.choice(("molecule", rng.choice(KINDS))), shape, generator))
    _write("mask.mrc", small_mask(shape, generator))
    _write("definition.mrc", small_mask(shape, generator))
    _write("odd.mrc", small_mask((8, 8, 8), generator))


def _words(rng: random.Random) -> List[str]:
    words = words_of(*_input(rng))
    names = rng.sample(sorted(SENSIBLE), rng.randint(0, 6))
    for name in names:
        words += [f"--{name}", rng.choice(SENSIBLE[name])]
    if rng.random() < 0.4:
        words += _odd_option(rng)
    if rng.random() < 0.1:
        rng.shuffle(words)
    return words


def _input(rng: random.Random) -> Tuple[str, str]:
    kind = rng.random()
    if kind < 0.85:
        return "--in_3dref", "map.mrc"
    if kind < 0.95:
        return "--in_parts", "run_it001_data.star"
    return rng.choice(("--in_3dref", "--in_parts")), rng.choice(_FILES)


def _odd_option(rng: random.Random) -> List[str]:
    """Return an option with a value out of its range, of another kind or of no kind, or a word that is no option."""
    name = rng.choice((*descriptions(), "in_mask", "angpix", "j", "settings", "in_movies", "pipeline_control"))
    kind = rng.random()
    if kind < 0.5:
        return [f"--{name}", rng.choice(_NUMBERS)]
    if kind < 0.75:
        return [f"--{name}", rng.choice(_WORDS)]
    if kind < 0.85:
        return [f"--{name}", rng.choice(_FILES)]
    if kind < 0.92:
        return [f"--{name}"]
    letters = list(name)
    letters[rng.randrange(len(letters))] = rng.choice("_-xX =")
    return [f"--{''.join(letters)}", rng.choice(_NUMBERS)]


def _write(name: str, values: Any) -> None:
    Path(name).write_bytes(map_bytes(values, voxel_size=VOXEL_SIZE))
