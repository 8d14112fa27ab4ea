# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways of classifying: plain, in RELION's mask, weighted in the loop, and the chain of subtraction."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import mrcfile
import numpy as np

from benchmarks.loop.measure import Scores, scores_of
from benchmarks.loop.problems import Problem
from benchmarks.runs.classify import refine
from benchmarks.runs.particles import VOXEL_SIZE, write_particles
from relion_files.star import read_star

PLAIN, MASK, CONFIDENCE, CONSENSUS, CHAIN = "plain", "mask", "confidence", "consensus", "chain"
# Classifications with plain maps: by RELION's own external program, called by relion_refine, and by ours, which should
# be as without external reconstruction.
EXTERNAL, PASSED = "external", "passed"
TITLES = {
    PLAIN: "plain Class3D",
    MASK: "in a mask by relion_mask_create",
    CONFIDENCE: "weighted by confidence",
    CONSENSUS: "weighted by consensus",
    CHAIN: "chain of subtraction",
}
ITERATIONS = 10
_HOOK = f"{sys.executable} -m relion_external.loop"
_HOOKS = {
    EXTERNAL: "relion_external_reconstruct",
    PASSED: f"{_HOOK} --start 999",
    CONFIDENCE: _HOOK,
    CONSENSUS: f"{_HOOK} --method consensus",
}
_WITHOUT_ALIGNMENT = ("--skip_align",)
# A search near the poses of the STAR file, as after a refinement of all particles.
_WITH_ALIGNMENT = tuple("--oversampling 1 --healpix_order 3 --sigma_ang 2.5 --offset_range 6 --offset_step 3".split())
_CONSENSUS_ITERATIONS = 3  # of the single class that RELION's mask is made of
# relion_mask_create: the low-pass, extension and soft edge of RELION's form; its threshold, which a user chooses by
# eye, is the density, relative to the highest, at which the mask that is made of the truth is cut.
_MASK_LOWPASS, _MASK_EXTENSION, _MASK_EDGE, _MASK_DENSITY = 15, 3, 3, 0.15


@dataclass(frozen=True)
class Outcome:
    """One classification.

    Attributes
    ----------
    problem : Problem
    aligned : bool
        Whether RELION searched for the poses.
    seed : int
    way : str
        A key of `TITLES`, or "external" or "passed".
    scores : Scores, optional
        None if the way leads to no classification: without a sure region there is no chain.
    seconds : float
        Wall time.
    classes : tuple of int
        Class of each particle.
    regions : int, optional
        Sure regions that our job finds afterwards; None where it was not run.
    """

    problem: Problem
    aligned: bool
    seed: int
    way: str
    scores: Optional[Scores]
    seconds: float
    classes: Tuple[int, ...] = ()
    regions: Optional[int] = None


class Classifier:
    """Classifies the particles of one problem and seed in several ways.

    Parameters
    ----------
    problem : Problem
    seed : int
        Seed of the particles and of RELION.
    models : Path
        Folder of the atomic models.
    folder : Path
        Empty folder for all files.
    aligned : bool
        Whether RELION searches for the poses.
    threads : int
    """

    def __init__(self, problem: Problem, seed: int, models: Path, folder: Path, *, aligned: bool, threads: int) -> None:
        self._base = Outcome(problem, aligned, seed, "", None, 0.0)
        self._folder, self._threads = folder, threads
        folder.mkdir(parents=True, exist_ok=True)
        has = write_particles(problem.particles(models, seed), folder)
        self._has = has[:, 0] if has.shape[1] else None
        self._words = ["--random_seed", str(seed), "--particle_diameter", str(problem.diameter)]
        self._words += _WITH_ALIGNMENT if aligned else _WITHOUT_ALIGNMENT

    def run(self, way: str) -> Outcome:
        """Classify in one way; the chain needs the plain classification before it."""
        started = time.monotonic()
        words: List[str] = []
        if way == MASK:
            words = ["--solvent_mask", self._relion_mask()]
        if way == CHAIN:
            data_star = self._chain()
            if data_star is None:
                return replace(self._base, way=way, seconds=time.monotonic() - started)
        else:
            data_star = self._refine(way, "particles.star", "reference.mrc", words, hook=_HOOKS.get(way, ""))
        classes = classes_of(self._folder / data_star)
        scores = None if self._has is None else scores_of(classes, self._has)
        seconds = time.monotonic() - started
        return replace(self._base, way=way, scores=scores, seconds=seconds, classes=tuple(classes.tolist()))

    def regions(self, way: str) -> int:
        """Return the number of sure regions that our job finds in the classes of a way."""
        comparison = self._compare(f"{way}/run_it{ITERATIONS:03d}_data.star", f"Occupy_{way}")
        return sum(region["sure"] for region in comparison["regions"]) if comparison else 0

    def _refine(self, job: str, particles: str, reference: str, words: List[str], hook: str = "", **values: int) -> str:
        iterations, classes = values.get("iterations", ITERATIONS), values.get("classes", 2)
        first = ["--firstiter_cc"] if reference == "reference.mrc" else []
        return refine(
            self._folder,
            job,
            particles,
            reference,
            iterations,
            classes,
            [*self._words, *first, *words],
            reconstruct=hook,
            threads=self._threads,
        )

    def _relion_mask(self) -> str:
        """Reconstruct all particles as one class, and let RELION make a mask of the map."""
        self._refine("one", "particles.star", "reference.mrc", [], iterations=_CONSENSUS_ITERATIONS, classes=1)
        path = f"one/run_it{_CONSENSUS_ITERATIONS:03d}_class001.mrc"
        self._call(
            f"relion_image_handler --i {path} --o one/lowpassed.mrc --lowpass {_MASK_LOWPASS} --angpix {VOXEL_SIZE}"
        )
        threshold = _MASK_DENSITY * float(mrcfile.read(self._folder / "one/lowpassed.mrc").max())
        self._call(
            f"relion_mask_create --i {path} --o automatic.mrc --lowpass {_MASK_LOWPASS} --angpix {VOXEL_SIZE} "
            f"--ini_threshold {threshold:.6g} --extend_inimask {_MASK_EXTENSION} --width_soft_edge {_MASK_EDGE}"
        )
        return "automatic.mrc"

    def _chain(self) -> Optional[str]:
        """Subtract everything outside of the first region from the particles, and classify within its mask."""
        first = f"{PLAIN}/run_it{ITERATIONS:03d}"
        comparison = self._compare(f"{first}_data.star", "Occupy")
        if not comparison or not any(region["sure"] for region in comparison["regions"]):
            return None
        mask = "Occupy/region001_mask.mrc"
        self._call(f"relion_particle_subtract --i {first}_optimiser.star --mask {mask} --o Subtract/")
        words = ["--solvent_mask", mask]
        return self._refine(CHAIN, "Subtract/particles_subtracted.star", f"{first}_class001.mrc", words)

    def _compare(self, data_star: str, folder: str) -> Dict:
        """Run our job on classes; return its comparison, empty if the job fails: a class may be empty."""
        self._call(
            f"{sys.executable} -m relion_external --o {folder}/ --in_parts {data_star} --figures no", check=False
        )
        report = self._folder / folder / "report.json"
        return (json.loads(report.read_text(encoding="utf-8"))["comparison"] or {}) if report.exists() else {}

    def _call(self, command: str, *, check: bool = True) -> None:
        subprocess.run(
            command.split(), cwd=self._folder, check=check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


def classes_of(data_star: Path) -> np.ndarray:
    """Return the class of each particle, in the order of the original images."""
    table = read_star(str(data_star))["particles"].columns
    names = table["rlnImageOriginalName" if "rlnImageOriginalName" in table else "rlnImageName"]
    order = np.argsort([int(name.split("@")[0]) for name in names])
    return np.array(table["rlnClassNumber"], dtype=int)[order]
