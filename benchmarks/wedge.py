# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare simulated classes of subtomograms with a missing wedge: `python -m benchmarks.wedge`.

Each subtomogram lacks the views beyond 60 degrees of tilt. In an average the wedges of many orientations overlap, so
that each Fourier coefficient is measured in a share of the subtomograms, the *coverage*. The map of a class is the
optimal (Wiener) estimate from its coverage, as RELION makes it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
import scipy.fft

from benchmarks.classes import scenarios
from benchmarks.classes.measure import Outcome, compare_simulated, match_regions
from benchmarks.classes.scenarios import Scenario
from benchmarks.occupancy import suite
from benchmarks.occupancy.simulate import Conditions, Simulated, simulate
from benchmarks.occupancy.suite import Complex
from benchmarks.occupancy.tables import markdown
from benchmarks.page_sections import write_section
from benchmarks.real_data import REPOSITORY, real_data

PAGE = REPOSITORY / "docs" / "classes.md"
SECTION = "wedge"
_TILT = 60.0  # degrees: largest tilt of a tilt series
_RESOLUTION, _VOXEL_SIZE, _NOISE = 10.0, 3.0, 0.2  # Å, Å, solvent noise of the best class relative to full density
_NO_NOISE = 1e-6
_INTRODUCTION = f"""## Classes of subtomograms

`python -m benchmarks.wedge --write` writes this section. It simulates three classes of each of {{complexes}} complexes,
at {_RESOLUTION:g} Å in voxels of {_VOXEL_SIZE:g} Å, with solvent noise of {_NOISE:g} of full density. Each subtomogram
lacks the views beyond {_TILT:g} degrees of tilt. A class map is the optimal (Wiener) estimate from what its
subtomograms have measured, as RELION makes it: coefficients that no subtomogram measures are 0. Maps that are averaged
without such weights were not tried. Chains are present or absent; the last column is of classes that do not differ.
Found and false are [as above](#how-to-read-these-tables). Seed {{seed}}, which was not used while the simulation was
written.

"""


@dataclass(frozen=True)
class Views:
    """Orientations of the subtomograms of each class.

    Attributes
    ----------
    title : str
        In words.
    axes : tuple of three floats (z, y, x)
        For each class in turn, the direction in the molecule along which it is viewed without tilt.
    spread : float, optional
        Standard deviation of that direction, degrees; None for random orientations.
    in_plane : bool
        Whether the subtomograms are turned about the direction of view; if not, all have nearly one missing wedge.
    subtomograms : int
        Number of orientations that are drawn for each class.
    """

    title: str
    axes: Tuple[Tuple[float, float, float], ...] = ((1.0, 0.0, 0.0),)
    spread: Optional[float] = None
    in_plane: bool = True
    subtomograms: int = 300


_Z, _X = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
VIEWS = (
    Views("all orientations"),
    Views("all orientations, 20 subtomograms a class", subtomograms=20),
    Views("along one axis (15 degrees)", (_Z,), 15.0),
    Views("along another axis in each second class (15 degrees)", (_Z, _X), 15.0),
    Views("in one orientation (15 degrees), another in each second class", (_Z, _X), 15.0, in_plane=False),
)


def coverage(shape: Sequence[int], views: Views, number: int, rng: np.random.Generator) -> np.ndarray:
    """Return the share of subtomograms that measure each coefficient of a real Fourier transform, 0..1.

    Parameters
    ----------
    shape : sequence of int
        Box (z, y, x), voxels; a cube.
    views : Views
        The orientations.
    number : int
        Number of the class, from 0.
    rng : numpy.random.Generator
    """
    z, y = (np.fft.fftfreq(side) for side in shape[:2])
    grid = np.stack(np.meshgrid(z, y, np.fft.rfftfreq(shape[2]), indexing="ij")).astype(np.float32)
    found = np.zeros(grid.shape[1:], dtype=np.float32)
    for _ in range(views.subtomograms):
        beam = rng.standard_normal(3)
        if views.spread is not None:
            beam *= np.tan(np.radians(views.spread))
            beam += views.axes[number % len(views.axes)]
        beam /= np.linalg.norm(beam)
        other = rng.standard_normal(3) if views.in_plane else np.array([0.0, 1.0, 0.0])
        across = np.cross(beam, other)  # the direction in which the specimen is tilted
        across /= np.linalg.norm(across)
        along_beam = np.abs(np.tensordot(beam.astype("f4"), grid, 1))
        found += along_beam <= np.tan(np.radians(_TILT)) * np.abs(np.tensordot(across.astype("f4"), grid, 1))
    return found / views.subtomograms


def averaged(signal: np.ndarray, share: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Return the average of subtomograms as the Wiener filter makes it from the measured coefficients.

    Parameters
    ----------
    signal : float array (z, y, x)
        Map without noise.
    share : float array (z, y, x // 2 + 1)
        Coverage of each coefficient, 0..1.
    noise : float
        Standard deviation of the noise where the coverage is 1, in the units of the map.
    rng : numpy.random.Generator
    """
    spectrum = scipy.fft.rfftn(signal)
    k = np.sqrt(sum(np.square(np.meshgrid(*_frequencies(signal.shape), indexing="ij"))))
    shells = np.rint(k * signal.shape[0]).astype(int)
    count = np.bincount(shells.ravel())
    power = np.bincount(shells.ravel(), np.square(np.abs(spectrum)).ravel()) / count
    noise_power = noise**2 * signal.size
    grain = scipy.fft.rfftn(noise * rng.standard_normal(signal.shape))
    ratio = noise_power / np.maximum(power, 1e-12 * power.max())[shells]
    return scipy.fft.irfftn((share * spectrum + np.sqrt(share) * grain) / (share + ratio), signal.shape).astype(
        np.float32
    )


def _frequencies(shape: Sequence[int]) -> List[np.ndarray]:
    return [np.fft.fftfreq(side) for side in shape[:2]] + [np.fft.rfftfreq(shape[2])]


def run(scenario: Scenario, views: Views, seed: int) -> Outcome:
    """Simulate the classes of a scenario with a missing wedge, and compare them."""
    maps: List[Simulated] = []
    for number, (conditions, occupancies) in enumerate(zip(scenario.conditions, scenario.occupancies)):
        clean = replace(conditions, noise=_NO_NOISE)
        made = simulate(scenario.model.path, clean, occupancies, only=scenario.model.only)
        rng = np.random.default_rng((seed, number))
        share = coverage(made.volume.shape, views, number, rng)
        full = float(np.percentile(made.volume[made.chains >= 0], 99))
        # Noise of all frequencies; the part within the resolution gives the solvent noise that the scenario asks for.
        within = (4 / 3 * np.pi * (conditions.voxel_size / conditions.resolution) ** 3) ** 0.5
        volume = averaged(made.volume, share, conditions.noise * full / within, rng)
        maps.append(replace(made, volume=volume))
    return match_regions(scenario, maps[0], compare_simulated(maps))


def drawn(models: Sequence[Complex], seed: int) -> Dict[str, List[Scenario]]:
    """Draw classifications with differences and without, of each complex, all with one noise and resolution."""
    found: Dict[str, List[Scenario]] = {"differing": [], "identical": []}
    differing = scenarios.differing(models, seed, (_NOISE,), partial=False)
    identical = scenarios.identical(models, seed, len(models))
    for kind, chosen in (("differing", differing), ("identical", identical)):
        for scenario in chosen:
            occupancies = scenario.occupancies[:3] if kind == "differing" else scenario.occupancies[:1] * 3
            conditions = tuple(
                Conditions(resolution=_RESOLUTION, voxel_size=_VOXEL_SIZE, noise=_NOISE, seed=number)
                for number in range(len(occupancies))
            )
            found[kind].append(replace(scenario, occupancies=occupancies, conditions=conditions))
    return found


def table(results: Dict[str, Dict[str, List[Outcome]]]) -> str:
    """Return the table of `results`: for each kind of views, the outcomes with and without differences."""
    rows = []
    for title, outcomes in results.items():
        matches = [match for item in outcomes["differing"] for match in item.matches]
        found = [match.error for match in matches if match.is_found]
        rows.append(
            [
                title,
                f"{len(found)} of {len(matches)}",
                f"{np.mean(found):.3f}" if found else "",
                str(sum(item.false_regions for item in outcomes["differing"])),
                f"{sum(item.regions > 0 for item in outcomes['identical'])} of {len(outcomes['identical'])}",
            ]
        )
    header = [
        "views",
        "differences found",
        "mean error of their occupancies",
        "false regions beside them",
        "identical sets with a false region",
    ]
    return markdown(header, rows)


def main(argv: Optional[List[str]] = None) -> int:
    """Run the simulations, print the table and, if asked for, write it into docs/classes.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wedge", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="seed of the differences, orientations and noise")
    parser.add_argument("--write", action="store_true", help="write the section into docs/classes.md")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        models = [*suite.known_complexes(real_data() / "models"), suite.bundles(Path(folder))]
        chosen = drawn(models, options.seed)
        results = {
            views.title: {
                kind: [run(item, views, options.seed + number) for number, item in enumerate(items)]
                for kind, items in chosen.items()
            }
            for views in VIEWS
        }
    text = table(results)
    print(text)
    if options.write:
        write_section(PAGE, SECTION, _INTRODUCTION.format(complexes=len(models), seed=options.seed) + text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
