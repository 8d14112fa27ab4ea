# SPDX-License-Identifier: GPL-3.0-or-later
"""Every setting, once: default, unit, range and help sentence.

The command line, the Scipion form, the reports and the README's table are all made from
`Settings`. Standard library only, so that options are checked before anything heavy is imported.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

from occupy_core.errors import SettingsError
from occupy_core.settings.description import Description, setting
from occupy_core.settings.validation import check_kind, check_ranges

MODES = ("auto", "resolution", "occupancy")
NORMALISATIONS = ("tiled", "kernel", "calibrated")
MODIFICATIONS = ("amplify", "attenuate", "sigmoid")


@dataclass(frozen=True)
class Settings:
    """Settings of a job; validated on construction.

    None stands for "off" (powers, threshold, output low-pass, files) or "derived from the map" (low-pass,
    kernel size, kernel radius, tau).

    Raises
    ------
    SettingsError
        If a value is out of range, of the wrong kind, or contradicts another.
    """

    mode: str = setting(
        "auto",
        "Scale mode",
        "choice",
        "auto, resolution, occupancy",
        "resolution: the scale is taken from the map as it is and falls with occupancy and with local resolution. "
        "occupancy: it is taken from the low-passed map, so that differences in resolution beyond the low-pass "
        "no longer count. auto: occupancy when anything is modified or a target mask is given, else resolution.",
        "scale",
        choices=MODES,
    )
    amplify: Optional[float] = setting(
        None,
        "Amplify: power",
        "number",
        "> 1",
        "Raise weak parts towards full occupancy; the larger the power, the more.",
        "modify",
        when_on=3.0,
    )
    attenuate: Optional[float] = setting(
        None,
        "Attenuate: power",
        "number",
        "> 1",
        "Weaken partial occupancy, so that only what is whole remains; the larger the power, the more.",
        "modify",
        when_on=3.0,
    )
    sigmoid: Optional[float] = setting(
        None,
        "Sigmoid: power",
        "number",
        "> 1",
        "Amplify what lies above the pivot and attenuate what lies below it; "
        "the larger the power, the sharper the divide.",
        "modify",
        when_on=4.0,
    )
    pivot: float = setting(
        0.3,
        "Sigmoid: pivot",
        "number",
        "0.01..0.99",
        "The local scale that the sigmoid leaves as it is.",
        "modify",
    )
    exclude_solvent: bool = setting(
        False,
        "Exclude solvent",
        "flag",
        "yes, no",
        "Multiply the modified maps by the confidence, so that solvent is removed. "
        "Without any modification the input map itself is freed of solvent.",
        "modify",
    )
    lowpass: Optional[float] = setting(
        None,
        "Low-pass (Å)",
        "number",
        "at least 2 voxels, at most half of the box",
        "Cutoff of the low-pass filter for the solvent model and for occupancy mode; "
        "it sets the kernel as well: detail finer than this does not count.",
        "scale",
        derived="max(8 Å, 3 voxels)",
    )
    kernel_size: Optional[int] = setting(
        None,
        "Kernel size (voxels)",
        "integer",
        "odd, 3..31",
        "Edge of the box that holds the kernel over which the local maximum is taken.",
        "scale",
        derived="from the low-pass, 3..9",
        expert=True,
    )
    kernel_radius: Optional[float] = setting(
        None,
        "Kernel radius (voxels)",
        "number",
        "> 0",
        "Radius of the kernel over which the local maximum is taken.",
        "scale",
        derived="half of the low-pass, 5/16 for calibrated occupancies",
        expert=True,
    )
    tau: Optional[float] = setting(
        None,
        "Tau",
        "number",
        "above 0, below 1",
        "Percentile, as a fraction, of the map values in a tile that counts as full scale.",
        "scale",
        derived="from the number of voxels in the kernel",
        expert=True,
    )
    normalisation: str = setting(
        "tiled",
        "Normalisation",
        "choice",
        "tiled, kernel, calibrated",
        "What counts as full scale. tiled: the largest percentile tau over tiles spread over the box (published). "
        "kernel: tau times the map's maximum. calibrated: 0 is what solvent noise reads and 1 what the best region "
        "reads, so that the scale is an estimate of occupancy (in occupancy mode).",
        "scale",
        choices=NORMALISATIONS,
    )
    tile_size: int = setting(
        12,
        "Tile size (voxels)",
        "integer",
        "3..128",
        "Edge of the tiles; the strongest tile sets full scale. Larger tiles ask for a larger region of full "
        "occupancy.",
        "scale",
        expert=True,
    )
    nlrc: bool = setting(
        False,
        "Noise-level recalibration",
        "flag",
        "yes, no",
        "Put the zero of the scale at the edge of the solvent noise instead of at zero density.",
        "scale",
        expert=True,
    )
    hedge_confidence: float = setting(
        1.0,
        "Hedge confidence: power",
        "number",
        "1..20",
        "Raise the confidence to this power: above 1 weak density near the noise is changed more cautiously.",
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
        "Below this local scale a modification fades out, and does nothing where the scale is 0.",
        "modify",
        expert=True,
    )
    lowpass_output: Optional[float] = setting(
        None,
        "Low-pass of modified maps (Å)",
        "number",
        "at least 2 voxels, at most half of the box",
        "Low-pass filter the modified maps to this cutoff.",
        "output",
        derived="off",
        expert=True,
    )
    hist_match: bool = setting(
        False,
        "Match histogram",
        "flag",
        "yes, no",
        "Give modified maps the histogram of the input map, instead of cutting them to its range. Needs scikit-image.",
        "output",
        expert=True,
    )
    max_box: int = setting(
        256,
        "Maximum box (voxels)",
        "integer",
        "even, at least 32; 0 = never crop",
        "Larger maps are Fourier-cropped to this box for the computation and brought back to their own box; "
        "modified maps then lack detail beyond the smaller box.",
        "output",
        expert=True,
    )
    solvent_def: Optional[str] = setting(
        None,
        "Solvent definition",
        "map",
        "a map on the input's grid",
        "Tells the solvent model where solvent is; above 0.9 on one side, the rest on the other, either way round.",
        "solvent",
        derived="none",
    )
    target_mask: Tuple[str, ...] = setting(
        (),
        "Target mask(s)",
        "map",
        "maps on the input's grid",
        "Report the scale inside each of these masks (above 0.5): median, quartiles, the published program's target "
        "occupancy and, for calibrated normalisation, a 90 % interval of the occupancy.",
        "output",
        derived="none",
    )
    subtraction_mask: bool = setting(
        False,
        "Subtraction masks",
        "flag",
        "yes, no",
        "Write a mask for particle subtraction for each of attenuate and sigmoid that is on: what that modification "
        "would leave of each voxel. Subtraction keeps density where it is 1, and takes away weak parts and solvent.",
        "output",
    )
    solvent_threshold: Optional[float] = setting(
        None,
        "Solvent definition from scale: threshold",
        "number",
        "0..1",
        "Write a solvent definition for later runs: a mask of 1 where the local scale is above this, 0 elsewhere. "
        "Solvent reads up to about 0.15.",
        "output",
        when_on=0.15,
    )
    classes: str = setting(
        "all",
        "Classes",
        "text",
        "all, or numbers such as 1,3,4",
        "Which classes of a classification are taken. Given beside a class map, it asks for its whole classification.",
        "scale",
        command_only=True,
    )
    reference: str = setting(
        "auto",
        "Scale reference",
        "text",
        "auto, own, shared, or a class number",
        "What counts as full when there are several maps. own: each map's own best region. shared: one for all, so "
        "that their scales compare; the maps must share one grey scale, as the classes of one classification do. "
        "A number: the same, taken from that class (or item of a set). auto: shared for the classes of a "
        "classification, own otherwise.",
        "scale",
    )
    seed: int = setting(
        0,
        "Random seed",
        "integer",
        "0..2147483647",
        "Seed of the noise that fills attenuated density; the same seed gives the same map.",
        "output",
        expert=True,
    )
    figures: bool = setting(
        True,
        "Figures",
        "flag",
        "yes, no",
        "Draw logfile.pdf, a page on each map. Without it a job on a small map takes less than half the time, which "
        "counts where jobs run in a loop; maps, tables and report.json are the same.",
        "output",
        expert=True,
    )

    def __post_init__(self) -> None:
        for name, description in descriptions().items():
            check_kind(name, getattr(self, name), default_of(name), description)
        check_ranges(vars(self), descriptions())

    @property
    def modifications(self) -> Tuple[str, ...]:
        """The modifications that are switched on, each with its power in the setting of that name."""
        return tuple(name for name in MODIFICATIONS if getattr(self, name) is not None)

    @property
    def resolved_mode(self) -> str:
        """The mode with "auto" decided: "occupancy" when anything is modified or masked, else "resolution"."""
        if self.mode != "auto":
            return self.mode
        return "occupancy" if self.modifications or self.exclude_solvent or self.target_mask else "resolution"

    @property
    def reads_occupancy(self) -> bool:
        """Whether the scale is calibrated occupancy."""
        return self.normalisation == "calibrated" and self.resolved_mode == "occupancy"

    def to_dict(self) -> Dict[str, Any]:
        """The settings as JSON types; `Settings.from_dict` is its inverse."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """Settings from what `to_dict` gave; names that are left out take their defaults.

        Raises
        ------
        SettingsError
            If a name is not a setting, or a value is refused.
        """
        known = descriptions()
        for name in values:
            if name not in known:
                raise SettingsError(name, f"is not a setting; expected one of {', '.join(known)}")
        arguments: Dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**arguments)


def descriptions() -> Dict[str, Description]:
    """The description of every setting, in the order of the README's table."""
    return {item.name: item.metadata["description"] for item in dataclasses.fields(Settings)}


def default_of(name: str) -> Any:
    """The default of a setting."""
    return Settings.__dataclass_fields__[name].default
