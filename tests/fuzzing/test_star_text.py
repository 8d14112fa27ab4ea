# SPDX-License-Identifier: GPL-3.0-or-later
"""Classifications whose STAR files were changed at random end in a result that is right, or in one line.

FUZZ_CASES in the environment sets the number of cases of each test.
"""

import os
import random
import time
from pathlib import Path

import numpy as np
import pytest

from occupy_core.errors import OccupyError
from relion_external.classification import read_classification
from relion_files.star_writer import write_star
from tests.fuzzing.star_text import damaged, same_meaning
from tests.star_text import write_iteration

STEM = "Class3D/run_it001"
OF_ITERATION = [f"{STEM}_{kind}.star" for kind in ("model", "data", "optimiser")]
SET, LIST = f"{STEM}_optimisation_set.star", "class_averages.star"
CASES = int(os.environ.get("FUZZ_CASES", "400"))


@pytest.fixture
def texts(tmp_path, monkeypatch):
    """Write an iteration with a mask, and what else leads to its maps; return the texts of the STAR files by path."""
    monkeypatch.chdir(tmp_path)
    write_iteration(STEM, np.random.default_rng(1), mask="mask.mrc")
    Path("mask.mrc").touch()
    Path(SET).write_text(f"\n# version 50001\n\ndata_\n\n_rlnTomoParticlesFile {STEM}_data.star\n\n")
    rows = "".join(f"{STEM}_class00{number}.mrc 0.3 20.0\n" for number in (1, 2))
    labels = "_rlnReferenceImage #1\n_rlnClassDistribution #2\n_rlnEstimatedResolution #3\n"
    Path(LIST).write_text(f"\n# version 30001\n\ndata_\n\nloop_\n{labels}{rows}\n")
    return {path: Path(path).read_text() for path in (*OF_ITERATION, SET, LIST)}


def chosen(path, rng):
    """Return the file that a user chooses, so that the file at `path` is read."""
    return rng.choice(OF_ITERATION) if path in OF_ITERATION else path


def check_result(found, particles):
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


def test_changes_that_keep_the_meaning_change_nothing(texts):
    expected = {path: read_classification(path) for path in texts}
    for seed in range(CASES):
        rng = random.Random(seed)
        path = rng.choice(list(texts))
        Path(path).write_bytes(same_meaning(texts[path], rng))
        choice = chosen(path, rng)
        assert read_classification(choice) == expected[choice], f"seed {seed}"
        Path(path).write_text(texts[path])


def test_damaged_files_end_in_a_result_or_in_one_line(texts, tmp_path):
    ended = {"result": 0, "error": 0}
    for seed in range(CASES):
        rng = random.Random(seed)
        path = rng.choice(list(texts))
        content = damaged(texts[path], rng)
        Path(path).write_bytes(content)
        start = time.monotonic()
        try:
            found = read_classification(chosen(path, rng))
        except OccupyError as error:
            ended["error"] += 1
            text = str(error)
            assert ".star: " in text and "\n" not in text and len(text) < 2000, f"seed {seed}: {text[:2000]!r}"
        else:
            ended["result"] += 1
            try:
                check_result(found, content.count(b"\n") + content.count(b"\r") if "_data" in path else 4)
            except AssertionError as error:
                raise AssertionError(f"seed {seed}") from error
            rows = [(item.path, item.share, item.particles) for item in found.classes]
            write_star(tmp_path / "out.star", {"maps": (("rlnReferenceImage", "a", "b"), rows)})
        assert time.monotonic() - start < 5, f"seed {seed}"
        Path(path).write_text(texts[path])
    assert min(ended.values()) > CASES / 10
