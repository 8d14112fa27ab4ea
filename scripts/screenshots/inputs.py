# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the inputs of the jobs whose windows and pages are taken: an ensemble, and a model of many chains."""

from __future__ import annotations

from pathlib import Path

import gemmi
import mrcfile
import numpy as np

from demo.run import OUTPUT
from demo.simulate import phantom

INPUTS = OUTPUT / "windows_inputs"
VOLUMES, CHAINS = INPUTS / "volumes", INPUTS / "chains.cif"
_VOLUMES = 24  # of the ensemble
_PIECES = 4  # chains of each of the three parts of the demo's complex


def write_inputs() -> None:
    """Write the volumes of the ensemble and the model, which belongs to the demo's maps."""
    VOLUMES.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    for number in range(1, _VOLUMES + 1):
        occupancies = (1.0, float(rng.random() < 0.5), float(rng.uniform(0.1, 1.0)))
        simulated = phantom(noise=0.1, occupancies=occupancies, noise_seed=number)
        with mrcfile.new(str(VOLUMES / f"volume{number:03d}.mrc"), overwrite=True) as mrc:
            mrc.set_data(simulated.volume)
            mrc.voxel_size = simulated.voxel_size
    _write_chains(OUTPUT / "simulated.cif", CHAINS)


def _write_chains(source: Path, path: Path) -> None:
    """Write a model with each chain divided into pieces that are chains of their own: A1, A2, ..."""
    structure = gemmi.read_structure(str(source))
    model = gemmi.Model(1)
    for chain in structure[0]:
        for number, indices in enumerate(np.array_split(np.arange(len(chain)), _PIECES), start=1):
            piece = gemmi.Chain(f"{chain.name}{number}")
            for index in indices:
                piece.add_residue(chain[int(index)])
            model.add_chain(piece)
    del structure[0]
    structure.add_model(model)
    structure.setup_entities()
    structure.make_mmcif_document().write_file(str(path))
