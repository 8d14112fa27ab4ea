# SPDX-License-Identifier: GPL-3.0-or-later
"""Classifications whose STAR files were changed at random: `cases(seed, numbers)` for jobs, `trials` for the reader."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, NamedTuple

import numpy as np

from occupy_core.errors import OccupyError
from relion_external.classification import read_classification
from relion_files.star_writer import write_star
from tests.fuzzing.case import Case, words_of
from tests.fuzzing.headers import map_bytes
from tests.fuzzing.small_maps import ball
from tests.fuzzing.star_text import damaged
from tests.fuzzing.trial import Trial, attempt
from tests.star_text import write_iteration

STEM = "Class3D/run_it001"
OF_ITERATION = [f"{STEM}_{kind}.star" for kind in ("model", "data", "optimiser")]
SET, LIST = f"{STEM}_optimisation_set.star", "class_averages.star"
_SIDE = 16  # voxels of the box of the class maps


class Damaged(NamedTuple):
    """A damaged STAR file: the name of the case, the file that a user chooses, and how many particles there may be."""

    name: str
    choice: str
    most_particles: int


def write_texts() -> Dict[str, str]:
    """Write an iteration with a mask, and what else leads to its maps; return the texts of the STAR files by path.

    All paths are relative to the current folder.
    """
    write_iteration(STEM, np.random.default_rng(1), mask="mask.mrc", side=_SIDE)
    Path("mask.mrc").write_bytes(map_bytes(ball((_SIDE,) * 3), voxel_size=4.0))
    Path(SET).write_text(f"\n# version 50001\n\ndata_\n\n_rlnTomoParticlesFile {STEM}_data.star\n\n")
    rows = "".join(f"{STEM}_class00{number}.mrc 0.3 20.0\n" for number in (1, 2))
    labels = "_rlnReferenceImage #1\n_rlnClassDistribution #2\n_rlnEstimatedResolution #3\n"
    Path(LIST).write_text(f"\n# version 30001\n\ndata_\n\nloop_\n{labels}{rows}\n")
    return {path: Path(path).read_text() for path in (*OF_ITERATION, SET, LIST)}


def chosen(path: str, rng: random.Random) -> str:
    """Return the file that a user chooses, so that the file at `path` is read."""
    return rng.choice(OF_ITERATION) if path in OF_ITERATION else path


def damaged_files(seed: int, numbers: Iterable[int]) -> Iterator[Damaged]:
    """Damage one STAR file after another in the current folder, and write it again as it was."""
    texts = write_texts()
    for number in numbers:
        rng = random.Random(seed * 1_000_003 + number)
        path = rng.choice(list(texts))
        content = damaged(texts[path], rng)
        Path(path).write_bytes(content)
        most = content.count(b"\n") + content.count(b"\r") if "_data" in path else 4
        yield Damaged(f"STAR file {seed}-{number}", chosen(path, rng), most)
        Path(path).write_text(texts[path])


def cases(seed: int, numbers: Iterable[int]) -> Iterator[Case]:
    """Damage one STAR file after another in the current folder; yield the job on its classes."""
    for name, choice, _ in damaged_files(seed, numbers):
        yield Case(name, words_of("--in_parts", choice))


def trials(seed: int, numbers: Iterable[int]) -> Iterator[Trial]:
    """Read classifications of which one STAR file is damaged, without a job; yield how each ended."""
    for name, choice, most in damaged_files(seed, numbers):
        yield attempt(name, lambda: _read(choice, most))  # noqa: B023


def _read(choice: str, particles: int) -> None:
    try:
        found = read_classification(choice)
    except OccupyError as error:
        assert ".star: " in str(error) and len(str(error)) < 2000, f"no file in, or too long: {error}"
        raise
    check_result(found, particles)
    rows = [(item.path, item.share, item.particles) for item in found.classes]
    write_star(Path("out.star"), {"maps": (("rlnReferenceImage", "a", "b"), rows)})


def check_result(found: Any, particles: int) -> None:
    """Check what holds for every classification."""
    assert (
        len({item.number for item in found.classes}) == len({item.path for item in found.classes}) == len(found.classes)
    )
    for item in found.classes:
        assert os.path.isfile(item.path)
        assert item.share is None or 0 <= item.share <= 1
        assert item.particles is None or 0 <= item.particles
        assert item.resolution is None or 0 < item.resolution < float("inf")
    shares = [item.share or 0 for item in found.classes]
    assert sum(shares) <= 1.011
    assert sum(item.particles or 0 for item in found.classes) <= particles
    assert found.voxel_size is None or 0 < found.voxel_size < float("inf")
    assert found.solvent_mask is None or os.path.isfile(found.solvent_mask)
    assert all(text and "\n" not in text for text in found.warnings)
