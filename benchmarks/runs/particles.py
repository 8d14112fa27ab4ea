# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulate the particle images of a complex whose parts are missing in some particles, with RELION's own projector."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple

import mrcfile
import numpy as np
import pandas
import starfile
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.spatial.transform import Rotation

from benchmarks.occupancy.atomic_model import load_model
from benchmarks.occupancy.simulate import Conditions, simulate
from benchmarks.occupancy.suite import Complex

# Å. Coarse voxels keep a run short; the classes are compared at a coarser low-pass anyway.
VOXEL_SIZE = 5.0
PADDING = 35.0  # Å of solvent around the molecule
# Density of the water that the molecule displaces, relative to the mean density of the molecule.
_WATER = 0.5
_MASK_DENSITY, _MASK_GROWTH, _MASK_EDGE = 0.15, 10.0, 15.0  # relative to the densest voxel at 15 Å; Å; Å
_REFERENCE_WIDTH = 25.0  # Å, standard deviation of the Gaussian that blurs the first reference
_DEFOCUS = (8000.0, 22000.0)  # Å


@dataclass(frozen=True)
class Part:
    """Chains that are missing together.

    Attributes
    ----------
    chains : tuple of str
        Names of the chains.
    presence : float
        Probability that a particle has the part, 0..1.
    """

    chains: Tuple[str, ...]
    presence: float


@dataclass(frozen=True)
class ParticleSet:
    """What the particles of a run are.

    Attributes
    ----------
    model : Complex
    parts : tuple of Part
        Every other chain is in all particles.
    number : int
        Number of particles.
    noise : float
        Standard deviation of the noise in the images, relative to that of the noise-free images.
    pose_error : two float
        Standard deviations of the errors of the angles (degrees) and of the positions (Å) in the STAR file.
    seed : int
    """

    model: Complex
    parts: Tuple[Part, ...]
    number: int
    noise: float
    pose_error: Tuple[float, float]
    seed: int


def write_particles(particles: ParticleSet, folder: Path) -> np.ndarray:
    """Write particles.star, particles.mrcs, reference.mrc, mask.mrc and truth.npz into a project folder.

    Returns
    -------
    bool array (particle, part)
        Which particle has which part.
    """
    rng = np.random.default_rng(particles.seed)
    has = rng.random((particles.number, len(particles.parts))) < [part.presence for part in particles.parts]
    poses = _draw_poses(particles.number, rng)
    images, side = None, 0
    for state in sorted({tuple(row) for row in has.tolist()}):
        chosen = np.flatnonzero((has == state).all(axis=1))
        volume = simulate_volume(particles, dict(zip(particles.parts, state)))
        projections = _project(volume, poses.iloc[chosen], folder)
        side = len(volume)
        images = np.empty((particles.number, side, side), np.float32) if images is None else images
        images[chosen] = projections
    images += rng.normal(0, particles.noise * images.std(), images.shape).astype(np.float32)
    _normalise(images)
    _write_map(folder / "particles.mrcs", images)
    _write_truth(particles, has, side, folder)
    names = [f"{index + 1:06d}@particles.mrcs" for index in range(particles.number)]
    given = _with_errors(poses, particles.pose_error, rng)
    given.insert(0, "rlnImageName", names)
    _write_star(folder / "particles.star", given, side)
    return has


def _draw_poses(number: int, rng: np.random.Generator) -> pandas.DataFrame:
    rot, tilt, psi = Rotation.random(number, random_state=rng.integers(1 << 31)).as_euler("ZYZ", degrees=True).T
    defocus = rng.uniform(*_DEFOCUS, number)
    x, y = rng.uniform(-10, 10, (2, number))
    return pandas.DataFrame(
        {
            "rlnAngleRot": rot,
            "rlnAngleTilt": tilt,
            "rlnAnglePsi": psi,
            "rlnOriginXAngst": x,
            "rlnOriginYAngst": y,
            "rlnDefocusU": defocus,
            "rlnDefocusV": defocus,
            "rlnDefocusAngle": 0.0,
            "rlnOpticsGroup": 1,
        }
    )


def _with_errors(poses: pandas.DataFrame, errors: Tuple[float, float], rng: np.random.Generator) -> pandas.DataFrame:
    """Return poses with errors of these standard deviations, degrees and Å."""
    degrees, angstrom = errors
    angles = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]
    exact = Rotation.from_euler("ZYZ", poses[angles].to_numpy(), degrees=True)
    turned = exact * Rotation.from_rotvec(np.radians(rng.normal(0, degrees, (len(poses), 3))))
    result = poses.copy()
    result[angles] = turned.as_euler("ZYZ", degrees=True)
    result[["rlnOriginXAngst", "rlnOriginYAngst"]] += rng.normal(0, angstrom, (len(poses), 2))
    return result


def simulate_volume(particles: ParticleSet, present: Dict[Part, bool]) -> np.ndarray:
    """Return the noise-free map of the complex with these parts."""
    model = load_model(particles.model.path, VOXEL_SIZE, PADDING, particles.model.only)
    missing = {name for part, is_there in present.items() if not is_there for name in part.chains}
    occupancies = {name: float(name not in missing) for name in model.names}
    conditions = Conditions(2 * VOXEL_SIZE, VOXEL_SIZE, noise=0.0, padding=PADDING, solvent=_WATER)
    return simulate(particles.model.path, conditions, occupancies, only=particles.model.only).volume


def _project(volume: np.ndarray, poses: pandas.DataFrame, folder: Path) -> np.ndarray:
    _write_map(folder / "state.mrc", volume)
    table = poses.copy()
    table.insert(0, "rlnImageName", [f"{index + 1:06d}@none.mrcs" for index in range(len(poses))])
    _write_star(folder / "state.star", table, len(volume))
    words = "--i state.mrc --o projections --ang state.star --ctf --angpix".split()
    subprocess.run(["relion_project", *words, str(VOXEL_SIZE)], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with mrcfile.open(folder / "projections.mrcs") as file:
        images = np.array(file.data)
    for name in ("state.mrc", "state.star", "projections.mrcs", "projections.star"):
        (folder / name).unlink()
    return images


def _normalise(images: np.ndarray) -> None:
    """Give the background of each image a mean of 0 and a standard deviation of 1, as RELION expects."""
    side = images.shape[1]
    y, x = np.mgrid[:side, :side] - side // 2
    background = np.hypot(y, x) > side / 2 - 2
    values = images[:, background]
    images -= values.mean(axis=1)[:, None, None]
    images /= values.std(axis=1)[:, None, None]


def _write_truth(particles: ParticleSet, has: np.ndarray, side: int, folder: Path) -> None:
    """Write the first reference, a soft mask around the molecule, and where each part is."""
    model = load_model(particles.model.path, VOXEL_SIZE, PADDING, particles.model.only)
    everything = simulate_volume(particles, dict.fromkeys(particles.parts, True))
    _write_map(folder / "reference.mrc", gaussian_filter(everything, _REFERENCE_WIDTH / 2.355 / VOXEL_SIZE))
    smooth = gaussian_filter(everything, 15 / 2.355 / VOXEL_SIZE)
    distance = distance_transform_edt(smooth < _MASK_DENSITY * smooth.max()) * VOXEL_SIZE
    mask = (1 + np.cos(np.pi * np.clip((distance - _MASK_GROWTH) / _MASK_EDGE, 0, 1))) / 2
    _write_map(folder / "mask.mrc", mask.astype(np.float32))
    parts = [np.isin(model.chains, [model.names.index(name) for name in part.chains]) for part in particles.parts]
    masses = [sum(model.masses[model.names.index(name)] for name in part.chains) for part in particles.parts]
    molecule = model.chains >= 0
    np.savez_compressed(folder / "truth.npz", has=has, molecule=molecule, parts=np.array(parts), masses=masses)


def _write_map(path: Path, values: np.ndarray) -> None:
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(values.astype(np.float32))
        file.voxel_size = VOXEL_SIZE


def _write_star(path: Path, particles: pandas.DataFrame, side: int) -> None:
    optics: Dict[str, List[object]] = {
        "rlnOpticsGroupName": ["simulated"],
        "rlnOpticsGroup": [1],
        "rlnVoltage": [300.0],
        "rlnSphericalAberration": [2.7],
        "rlnAmplitudeContrast": [0.1],
        "rlnImagePixelSize": [VOXEL_SIZE],
        "rlnImageSize": [side],
        "rlnImageDimensionality": [2],
    }
    starfile.write({"optics": pandas.DataFrame(optics), "particles": particles}, path, overwrite=True)
