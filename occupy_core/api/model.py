# SPDX-License-Identifier: GPL-3.0-or-later
"""Read how occupied the parts of a fitted atomic model are. This project's method (docs/model.md)."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import AbstractSet, Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from occupy_core.api.inputs import MapLike, check_threads, make_settings, map_name, read_map_like
from occupy_core.api.occupancy import Occupancy
from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError, ModelError, SettingsError
from occupy_core.input_files import unchanged_inputs
from occupy_core.maps.density_map import DensityMap, inverted_map
from occupy_core.maps.grid import PathLike
from occupy_core.modelling.atoms.atomic_model import read_model
from occupy_core.modelling.atoms.groups import Group, groups_of, windows_of
from occupy_core.modelling.describe import one_means
from occupy_core.modelling.model_occupancy import ModelOccupancy, PartOccupancy, measure_model
from occupy_core.modelling.part_masks import mask_of_part


@dataclass(frozen=True, eq=False)
class ModelPart:
    """A part of a model.

    Attributes
    ----------
    name : str
        Name of the chain, entity, ligand or selection.
    residues : str
        First and last residue in each chain, such as "A 12-345".
    mass : float
        Mass without hydrogens, kDa.
    occupancies : tuple of Occupancy
        One for each map: `low`, `value`, `high`, 0..1; NaN where a map does not show the part.
    """

    name: str
    residues: str
    mass: float
    occupancies: Tuple[Occupancy, ...]
    _group: Group = field(repr=False)
    _result: ModelOccupancy = field(repr=False)

    @property
    def occupancy(self) -> float:
        """Occupancy in the only map, 0..1.

        Raises
        ------
        MapError
            If there are several maps.
        """
        if len(self.occupancies) > 1:
            raise MapError("there are several maps: take one of `occupancies`")
        return self.occupancies[0].value

    def mask(self) -> Volume:
        """Return a soft mask around the part: float32 array, 3D, 0..1, on the maps' grid; 0.5 at 6 Å from its atoms."""
        return mask_of_part(self._result, self._group)


@dataclass(frozen=True, eq=False)
class ModelWindow:
    """Consecutive residues of a chain.

    Attributes
    ----------
    chain : str
    first, last : int
        Numbers of the first and last residue.
    occupancies : tuple of Occupancy
        One for each map.
    """

    chain: str
    first: int
    last: int
    occupancies: Tuple[Occupancy, ...]


@dataclass(frozen=True, eq=False)
class ModelDifference:
    """A part whose occupancy differs between maps by more than noise explains.

    Attributes
    ----------
    part : str
        Name of the part.
    lowest, highest : str
        Names of the maps where it is least, and most, occupied.
    difference : Occupancy
        The difference with its 90 % interval.
    """

    part: str
    lowest: str
    highest: str
    difference: Occupancy


@dataclass(frozen=True, eq=False)
class ModelOccupancies:
    """Occupancies of the parts of a model.

    Attributes
    ----------
    parts : dict of str to ModelPart
        By the names of the parts.
    windows : tuple of ModelWindow
        Along each chain.
    differences : tuple of ModelDifference
        The largest first; empty for one map.
    names : tuple of str
        Names of the maps.
    correlations : tuple of float
        Correlation of the fitted model with each map, from 30 to 10 Å or the finest detail.
    one_means : str
        What an occupancy of 1 stands for, in words.
    warnings : tuple of str
        Reasons not to trust the numbers, each a sentence.
    """

    parts: Dict[str, ModelPart]
    windows: Tuple[ModelWindow, ...]
    differences: Tuple[ModelDifference, ...]
    names: Tuple[str, ...]
    correlations: Tuple[float, ...]
    one_means: str
    warnings: Tuple[str, ...]


def model_occupancy(
    maps: Union[MapLike, Sequence[MapLike]],
    model: PathLike,
    *,
    voxel_size: Optional[float] = None,
    groups: Union[PathLike, Mapping[str, str]] = "chain",
    window: int = 15,
    whole: Sequence[str] = (),
    lowpass: Optional[float] = None,
    invert: bool = False,
    threads: int = 1,
) -> ModelOccupancies:
    """Read how occupied the parts of a fitted model are, in one map or in several under one scale.

    Parameters
    ----------
    maps : array, 3D (z, y, x), path, DensityMap from `read_map`, or a sequence of these
        Several maps must lie on one grid.
    model : path
        PDB or mmCIF, also gzipped, in the frame of the maps. For arrays, voxel 0 or the centre of the box lies at 0.
    voxel_size : float
        Edge of a voxel, Å. Needed for arrays; for files the header's by default.
    groups : str, path, or dict of str to str
        What a part is: "chain", "entity", the path of a text file with lines "name: selection", or selections by the
        names of the parts, such as {"head": "//A/20-150"}. Selections are of whole residues, in gemmi's syntax.
    window : int
        Residues in a window along the chains, 5..100.
    whole : sequence of str
        Names of the parts that count as fully occupied; by default the best occupied ones.
    lowpass : float, optional
        Finest detail to use, Å; by default the coarsest of 5 Å, 2.5 voxels, and the side of the box divided by 64.
    invert : bool
        Multiply the maps by -1 first: density must be positive.
    threads : int

    Raises
    ------
    ModelError
        If the model cannot be read, or does not lie in the maps, or a selection or the name of a part is wrong.
    MapError
        If a map cannot be read, or two do not lie on one grid.
    SettingsError
        If an argument is out of range or of the wrong type.
    """
    check_threads(threads)
    listed = _listed(maps)
    settings = make_settings(model_window=window, lowpass=lowpass, invert=invert)
    kind = _checked_groups(groups)
    _check_whole(whole)
    names = [map_name(item, number) for number, item in enumerate(listed, start=1)]
    with unchanged_inputs():
        atoms = read_model(_path_of(model))
        result = measure_model(
            [_reader(item, name, voxel_size, settings.invert) for item, name in zip(listed, names)],
            atoms,
            groups_of(atoms, kind),
            windows_of(atoms, settings.model_window),
            whole=list(whole),
            lowpass=settings.lowpass,
            names=names,
            threads=int(threads),
        )
    return _public(result, names)


def _listed(maps: Union[MapLike, Sequence[MapLike]]) -> List[MapLike]:
    if isinstance(maps, (str, os.PathLike, DensityMap)) or getattr(maps, "ndim", 4) == 3:
        return [maps]  # type: ignore[list-item]
    listed = list(maps)
    if not listed:
        raise MapError("maps: got none, expected one or more")
    return listed


def _checked_groups(groups: Any) -> Union[str, Mapping[str, str]]:
    """Return the argument `groups`, a path as text."""
    if isinstance(groups, Mapping):
        return groups
    if isinstance(groups, (str, os.PathLike)) and os.fspath(groups):
        return os.fspath(groups)
    raise SettingsError(
        "groups",
        f"got {groups!r}, expected 'chain', 'entity', the path of a text file, or a dict of selections by the names of "
        "the parts, such as {'head': '//A/20-150'}",
    )


def _check_whole(whole: Any) -> None:
    """Refuse what is no sequence of names."""
    if isinstance(whole, str):
        names = [name.strip() for name in whole.split(",")]
        raise SettingsError("whole", f"got {whole!r}, expected a sequence of names; write {names}")
    if not isinstance(whole, (Sequence, AbstractSet)) or not all(isinstance(name, str) for name in whole):
        raise SettingsError("whole", f"got {whole!r}, expected a sequence of names of parts, such as ['A', 'B']")


def _path_of(model: Any) -> str:
    if not isinstance(model, (str, os.PathLike)):
        raise ModelError(f"model: got {type(model).__name__}, expected the path of a PDB or mmCIF file")
    return os.fspath(model)


def _reader(volume: MapLike, name: str, voxel_size: Optional[float], invert: bool) -> Callable[[], DensityMap]:
    def read() -> DensityMap:
        source = read_map_like(volume, name, voxel_size, {})
        return inverted_map(source) if invert else source

    return read


def _public(result: ModelOccupancy, names: Sequence[str]) -> ModelOccupancies:
    parts = {
        group.name: ModelPart(
            group.name,
            group.residues,
            group.mass,
            tuple(_occupancy(of_map[index]) for of_map in result.occupancies),
            group,
            result,
        )
        for index, group in enumerate(result.groups)
    }
    windows = tuple(
        ModelWindow(item.chain, item.first, item.last, tuple(_occupancy(of_map[index]) for of_map in result.traces))
        for index, item in enumerate(result.windows)
    )
    differences = tuple(
        ModelDifference(
            result.groups[item.group].name,
            names[item.lowest],
            names[item.highest],
            Occupancy(item.low, item.value, item.high),
        )
        for item in result.differences
    )
    meaning = one_means(result.whole, result.is_whole_given)
    return ModelOccupancies(parts, windows, differences, tuple(names), result.correlations, meaning, result.warnings)


def _occupancy(part: PartOccupancy) -> Occupancy:
    return Occupancy(part.low, part.value, part.high)
