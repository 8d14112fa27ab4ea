# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulate particles of a complex with and without a domain, for a real 3D classification in RELION."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Tuple

import mrcfile
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

BOX = 40  # voxels
VOXEL_SIZE = 4.0  # Å
ATOM_SPACING = 3.5  # Å between pseudo-atoms; each stands for about one residue
PARTICLES = "particles.star"
REFERENCE = "reference.mrc"

# Job options of a Class3D job that separates the two states. The classes mix or collapse without the options on the
# reference (its grey scale is that of the particles, and it is CTF-corrected), and without padding.
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

# Balls that form the core and the domain: x, y, z of the centre relative to the middle of the box, and radius, Å.
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
    """The simulated particles.

    Attributes
    ----------
    domain : bool array (z, y, x)
        Voxels of the domain.
    has_domain : bool array (particles)
        Whether each particle has the domain, in the order of the stack.
    """

    domain: np.ndarray
    has_domain: np.ndarray


@dataclass(frozen=True)
class TwoStates:
    """A complex with and without a domain.

    Attributes
    ----------
    with_domain, without_domain : float32 arrays (z, y, x)
        Maps of the two states.
    domain : bool array (z, y, x)
        Voxels of the domain.
    """

    with_domain: np.ndarray
    without_domain: np.ndarray
    domain: np.ndarray


def two_states(seed: int = 0) -> TwoStates:
    """Simulate the complex from pseudo-atoms at random positions, which have the texture of globular protein."""
    rng = np.random.default_rng(seed)
    axis = (np.arange(BOX) - BOX // 2) * VOXEL_SIZE
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    in_core, in_domain = (_in_balls(balls, x, y, z) for balls in (_CORE, _DOMAIN))
    core, domain = (_density(rng, balls) for balls in (_CORE, _DOMAIN))
    return TwoStates((core + domain).astype(np.float32), core.astype(np.float32), in_domain & ~in_core)


def write_particles(
    folder: Path, *, numbers: Tuple[int, int] = (150, 150), noise: float = 3.0, seed: int = 0
) -> Particles:
    """Project both states with relion_project, and write particles.star and reference.mrc.

    The STAR file has the orientations of the particles, as after a refinement of all particles together, so that a
    classification without alignment separates the states within seconds. The reference is the mean of the two states,
    on the grey scale of the particles.

    Parameters
    ----------
    folder : Path
        Folder of the RELION project; the images are written to its folder Particles.
    numbers : two int
        Number of particles with the domain, which come first, and without it.
    noise : float
        Standard deviation of white noise, relative to that of the projections.
    seed : int
        Seed of the pseudo-atoms, the orientations and the noise.
    """
    states = two_states(seed)
    images = folder / "Particles"
    images.mkdir(parents=True)
    rng = np.random.default_rng(seed + 1)
    rows, stacks = [], []
    for name, volume, number in zip(("whole", "core"), (states.with_domain, states.without_domain), numbers):
        views = _random_views(rng, number)
        rows += views
        stacks.append(_project(images, name, volume, views))
    projections = np.concatenate(stacks)
    noise_level = noise * projections.std()
    # Noise is added here because relion_project's noise has no seed. Its standard deviation is 1, as RELION expects.
    _write_mrc(images / "particles.mrcs", projections / noise_level + rng.normal(size=projections.shape))
    named_rows = [f"{index:06d}@Particles/particles.mrcs {row}" for index, row in enumerate(rows, 1)]
    _write_star(folder / PARTICLES, ("rlnImageName", *_COLUMNS), named_rows)
    _write_mrc(folder / REFERENCE, (states.with_domain + states.without_domain) / (2 * noise_level))
    return Particles(states.domain, np.repeat([True, False], numbers))


def _in_balls(balls, x, y, z) -> np.ndarray:
    inside = [(x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2 <= radius**2 for a, b, c, radius in balls]
    return np.logical_or.reduce(inside)


def _density(rng: np.random.Generator, balls) -> np.ndarray:
    """Return the density (z, y, x) of Gaussian pseudo-atoms inside the balls, on a lattice with random shifts.

    Atoms are counted on a grid of half the voxel size; every second voxel of the smoothed counts is returned.
    """
    reach = BOX * VOXEL_SIZE / 2
    axis = np.arange(-reach, reach, ATOM_SPACING)
    atoms = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    atoms = atoms + rng.uniform(-ATOM_SPACING / 2, ATOM_SPACING / 2, atoms.shape)
    atoms = atoms[_in_balls(balls, *atoms.T)]
    atoms = atoms[rng.random(len(atoms)) < 0.7]  # gaps, as between side chains
    fine = VOXEL_SIZE / 2
    edges = (np.arange(2 * BOX + 1) - BOX - 0.5) * fine
    counts, _ = np.histogramdd(atoms[:, ::-1], bins=(edges,) * 3)
    return gaussian_filter(counts, 3.0 / fine)[::2, ::2, ::2]


def _random_views(rng: np.random.Generator, number: int) -> list:
    """Return a STAR row (`_COLUMNS`) with random orientation, shift and defocus for each particle."""
    angles = Rotation.random(number, random_state=int(rng.integers(2**31))).as_euler("zyz", degrees=True)
    shifts = rng.normal(0, 3.0, (number, 2))
    defocus = rng.uniform(12000, 24000, number)
    return [
        f"{rot:.4f} {tilt:.4f} {psi:.4f} {x:.3f} {y:.3f} {value:.1f} {value:.1f} 0 1"
        for (rot, tilt, psi), (x, y), value in zip(angles, shifts, defocus)
    ]


def _project(folder: Path, name: str, volume: np.ndarray, views: list) -> np.ndarray:
    _write_mrc(folder / f"{name}.mrc", volume)
    _write_star(folder / f"{name}_views.star", _COLUMNS, views)
    options = ["--i", f"{name}.mrc", "--o", name, "--ang", f"{name}_views.star", "--ctf", "--angpix", str(VOXEL_SIZE)]
    subprocess.run(["relion_project", *options], cwd=folder, check=True, capture_output=True, timeout=60)
    return mrcfile.read(str(folder / f"{name}.mrcs"))


def _write_mrc(path: Path, values: np.ndarray) -> None:
    with mrcfile.new(str(path), overwrite=True) as mrc:
        mrc.set_data(values.astype(np.float32))
        mrc.voxel_size = VOXEL_SIZE


def _write_star(path: Path, columns: Tuple[str, ...], rows: list) -> None:
    names = "".join(f"_{name} #{number}\n" for number, name in enumerate(columns, 1))
    optics = _OPTICS.format(voxel_size=VOXEL_SIZE, box=BOX)
    path.write_text(optics + names + "\n".join(rows) + "\n\n", encoding="utf-8")
