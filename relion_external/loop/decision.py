# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide whether the map of a class is weighted, and what with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple, Union

from relion_external.loop.earlier import EarlierClass, EarlierIteration
from relion_external.loop.options import CONSENSUS, LoopOptions
from relion_external.loop.request import Request


@dataclass(frozen=True)
class Plain:
    """RELION gets the map as it was reconstructed.

    Attributes
    ----------
    reason : str
    is_doubt : bool
        Whether the user expects a weighted map here.
    """

    reason: str
    is_doubt: bool = True


@dataclass(frozen=True)
class Weighting:
    """The map is to be weighted.

    Attributes
    ----------
    method : str
        "confidence" or "consensus".
    voxel_size : float
        Å.
    diameter : float, optional
        Of the particles, Å.
    smooth : float, optional
        Coarsest detail that the weight follows, Å; None for the method's own.
    resolution : float, optional
        Resolution in Å of the iteration before.
    number : int
        Number of the class.
    share : float
        Share of the particles in this class, 0..1.
    classes : tuple of EarlierClass
        All classes as the iteration before left them; at least one.
    """

    method: str
    voxel_size: float
    diameter: Optional[float]
    smooth: Optional[float]
    resolution: Optional[float]
    number: int
    share: float
    classes: Tuple[EarlierClass, ...]


def decide(request: Request, earlier: EarlierIteration, options: LoopOptions) -> Union[Weighting, Plain]:
    """Decide what to do with the map of a class.

    Parameters
    ----------
    request : Request
    earlier : EarlierIteration
        What the iteration before left.
    options : LoopOptions
    """
    plain = _unsuited_run(request, earlier) or _unsuited_iteration(request, earlier, options)
    if plain is not None:
        return plain
    if earlier.voxel_size is None:
        return Plain(
            f"the voxel size is not known: found no model STAR file of iteration {request.iteration - 1} beside the map"
        )
    if options.method == CONSENSUS and earlier.number_of_classes == 1:
        return Plain("a consensus needs two classes, found one", is_doubt=False)
    if earlier.classes and earlier.without_raw:
        return Plain(
            f"class {earlier.without_raw[0]} has a share of the particles, but no raw map of iteration "
            f"{request.iteration - 1} (..._occupy_raw.mrc): what only this class has would be taken for solvent"
        )
    others = tuple(item for item in earlier.classes if item.number != request.number)
    if not earlier.classes or (options.method == CONSENSUS and not (others and earlier.share)):
        return Plain(
            f"no {'other ' * (options.method == CONSENSUS)}class has particles and a raw map of iteration "
            f"{request.iteration - 1} (..._occupy_raw.mrc)"
        )
    return Weighting(
        options.method,
        earlier.voxel_size,
        earlier.diameter,
        options.smooth,
        earlier.resolution,
        request.number,
        earlier.share or 0.0,
        earlier.classes,
    )


def _unsuited_run(request: Request, earlier: EarlierIteration) -> Optional[Plain]:
    """Return why no map of this kind of run is weighted."""
    if request.dimensions != 3:
        return Plain("is a class average, and only 3D maps are weighted", is_doubt=False)
    if request.part == "body":
        return Plain("is a body of a multi-body refinement, whose surroundings are not solvent", is_doubt=False)
    if request.part == "half" or earlier.is_refinement:
        return Plain("is of a Refine3D, whose half maps must stay independent and are not weighted", is_doubt=False)
    if not request.iteration:
        return Plain("the name is not that of a class of an iteration, such as run_it005_class001_external_reconstruct")
    if earlier.is_gradient:
        return Plain(
            "the run follows the gradient, and an external reconstruction replaces the gradient's step: run it without "
            "--external_reconstruct"
        )
    return None


def _unsuited_iteration(request: Request, earlier: EarlierIteration, options: LoopOptions) -> Optional[Plain]:
    """Return why the maps of this iteration are not weighted."""
    if request.iteration == 1:
        return Plain("the first iteration", is_doubt=False)
    if request.iteration < options.start:
        return Plain(f"weighted from iteration {options.start} on", is_doubt=False)
    if options.until is not None and request.iteration > options.until:
        return Plain(f"weighted until iteration {options.until}", is_doubt=False)
    # The particles are assigned before the maps of an iteration are made: the last maps are not used any more.
    if options.until is None and request.iteration == earlier.iterations:
        return Plain("the last iteration", is_doubt=False)
    return None
