# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare two kinds of filler noise: white, as published, and with the radial power spectrum of the solvent.

The complete molecule of a real map is removed, which is the limit of attenuation, and replaced with filler noise. The
power spectrum of the filler noise is then compared with that of the true solvent in the same map.
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
from occupy_core.modify.filler_noise import pure_solvent, solvent_noise
from occupy_core.settings.settings import Settings
from occupy_core.solvent.model import fit_solvent

# Frequency bands (lower and upper end) as fractions of the Nyquist frequency.
BANDS = ((0.05, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.0))
# Kinds of filler noise: the published kind and ours.
KINDS = WHITE, SOLVENT_SPECTRUM = ("white", "solvent's spectrum")
_SEED = 0


@dataclass(frozen=True)
class FilledMap:
    """A map whose molecule was replaced with filler noise of each kind.

    Attributes
    ----------
    name : str
        File name of the map.
    sections : dict of str to array, 2D
        Central section of the "input" and of the map filled with each of `KINDS`.
    frequencies : array, 1D
        Frequency of each shell, 1/Å.
    powers : dict of str to array, 1D
        Radial power of the true "solvent", and of each of `KINDS` in the region of the removed molecule.
    ratios : dict of str to list of float
        For each of `KINDS`, the power in each of `BANDS` divided by that of the true solvent.
    """

    name: str
    sections: Dict[str, np.ndarray]
    frequencies: np.ndarray
    powers: Dict[str, np.ndarray]
    ratios: Dict[str, List[float]]

    @property
    def worst_factors(self) -> Dict[str, float]:
        """For each of `KINDS`, the largest factor (>= 1) by which the power in a band is too high or too low."""
        return {kind: max(max(ratio, 1 / ratio) for ratio in ratios) for kind, ratios in self.ratios.items()}


def fill(path: Path) -> FilledMap:
    """Replace the molecule of a map with filler noise of each kind, and measure the power spectra."""
    estimate = prepare_map(read_map(path), Settings(mode="occupancy"))
    model = fit_solvent(estimate.lowpassed, estimate.solvent)
    confidence = model.confidence_map(estimate.lowpassed)
    pure = pure_solvent(estimate.solvent, confidence, reach=estimate.parameters.kernel_size // 2)
    volume = estimate.volume
    nowhere = np.zeros(volume.shape, dtype=bool)
    powers = {"solvent": _power(volume, pure)}
    sections = {"input": volume[len(volume) // 2]}
    # Noise is white when the region to measure the spectrum in is empty.
    for kind, spectrum_region in ((WHITE, nowhere), (SOLVENT_SPECTRUM, pure)):
        noise = solvent_noise(volume, spectrum_region, mean=model.mean, sigma=model.sigma, seed=_SEED)
        filled = apply_factor(volume, np.zeros_like(volume), confidence, exclude_solvent=False, filler=noise)
        powers[kind] = _power(filled, confidence > 0.5)
        sections[kind] = filled[len(volume) // 2]
    frequencies = np.arange(len(powers["solvent"])) / (max(volume.shape) * estimate.parameters.voxel_size)
    ratios = {kind: _ratios(powers[kind], powers["solvent"], estimate, frequencies) for kind in KINDS}
    return FilledMap(path.name, sections, frequencies, powers, ratios)


def figure(filled_maps: Sequence[FilledMap]) -> Figure:
    """Draw the central sections and the radial powers, one row for each map."""
    drawing = Figure(figsize=(11, 2.9 * len(filled_maps)), layout="constrained")
    axes = drawing.subplots(len(filled_maps), 4, squeeze=False, width_ratios=(1, 1, 1, 1.5))
    for row, item in zip(axes, filled_maps):
        solvent_values = item.sections[SOLVENT_SPECTRUM]
        middle, width = float(np.median(solvent_values)), 6 * float(solvent_values.std())
        for axis, (name, values) in zip(row, item.sections.items()):
            axis.imshow(values, cmap="gray", vmin=middle - width, vmax=middle + width, origin="lower")
            axis.set(xticks=[], yticks=[])
            axis.set_title(name if name == "input" else f"molecule filled: {name}", fontsize=9)
        row[0].set_ylabel(item.name)
        _plot_power(row[3], item)
    return drawing


def table(filled_maps: Sequence[FilledMap]) -> str:
    """Return a Markdown table of the filler's power divided by the solvent's, for each map, kind and band."""
    heads = [f"{low:g} to {high:g}" for low, high in BANDS]
    lines = [f"| map | filler noise | {' | '.join(heads)} |", "| --- " * (2 + len(heads)) + "|"]
    for item in filled_maps:
        for kind, ratios in item.ratios.items():
            name = "white (published)" if kind == WHITE else f"{kind} (this package)"
            lines.append(f"| {item.name} | {name} | {' | '.join(f'{ratio:.2g}' for ratio in ratios)} |")
    return "\n".join(lines)


def _power(volume: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Return the radial power of the volume in a region, per share of the box."""
    inside = np.where(region, volume - volume[region].mean(), 0).astype(np.float32)
    return radial_power(inside) / region.mean()


def _ratios(power: np.ndarray, true_power: np.ndarray, estimate: PreparedMap, frequencies: np.ndarray) -> List[float]:
    nyquist = 0.5 / estimate.parameters.voxel_size
    bands = [(frequencies > low * nyquist) & (frequencies <= high * nyquist) for low, high in BANDS]
    # Weight each shell by its area, which is proportional to its number of Fourier components.
    return [float((power * frequencies**2)[band].sum() / (true_power * frequencies**2)[band].sum()) for band in bands]


def _plot_power(axis: Any, item: FilledMap) -> None:
    shown = slice(2, len(item.frequencies) // 4 + 1)
    styles = {"solvent": ("black", "-", 2.0), WHITE: ("tab:red", "--", 1.5), SOLVENT_SPECTRUM: ("tab:blue", "-", 1.5)}
    for name, (colour, line, width) in styles.items():
        label = "true solvent" if name == "solvent" else f"filled: {name}"
        axis.semilogy(item.frequencies[shown], item.powers[name][shown], line, color=colour, lw=width, label=label)
    axis.set_xlabel("frequency (1/Å)")
    axis.set_title("radial power", fontsize=9)
    axis.legend(fontsize=7)
