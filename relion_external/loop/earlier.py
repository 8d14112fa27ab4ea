# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what the iteration before left: voxel size, shares of the classes and their raw maps, the kind of run."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, Optional, Tuple

from occupy_core.errors import OccupyError
from relion_external.loop.inversion import raw_map
from relion_external.loop.request import Request
from relion_files.iteration import Reconstruction, continued_from, reconstruction_of, star_beside
from relion_files.star import Table, read_star

_MODEL = frozenset(("rlnPixelSize", "rlnReferenceImage", "rlnClassDistribution", "rlnCurrentResolution"))
_RUN = frozenset(
    (
        *("rlnNumberOfIterations", "rlnParticleDiameter"),
        *("rlnDoGradientRefine", "rlnDoStochasticGradientDescent", "rlnDoAutoRefine"),
    )
)


@dataclass(frozen=True)
class EarlierClass:
    """A class, as the iteration before left it.

    Attributes
    ----------
    number : int
    share : float
        Share of the particles, above 0.
    raw : str
        Path of its map before it was weighted.
    """

    number: int
    share: float
    raw: str


@dataclass(frozen=True)
class EarlierIteration:
    """Facts about the run from the STAR files of the iteration before; None for those that these do not tell.

    Attributes
    ----------
    voxel_size, diameter : float, optional
        Å; the diameter is that of the particles.
    resolution : float, optional
        Å; up to which the next iteration compared particles and maps.
    share : float, optional
        Share of the particles in the class that is reconstructed now, 0..1.
    classes : tuple of EarlierClass
        The classes that had particles and have a raw map.
    without_raw : tuple of int
        The numbers of the classes that had particles and have no raw map.
    number_of_classes : int
        0 if it is not known.
    iterations : int, optional
        Number of iterations that the run was started for.
    is_gradient, is_refinement : bool
        Whether the run follows the gradient, as initial models do, or is a Refine3D.
    """

    voxel_size: Optional[float] = None
    diameter: Optional[float] = None
    resolution: Optional[float] = None
    share: Optional[float] = None
    classes: Tuple[EarlierClass, ...] = ()
    without_raw: Tuple[int, ...] = ()
    number_of_classes: int = 0
    iterations: Optional[int] = None
    is_gradient: bool = False
    is_refinement: bool = False


def read_earlier(request: Request) -> EarlierIteration:
    """Read the model and optimiser STAR files of the iteration before.

    Missing files and values are no error: they stay unknown.
    """
    star = _star_before(request, "model")
    if star is None:
        return _without_model(request)
    model, run = _tables(star, _MODEL), _tables(star_beside(star, "optimiser"), _RUN)
    general, classes = (model.get(name, Table(star, {})) for name in ("model_general", "model_classes"))
    optimiser = run.get("optimiser_general", Table(star, {}))
    names = classes.columns.get("rlnReferenceImage", [])
    shares = [value or 0.0 for value in classes.numbers("rlnClassDistribution")]
    has_shares = len(shares) == len(names) >= request.number
    continued = continued_from(star_beside(star, "optimiser"))
    raws = [_raw_of(name, continued) for name in names]
    with_particles = [(number, share) for number, share in enumerate(shares, start=1) if share > 0]
    iterations = _number(optimiser, "rlnNumberOfIterations")
    return EarlierIteration(
        voxel_size=request.voxel_size or _number(general, "rlnPixelSize"),
        diameter=request.diameter or _number(optimiser, "rlnParticleDiameter"),
        resolution=_number(general, "rlnCurrentResolution"),
        share=shares[request.number - 1] if has_shares else None,
        classes=tuple(EarlierClass(n, share, raws[n - 1] or "") for n, share in with_particles if raws[n - 1])
        if has_shares
        else (),
        without_raw=tuple(n for n, _ in with_particles if not raws[n - 1]) if has_shares else (),
        number_of_classes=len(names),
        iterations=None if iterations is None else int(iterations),
        is_gradient=_is_gradient(optimiser),
        is_refinement=bool(_number(optimiser, "rlnDoAutoRefine")),
    )


def usual_reconstruction(request: Request) -> Reconstruction:
    """Return how relion_refine itself would make the map, as the iteration before tells.

    Where it does not tell: as RELION does by default. RELION 4 and 5 give the voxel size with the request.
    """
    star = _star_before(request, "optimiser")
    found = Reconstruction() if star is None else reconstruction_of(star)
    return replace(found, skips_gridding=request.voxel_size is not None) if found.skips_gridding is None else found


def _without_model(request: Request) -> EarlierIteration:
    """Return what is known without a model STAR file, as in the last iteration of a Refine3D: the halves have two."""
    star = _star_before(request, "optimiser")
    optimiser = (_tables(star, _RUN) if star else {}).get("optimiser_general", Table("", {}))
    return EarlierIteration(
        request.voxel_size,
        request.diameter,
        is_gradient=_is_gradient(optimiser),
        is_refinement=bool(_number(optimiser, "rlnDoAutoRefine")),
    )


def _is_gradient(optimiser: Table) -> bool:
    return any(_number(optimiser, label) for label in ("rlnDoGradientRefine", "rlnDoStochasticGradientDescent"))


def _star_before(request: Request, kind: str) -> Optional[str]:
    """Return the STAR file of a kind ("model" or "optimiser") of the iteration before; None if there is none.

    RELION writes it anew when a run is continued (run_ct8_it008_model.star). Where it has another name, it counts
    only if no other run has files of this iteration in the folder.
    """
    ending = f"_it{request.iteration - 1:03d}_{kind}.star"
    usual = request.stem + ending
    if os.path.isfile(usual):
        return usual
    found = [str(path) for path in Path(request.star).parent.glob(f"*{ending}") if path.is_file()]
    return found[0] if len(found) == 1 else None


def _raw_of(name: str, continued: Optional[str]) -> Optional[str]:
    """Return the raw map of a class of the iteration before; None if there is none.

    Parameters
    ----------
    name : str
        Path of the class map.
    continued : str, optional
        First part of the paths of the run that this one continues, such as Class3D/job003/run_it008: the raw map has
        the name that it got there.
    """
    root = os.path.splitext(name)[0]
    roots = [root, *([continued + root[root.rindex("_class") :]] if continued and "_class" in root else [])]
    return next((raw_map(item) for item in roots if os.path.isfile(raw_map(item))), None)


def _tables(star: str, labels: frozenset) -> Dict[str, Table]:
    """Read a STAR file; return nothing if it cannot be read."""
    try:
        return read_star(star, labels)
    except OccupyError:
        return {}


def _number(table: Table, label: str) -> Optional[float]:
    """Return the first value below a label if it is a number above 0."""
    values = table.numbers(label)
    return values[0] if values and values[0] and values[0] > 0 else None
