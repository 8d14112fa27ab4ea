# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the pseudo-atoms of a simulated complex as an atomic model: a chain for each part."""

from __future__ import annotations

from pathlib import Path

import gemmi
import numpy as np

from demo.simulate import Phantom


def write_model(simulated: Phantom, path: Path) -> Path:
    """Write the model as mmCIF, with an unknown residue of one alpha carbon for each pseudo-atom, sorted along x.

    Parameters
    ----------
    simulated : Phantom
    path : Path
        File to write.

    Returns
    -------
    Path
        `path`
    """
    model = gemmi.Model(1)
    for number, voxels in enumerate(simulated.atoms):
        chain = gemmi.Chain("ABCDEFGHIJ"[number])
        for index, voxel in enumerate(voxels[np.argsort(voxels[:, 2])], start=1):
            z, y, x = (float(value) * simulated.voxel_size for value in voxel)
            residue = gemmi.Residue()
            residue.name, residue.seqid, residue.entity_type = "UNK", gemmi.SeqId(index, " "), gemmi.EntityType.Polymer
            atom = gemmi.Atom()
            atom.name, atom.element, atom.pos = "CA", gemmi.Element("C"), gemmi.Position(x, y, z)
            residue.add_atom(atom)
            chain.add_residue(residue)
        model.add_chain(chain)
    structure = gemmi.Structure()
    structure.name = "demo"
    structure.add_model(model)
    structure.setup_entities()
    structure.make_mmcif_document().write_file(str(path))
    return path
