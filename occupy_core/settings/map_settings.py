# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that tell how one map is read and what is made of it: default, unit, range and help text of each.

Standard library only, so that a host checks options before it loads numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from occupy_core.settings.presets import CUSTOM, preset_names
from occupy_core.settings.setting_type import setting

MODES = ("auto", "resolution", "occupancy")
NORMALISATIONS = ("tiled", "kernel", "calibrated")


@dataclass(frozen=True)
class MapSettings:
    """The first part of the settings of a job (`settings.Settings`), which checks them.

    None means "off" for powers, threshold, output low-pass and files, and "derived from the map" for low-pass, kernel
    size, kernel radius and tau.
    """

    preset: str = setting(
        CUSTOM,
        "What do you want to know?",
        "choice",
        ", ".join(preset_names()),
        "Choose the settings that answer a question. weak: which parts are weak. occupancy: how occupied each part is. "
        "classes: how the occupancy differs between classes. subtract: a mask that removes weak parts from particles. "
        "show_weak: a map that shows weak parts. only_whole: a map of fully occupied parts. custom: no question. A "
        "setting that is given beside it wins.",
        "question",
        choices=preset_names(),
    )
    invert: bool = setting(
        False,
        "Invert contrast",
        "flag",
        "yes, no",
        "Multiply the map by -1 first. Density must be positive; a warning tells where it seems to be negative. All "
        "outputs have positive density.",
        "scale",
        expert=True,
    )
    mode: str = setting(
        "auto",
        "Scale mode",
        "choice",
        "auto, resolution, occupancy",
        "resolution: read the scale from the map as it is; it falls with occupancy and with local resolution. "
        "occupancy: read the scale from the low-passed map, so that differences in resolution beyond the low-pass "
        "do not count. auto: occupancy when a map is modified or a target mask is given, else resolution.",
        "scale",
        choices=MODES,
        expert=True,
    )
    amplify: Optional[float] = setting(
        None,
        "Amplify: power",
        "number",
        "> 1",
        "Raise weak parts towards full occupancy. A larger power raises them more.",
        "modify",
        when_on=3.0,
    )
    attenuate: Optional[float] = setting(
        None,
        "Attenuate: power",
        "number",
        "> 1",
        "Weaken parts below full occupancy, so that only fully occupied parts remain. A larger power weakens "
        "them more.",
        "modify",
        when_on=3.0,
    )
    sigmoid: Optional[float] = setting(
        None,
        "Sigmoid: power",
        "number",
        "> 1",
        "Amplify parts with a local scale above the pivot and attenuate parts below the pivot. "
        "A larger power divides them more sharply.",
        "modify",
        when_on=4.0,
    )
    pivot: float = setting(
        0.3,
        "Sigmoid: pivot",
        "number",
        "0.01..0.99",
        "The local scale that the sigmoid does not change.",
        "modify",
        is_fraction=True,
    )
    exclude_solvent: bool = setting(
        False,
        "Exclude solvent",
        "flag",
        "yes, no",
        "Remove solvent from the modified maps: multiply them by the confidence. "
        "Without any modification, remove solvent from the input map.",
        "modify",
    )
    lowpass: Optional[float] = setting(
        None,
        "Low-pass (Å)",
        "number",
        "at least 2 voxels, at most half of the box",
        "Cutoff of the low-pass filter for the solvent model and for occupancy mode. The size of the kernel follows "
        "from it too, so detail finer than the cutoff does not count. The default for classes that are compared, where "
        "the classification gives their resolutions: the coarsest of these.",
        "scale",
        derived="max(8 Å, 3 voxels)",
    )
    kernel_size: Optional[int] = setting(
        None,
        "Kernel size (voxels)",
        "integer",
        "odd, 3..31",
        "Edge of the box around the kernel. The local scale is the maximum of the map over the kernel, relative to "
        "full scale.",
        "scale",
        derived="from the low-pass, 3..9",
        expert=True,
    )
    kernel_radius: Optional[float] = setting(
        None,
        "Kernel radius (voxels)",
        "number",
        "> 0",
        "Radius of the kernel. The local scale is the maximum of the map over the kernel, relative to full scale.",
        "scale",
        derived="half of the low-pass, 5/16 for calibrated occupancies",
        expert=True,
    )
    tau: Optional[float] = setting(
        None,
        "Tau",
        "number",
        "above 0, below 1",
        "Percentile, as a fraction: the map value at this percentile of a tile is the tile's candidate for full scale.",
        "scale",
        derived="from the number of voxels in the kernel",
        expert=True,
        is_fraction=True,
    )
    normalisation: str = setting(
        "tiled",
        "Normalisation",
        "choice",
        "tiled, kernel, calibrated",
        "Which map value counts as full scale (1). tiled: the largest percentile tau among tiles spread over the box "
        "(published method). kernel: tau times the map's maximum. calibrated: 0 is the kernel maximum in solvent "
        "noise and 1 the kernel maximum in the best region, so that the scale estimates occupancy (in occupancy mode).",
        "scale",
        choices=NORMALISATIONS,
        expert=True,
    )
    tile_size: int = setting(
        12,
        "Tile size (voxels)",
        "integer",
        "3..128",
        "Edge of the tiles. The strongest tile sets full scale, so larger tiles need a larger region of full "
        "occupancy.",
        "scale",
        expert=True,
    )
    nlrc: bool = setting(
        False,
        "Noise-level recalibration",
        "flag",
        "yes, no",
        "Set the zero of the scale to the upper edge of the solvent noise, instead of to zero density.",
        "scale",
        expert=True,
    )
    hedge_confidence: float = setting(
        1.0,
        "Hedge confidence: power",
        "number",
        "1..20",
        "Raise the confidence to this power. A power above 1 changes weak density near the noise less.",
        "solvent",
        expert=True,
    )
    omit_confidence: bool = setting(
        False,
        "Omit confidence",
        "flag",
        "yes, no",
        "Modify all voxels alike, solvent included (not recommended).",
        "solvent",
        expert=True,
    )
    scale_limit: float = setting(
        0.05,
        "Scale limit",
        "number",
        "0..1",
        "Below this local scale the modifications fade out; where the scale is 0 the map is unchanged.",
        "modify",
        expert=True,
        when_off=0.0,
        is_fraction=True,
    )
    lowpass_output: Optional[float] = setting(
        None,
        "Low-pass of modified maps (Å)",
        "number",
        "at least 2 voxels, at most half of the box",
        "Cutoff of a low-pass filter on the modified maps.",
        "output",
        derived="off",
        expert=True,
    )
    hist_match: bool = setting(
        False,
        "Match histogram",
        "flag",
        "yes, no",
        "Give the modified maps the histogram of the input map, instead of cutting their values to its range. Needs "
        "scikit-image.",
        "output",
        expert=True,
    )
    max_box: int = setting(
        256,
        "Maximum box (voxels)",
        "integer",
        "even, at least 32; 0 = never crop",
        "Fourier-crop larger maps to this box for the computation, and bring all outputs back to the map's own box. "
        "Modified maps then lack the detail that the smaller box cannot hold.",
        "output",
        expert=True,
        when_off=0,
    )
    solvent_def: Optional[str] = setting(
        None,
        "Solvent definition",
        "map",
        "a map on the input's grid",
        "A map that shows the solvent model where solvent is. Its voxels above 0.9 and its other voxels are two "
        "groups; the group in which the input map varies less is solvent.",
        "solvent",
        derived="none",
    )
    target_mask: Tuple[str, ...] = setting(
        (),
        "Target mask(s)",
        "map",
        "maps on the input's grid",
        "Report the scale inside each of these masks (voxels above 0.5): median, quartiles, the published program's "
        "target occupancy and, for calibrated normalisation, a 90 % interval of the occupancy.",
        "output",
        derived="none",
    )
    subtraction_mask: bool = setting(
        False,
        "Subtraction masks",
        "flag",
        "yes, no",
        "Write a mask for particle subtraction for each of attenuate and sigmoid that is on. The mask is the share of "
        "each voxel that the modification leaves: subtraction keeps density where the mask is 1, and takes away weak "
        "parts and solvent.",
        "output",
    )
    solvent_threshold: Optional[float] = setting(
        None,
        "Solvent definition from scale: threshold",
        "number",
        "0..1",
        "Write a solvent definition for later runs: a mask of 1 where the local scale is above this threshold, 0 "
        "elsewhere. The local scale of solvent is up to about 0.15.",
        "output",
        when_on=0.15,
        is_fraction=True,
    )
