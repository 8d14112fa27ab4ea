# SPDX-License-Identifier: GPL-3.0-or-later
"""Try to compare classes whose maps are of all kinds: `trials(folder, seed, count)`."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import Iterator, List

import numpy as np

from tests.fuzzing.command_lines import SENSIBLE, VOXEL_SIZE, run_in_process
from tests.fuzzing.headers import map_bytes
from tests.fuzzing.small_maps import KINDS, small_map
from tests.fuzzing.trial import Trial, attempt

_LABELS = "data_\n\nloop_\n_rlnReferenceImage #1\n_rlnClassDistribution #2\n_rlnEstimatedResolution #3\n"
_SETTINGS = ("mode", "amplify", "attenuate", "lowpass", "normalisation", "reference", "nlrc", "omit_confidence")


def trials(folder: Path, seed: int, count: int) -> Iterator[Trial]:
    """Compare two or three maps in each job; yield how each ended. Changes the working folder."""
    os.chdir(folder)
    for number in range(count):
        rng = random.Random(seed * 1_000_003 + number)
        shutil.rmtree("job", ignore_errors=True)
        kinds = _write_classes(rng)
        words = ["--o", "job/", "--figures", "no", "--in_parts", "class_averages.star"]
        for name in rng.sample(_SETTINGS, rng.randint(0, 3)):
            words += [f"--{name}", rng.choice(SENSIBLE[name])]
        yield attempt(f"classes {seed}-{number} {kinds}: {words}", lambda: run_in_process(words))  # noqa: B023


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
