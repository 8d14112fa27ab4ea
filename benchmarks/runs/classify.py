# SPDX-License-Identifier: GPL-3.0-or-later
"""Classify simulated particles with RELION, and keep the last iteration."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from benchmarks.runs.particles import ParticleSet, write_particles

WIDE_DIAMETER = 0.95  # of the side of the box


@dataclass(frozen=True)
class Run:
    """A classification to do.

    Attributes
    ----------
    name : str
        Name of its folder.
    particles : ParticleSet
    classes : int
        Number of classes.
    masked : bool
        Whether RELION gets a soft mask around the molecule.
    aligned : bool
        Whether RELION searches for the poses, near those of the STAR file; otherwise it takes them as they are.
    iterations : int
    diameter : float
        Particle diameter that RELION gets, as a share of the side of the box.
    """

    name: str
    particles: ParticleSet
    classes: int
    masked: bool = False
    aligned: bool = False
    iterations: int = 10
    diameter: float = WIDE_DIAMETER

    @property
    def description(self) -> str:
        """All that the files of the run depend on, in words."""
        particles = self.particles
        parts = ", ".join(f"{'+'.join(part.chains)} in {part.presence:g}" for part in particles.parts)
        diameter = "" if self.diameter == WIDE_DIAMETER else f"; diameter {self.diameter:g}"
        return (
            f"{particles.model.title}; {parts or 'identical'}; {particles.number} particles; "
            f"noise {particles.noise:g}; pose errors {particles.pose_error}; seed {particles.seed}; "
            f"{self.classes} classes; masked {self.masked}; aligned {self.aligned}; {self.iterations} iterations"
            f"{diameter}"
        )


def classify(run: Run, folder: Path) -> Path:
    """Simulate the particles and classify them in `folder`; return the data STAR file of the last iteration.

    A run that is there already, with the same description, is not repeated.
    """
    last = folder / f"Class3D/run_it{run.iterations:03d}_data.star"
    description = folder / "description.txt"
    if description.exists() and description.read_text(encoding="utf-8") == run.description:
        return last
    (folder / "Class3D").mkdir(parents=True, exist_ok=True)
    write_particles(run.particles, folder)
    words = ["--random_seed", str(run.particles.seed), "--firstiter_cc"]
    side = _box(folder / "reference.mrc")
    words += ["--particle_diameter", str(round(run.diameter * side))]
    words += ["--solvent_mask", "mask.mrc"] if run.masked else []
    if run.aligned:
        words += "--oversampling 1 --healpix_order 3 --sigma_ang 2.5 --offset_range 6 --offset_step 3".split()
    else:
        words += ["--skip_align"]
    refine(folder, "Class3D", "particles.star", "reference.mrc", run.iterations, run.classes, words)
    for path in (folder / "Class3D").glob("run_it*"):
        if f"_it{run.iterations:03d}_" not in path.name:
            path.unlink()
    (folder / "particles.mrcs").unlink()
    description.write_text(run.description, encoding="utf-8")
    return last


def refine(
    folder: Path,
    job: str,
    particles: str,
    reference: str,
    iterations: int,
    classes: int,
    words: Sequence[str],
    *,
    reconstruct: str = "",
    threads: int = 2,
) -> str:
    """Classify particles with relion_refine; return the data STAR file of the last iteration, from the folder.

    Parameters
    ----------
    folder : Path
        The working folder, from which all paths count.
    job : str
        Folder for the files of all iterations.
    particles, reference : str
        STAR file of the particles, and the map to start from.
    iterations, classes : int
    words : sequence of str
        Further options.
    reconstruct : str
        Program, with its options, that reconstructs the classes instead of relion_refine itself.
    threads : int
    """
    (folder / job).mkdir(parents=True, exist_ok=True)
    command = f"relion_refine --o {job}/run --i {particles} --ref {reference} --ini_high 30".split()
    command += "--dont_combine_weights_via_disc --preread_images --pool 30 --pad 2 --ctf --tau2_fudge 4".split()
    command += "--flatten_solvent --zero_mask --sym C1 --norm --scale".split()
    command += ["--iter", str(iterations), "--K", str(classes), "--j", str(threads), *words]
    environment = dict(os.environ)
    if reconstruct:
        command.append("--external_reconstruct")
        environment["RELION_EXTERNAL_RECONSTRUCT_EXECUTABLE"] = reconstruct
    with open(folder / job / "run.out", "w", encoding="utf-8") as log:
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=log, stderr=subprocess.STDOUT)
    return f"{job}/run_it{iterations:03d}_data.star"


def _box(path: Path) -> float:
    """Return the side of a map's box, Å."""
    import mrcfile

    with mrcfile.open(path, header_only=True) as file:
        return float(file.header.cella.x)
