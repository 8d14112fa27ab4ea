# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide whether a model's B-factors can be used: programs that predict structures keep a confidence in their place."""

from __future__ import annotations

from typing import Iterator, List, Optional, Tuple

import gemmi
import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import cKDTree

from occupy_core.errors import ModelError
from occupy_core.modelling.atoms.atomic_model import AtomicModel
from occupy_core.modelling.atoms.model_file import opened_model

# B-factors are taken relative to their median, and at most this much lower or higher, Å^2. Ours.
_B_RANGE = (-60.0, 100.0)
_MEAN_B = 80.0
# Words in the header of a predicted structure.
_WORDS = (
    *("ALPHAFOLD", "COLABFOLD", "ESMFOLD", "ROSETTAFOLD", "BOLTZ", "CHAI-1"),
    *("PREDICTION", "PREDICTED", "PLDDT", "THEORETICAL MODEL"),
)
# Å: residues whose centres are this near are neighbours. Well-packed residues have many.
_NEIGHBOURS_WITHIN = 12.0
# Rank correlation of the values with the number of neighbours: above the first they are a confidence, which is high
# where residues are well packed; B-factors are low there. Ours: of refined models it was -0.3 to -0.8 (single chains
# from -0.1), of predictions 0.1 to 0.7. Up to the second, values that are one for each residue may be either.
_CONFIDENCE, _UNSURE = 0.1, -0.1
_CONFIDENCE_OF_CHAIN = 0.2  # for a chain of a model whose other chains have B-factors
# Residues of a chain that has a correlation, and of one that is judged on its own. Ours.
_MIN_RESIDUES, _MIN_RESIDUES_ALONE = 20, 50
# Share of the residues whose atoms have one value, from which on the values count as one for each residue.
_ONE_VALUE = 0.8


def usable_b_factors(model: AtomicModel) -> Tuple[NDArray[np.float64], Optional[str]]:
    """Return the B-factors of the atoms about a common mean, or one for all atoms where the file has none.

    Parameters
    ----------
    model : AtomicModel

    Returns
    -------
    b_factors : float64 array (atoms)
        Å^2, 20..180.
    warning : str, optional
        Why all atoms have one B-factor; None where those of the file are used.

    Notes
    -----
    A confidence is known by the file's header or its categories `_ma_*` (ModelCIF), by values from 0 to 1, or by values
    that are higher where residues have many neighbours. Where the values may be either, all atoms have one
    B-factor: this costs less than a confidence in the place of B-factors.
    """
    reason = _reason_not_to_use(model)
    if reason is None:
        return _MEAN_B + np.clip(model.b_factors - np.median(model.b_factors), *_B_RANGE), None
    return np.full(len(model.b_factors), _MEAN_B), f"{model.path} {reason}: all atoms count as equally flexible"


def _reason_not_to_use(model: AtomicModel) -> Optional[str]:
    values = model.b_factors
    if float(np.ptp(values)) < 1 and not 0 <= values.min() < values.max() <= 1:
        return "has one B-factor for all atoms" if values.any() else "has no B-factors"
    if _says_predicted(model):
        return "has no B-factors (it is a predicted structure, with its confidence in their place)"
    if values.min() >= 0 and values.max() <= 1:
        return "seems to have a confidence in place of its B-factors (they are 0 to 1)"
    chains = list(_packing_of_chains(model))
    if not chains:
        return None
    counts = np.array([count for _, count, _ in chains])
    overall = float(np.average([correlation for _, _, correlation in chains], weights=counts))
    seems = "seems to have a confidence in place of its B-factors: they are {} where residues are well packed"
    if overall > _CONFIDENCE:
        return seems.format("higher")
    if overall > _UNSURE and _one_value_a_residue(model):
        return seems.format("one for each residue and not lower")
    suspects = [name for name, count, value in chains if count >= _MIN_RESIDUES_ALONE and value > _CONFIDENCE_OF_CHAIN]
    return seems.format("higher") + f" in {', '.join(suspects)}" if suspects else None


def _says_predicted(model: AtomicModel) -> bool:
    """Return whether a file says that it is a prediction, and of no experiment.

    Titles of experiments have such words too: the crystal structure of a predicted phosphatase.
    """
    if _has_modelcif(model):
        return True
    info = dict(model.structure.info.items())
    method = info.get("_exptl.method", "").upper()
    if method and "THEORETICAL" not in method:
        return False
    text = " ".join([method, *info.values(), *model.structure.raw_remarks[:20]]).upper()
    return any(word in text for word in _WORDS)


def _has_modelcif(model: AtomicModel) -> bool:
    """Return whether a mmCIF file has categories of computed models, such as AlphaFold's _ma_qa_metric."""
    if model.structure.input_format == gemmi.CoorFormat.Pdb:
        return False
    try:
        with opened_model(model.path) as lines:
            return any(line.startswith(b"_ma_") for line in lines)
    except (OSError, ModelError):  # gone or rewritten since it was read
        return False


def _packing_of_chains(model: AtomicModel) -> Iterator[Tuple[str, int, float]]:
    """Yield name and residues of each chain, and the correlation of its values with the number of neighbours."""
    count = len(model.residues)
    atoms = np.bincount(model.residue_of_atom, minlength=count)
    sums = [np.bincount(model.residue_of_atom, values, count) for values in (*model.positions.T, model.b_factors)]
    *centres, means = (values / atoms for values in sums)
    polymer = np.flatnonzero([residue.is_polymer for residue in model.residues])
    if not len(polymer):
        return
    places = np.stack(centres, axis=1)[polymer]
    neighbours = cKDTree(places).query_ball_point(places, _NEIGHBOURS_WITHIN, return_length=True)
    members: List[str] = [model.residues[index].chain for index in polymer]
    for chain in dict.fromkeys(members):
        own = np.flatnonzero([name == chain for name in members])
        values = means[polymer][own]
        if len(own) >= _MIN_RESIDUES and np.ptp(values) > 0 and np.ptp(neighbours[own]) > 0:
            yield chain, len(own), float(stats.spearmanr(values, neighbours[own])[0])


def _one_value_a_residue(model: AtomicModel) -> bool:
    """Return whether all atoms of a residue have one value, in nearly all residues of more than one atom."""
    count = len(model.residues)
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, model.residue_of_atom, model.b_factors)
    np.maximum.at(high, model.residue_of_atom, model.b_factors)
    several = np.bincount(model.residue_of_atom, minlength=count) > 1
    return bool(several.any() and (high - low < 0.02)[several].mean() >= _ONE_VALUE)
