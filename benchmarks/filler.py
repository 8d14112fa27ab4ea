# SPDX-License-Identifier: GPL-3.0-or-later
"""Noise to put where density is taken away: white as published, or with the solvent's radial power spectrum.

The whole molecule of a real map is taken away, the limit of attenuation, and what fills its place is compared with
the true solvent of the same map.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Sequence

import numpy as np
from matplotlib.figure import Figure

from occupy_core.estimate.prepare import PreparedMap, prepare_map
from occupy_core.fourier.shells import radial_power
from occupy_core.maps.reading import read_map
from occupy_core.modify.factors import apply_factor
from occupy_core.settings.settings import Settings
from occupy_core.solvent.model import fit_solvent
from occupy_core.solvent.noise import pure_solvent, solvent_noise

# Shares of the Nyquist frequency.
BANDS = ((0.05, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.0))
KINDS = ("white", "solvent's spectrum")
_SEED = 0


@dataclass(frozen=True)
class Filled:
    """A map without its molecule.

    Attributes
    ----------
    name : str
    slices : dict of array, 2D
        Through the middle, by what fills the molecule's place: "input" and `KINDS`.
    frequencies : array, 1D
        1/Å.
    powers : dict of array, 1D
        Radial power of "solvent" and, in the molecule's place, of `KINDS`.
    ratios : dict of list of float
        For each of `KINDS` the power relative to the solvent's in `BANDS`.
    """

    name: str
    slices: Dict[str, np.ndarray]
    frequencies: np.ndarray
    powers: Dict[str, np.ndarray]
    ratios: Dict[str, List[float]]

    @property
    def off_by(self) -> Dict[str, float]:
        """For each of `KINDS` the largest factor by which the power of a band is wrong."""
        return {kind: max(max(ratio, 1 / ratio) for ratio in found) for kind, found in self.ratios.items()}


def fill(path: Path) -> Filled:
    """Take the molecule of a map away, and fill its place in both ways."""
    estimate = prepare_map(read_map(path), Settings(mode="occupancy"))
    model = fit_solvent(estimate.lowpassed, estimate.solvent)
    confidence = model.confidence_map(estimate.lowpassed)
    pure = pure_solvent(estimate.solvent, confidence, reach=estimate.parameters.kernel_size // 2)
    volume = estimate.volume
    none = np.zeros(volume.shape, dtype=bool)
    powers = {"solvent": _power(volume, pure)}
    slices = {"input": volume[len(volume) // 2]}
    for kind, region in zip(KINDS, (none, pure)):
        # Without a region of solvent there is no spectrum to take, and the noise is white.
        noise = solvent_noise(volume, region, mean=model.mean, sigma=model.sigma, seed=_SEED)
        filled = apply_factor(volume, np.zeros_like(volume), confidence, exclude_solvent=False, filler=noise)
        powers[kind] = _power(filled, confidence > 0.5)
        slices[kind] = filled[len(volume) // 2]
    frequencies = np.arange(len(powers["solvent"])) / (max(volume.shape) * estimate.parameters.voxel_size)
    ratios = {kind: _ratios(powers[kind], powers["solvent"], estimate, frequencies) for kind in KINDS}
    return Filled(path.name, slices, frequencies, powers, ratios)


def figure(found: Sequence[Filled]) -> Figure:
    """For each map the central slices and the radial powers."""
    made = Figure(figsize=(11, 2.9 * len(found)), layout="constrained")
    axes = made.subplots(len(found), 4, squeeze=False, width_ratios=(1, 1, 1, 1.5))
    for row, item in zip(axes, found):
        solvent_values = item.slices[KINDS[1]]
        middle, width = float(np.median(solvent_values)), 6 * float(solvent_values.std())
        for axis, (name, values) in zip(row, item.slices.items()):
            axis.imshow(values, cmap="gray", vmin=middle - width, vmax=middle + width, origin="lower")
            axis.set(xticks=[], yticks=[])
            axis.set_title(name if name == "input" else f"molecule filled: {name}", fontsize=9)
        row[0].set_ylabel(item.name)
        _plot_power(row[3], item)
    return made


def table(found: Sequence[Filled]) -> str:
    """Power in the molecule's place relative to the solvent's, by bands of frequency."""
    heads = [f"{low:g} to {high:g}" for low, high in BANDS]
    lines = [f"| map | filled with noise | {' | '.join(heads)} |", "| --- " * (2 + len(heads)) + "|"]
    for item in found:
        for kind, ratios in item.ratios.items():
            name = "white (published)" if kind == "white" else f"{kind} (here)"
            lines.append(f"| {item.name} | {name} | {' | '.join(f'{ratio:.2g}' for ratio in ratios)} |")
    return "\n".join(lines)


def _power(volume: np.ndarray, region: np.ndarray) -> np.ndarray:
    inside = np.where(region, volume - volume[region].mean(), 0).astype(np.float32)
    return radial_power(inside) / region.mean()


def _ratios(power: np.ndarray, true: np.ndarray, estimate: PreparedMap, frequencies: np.ndarray) -> List[float]:
    nyquist = 0.5 / estimate.parameters.voxel_size
    bands = [(frequencies > low * nyquist) & (frequencies <= high * nyquist) for low, high in BANDS]
    # By waves, of which a shell has as many as its area.
    return [float((power * frequencies**2)[band].sum() / (true * frequencies**2)[band].sum()) for band in bands]


def _plot_power(axis: Any, item: Filled) -> None:
    shown = slice(2, len(item.frequencies) // 4 + 1)
    styles = {"solvent": ("black", "-", 2.0), KINDS[0]: ("tab:red", "--", 1.5), KINDS[1]: ("tab:blue", "-", 1.5)}
    for name, (colour, line, width) in styles.items():
        label = "true solvent" if name == "solvent" else f"filled: {name}"
        axis.semilogy(item.frequencies[shown], item.powers[name][shown], line, color=colour, lw=width, label=label)
    axis.set_xlabel("frequency (1/Å)")
    axis.set_title("radial power", fontsize=9)
    axis.legend(fontsize=7)
