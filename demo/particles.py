# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated particles of a complex with and without a domain, for a real 3D classification in RELION."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Tuple

import mrcfile
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

BOX = 40
VOXEL_SIZE = 4.0  # Å
PITCH = 3.5  # Å between pseudo-atoms, about one residue each
PARTICLES = "particles.star"
REFERENCE = "reference.mrc"

# Options of a Class3D job that separates the states. RELION's classes mix or collapse when it is not told that
# the reference is on the particles' grey scale and corrected for the CTF, and when it skips padding.
CLASSIFICATION = {
    "ref_correct_greyscale": "Yes",
    "ini_high": "30",
    "do_ctf_correction": "Yes",
    "ctf_corrected_ref": "Yes",
    "nr_classes": "2",
    "nr_iter": "12",
    "tau_fudge": "4",
    "particle_diameter": "140",
    "dont_skip_align": "No",
    "nr_pool": "10",
    "nr_threads": "2",
    "do_preread_images": "Yes",
    "other_args": '"--random_seed 1"',
}

# Balls of the parts: centre x, y, z from the middle of the box, and radius, in Å.
_CORE = ((0, 0, 0, 27), (24, 16, -8, 20), (-20, 18, 14, 21), (4, -22, 22, 19))
_DOMAIN = ((-22, -28, -18, 20),)

_OPTICS = """
# version 30001

data_optics

loop_
_rlnOpticsGroupName #1
_rlnOpticsGroup #2
_rlnVoltage #3
_rlnSphericalAberration #4
_rlnAmplitudeContrast #5
_rlnImagePixelSize #6
_rlnImageSize #7
_rlnImageDimensionality #8
simulated 1 300 2.7 0.1 {voxel_size} {box} 2

# version 30001

data_particles

loop_
"""
_COLUMNS = (
    "rlnAngleRot",
    "rlnAngleTilt",
    "rlnAnglePsi",
    "rlnOriginXAngst",
    "rlnOriginYAngst",
    "rlnDefocusU",
    "rlnDefocusV",
    "rlnDefocusAngle",
    "rlnOpticsGroup",
)


@dataclass(frozen=True)
class Particles:
    """What was simulated.

    Attributes
    ----------
    domain : bool array (z, y, x)
        The voxels of the domain.
    has_domain : bool array
        Of each particle, in the order of the stack.
    """

    domain: np.ndarray
    has_domain: np.ndarray


@dataclass(frozen=True)
class TwoStates:
    """Maps (z, y, x) float32 of a complex with a domain and without, and the voxels of the domain."""

    whole: np.ndarray
    core: np.ndarray
    domain: np.ndarray


def two_states(seed: int = 0) -> TwoStates:
    """The complex, of pseudo-atoms at random places, so that its parts have the texture of globular protein."""
    rng = np.random.default_rng(seed)
    axis = (np.arange(BOX) - BOX // 2) * VOXEL_SIZE
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    inside = [_balls(balls, x, y, z) for balls in (_CORE, _DOMAIN)]
    core, domain = (_density(rng, balls) for balls in (_CORE, _DOMAIN))
    return TwoStates((core + domain).astype(np.float32), core.astype(np.float32), inside[1] & ~inside[0])


def write_particles(
    folder: Path, *, numbers: Tuple[int, int] = (150, 150), noise: float = 3.0, seed: int = 0
) -> Particles:
    """Project both states with relion_project and write particles.star and reference.mrc.

    The particles have their orientations, as after a refinement of all of them together, so that a classification
    without alignment separates the states within seconds. The reference is the mean of the states, on the grey scale of
    the particles.

    Parameters
    ----------
    folder : Path
        RELION's project; the images go into its folder Particles.
    numbers : two int
        Particles with the domain and without; those with it come first.
    noise : float
        Standard deviation of white noise, relative to that of the projections.
    seed : int
    """
    states = two_states(seed)
    images = folder / "Particles"
    images.mkdir(parents=True)
    rng = np.random.default_rng(seed + 1)
    rows, stacks = [], []
    for name, volume, number in zip(("whole", "core"), (states.whole, states.core), numbers):
        views = _views(rng, number)
        rows += views
        stacks.append(_projections(images, name, volume, views))
    projections = np.concatenate(stacks)
    width = noise * projections.std()
    # Noise of our own, since relion_project's has no seed; of one unit, as RELION wants its particles.
    _write(images / "particles.mrcs", projections / width + rng.normal(size=projections.shape))
    named = [f"{index:06d}@Particles/particles.mrcs {row}" for index, row in enumerate(rows, 1)]
    _write_star(folder / PARTICLES, ("rlnImageName", *_COLUMNS), named)
    _write(folder / REFERENCE, (states.whole + states.core) / (2 * width))
    return Particles(states.domain, np.repeat([True, False], numbers))


def _balls(balls, x, y, z) -> np.ndarray:
    near = [(x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2 <= radius**2 for a, b, c, radius in balls]
    return np.logical_or.reduce(near)


def _density(rng: np.random.Generator, balls) -> np.ndarray:
    """Gaussian pseudo-atoms on a shaken lattice within the balls, on a grid of half voxels, then on whole ones."""
    reach = BOX * VOXEL_SIZE / 2
    axis = np.arange(-reach, reach, PITCH)
    atoms = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    atoms = atoms + rng.uniform(-PITCH / 2, PITCH / 2, atoms.shape)
    atoms = atoms[_balls(balls, *atoms.T)]
    atoms = atoms[rng.random(len(atoms)) < 0.7]  # gaps, as between side chains
    fine = VOXEL_SIZE / 2
    edges = (np.arange(2 * BOX + 1) - BOX - 0.5) * fine
    counts, _ = np.histogramdd(atoms[:, ::-1], bins=(edges,) * 3)
    return gaussian_filter(counts, 3.0 / fine)[::2, ::2, ::2]


def _views(rng: np.random.Generator, number: int) -> list:
    angles = Rotation.random(number, random_state=int(rng.integers(2**31))).as_euler("zyz", degrees=True)
    shifts = rng.normal(0, 3.0, (number, 2))
    defocus = rng.uniform(12000, 24000, number)
    return [
        f"{rot:.4f} {tilt:.4f} {psi:.4f} {x:.3f} {y:.3f} {value:.1f} {value:.1f} 0 1"
        for (rot, tilt, psi), (x, y), value in zip(angles, shifts, defocus)
    ]


def _projections(folder: Path, name: str, volume: np.ndarray, views: list) -> np.ndarray:
    _write(folder / f"{name}.mrc", volume)
    _write_star(folder / f"{name}_views.star", _COLUMNS, views)
    words = ["--i", f"{name}.mrc", "--o", name, "--ang", f"{name}_views.star", "--ctf", "--angpix", str(VOXEL_SIZE)]
    subprocess.run(["relion_project", *words], cwd=folder, check=True, capture_output=True, timeout=60)
    return mrcfile.read(str(folder / f"{name}.mrcs"))


def _write(path: Path, values: np.ndarray) -> None:
    with mrcfile.new(str(path), overwrite=True) as mrc:
        mrc.set_data(values.astype(np.float32))
        mrc.voxel_size = VOXEL_SIZE


def _write_star(path: Path, columns: Tuple[str, ...], rows: list) -> None:
    names = "".join(f"_{name} #{number}\n" for number, name in enumerate(columns, 1))
    optics = _OPTICS.format(voxel_size=VOXEL_SIZE, box=BOX)
    path.write_text(optics + names + "\n".join(rows) + "\n\n", encoding="utf-8")
