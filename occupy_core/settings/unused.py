# SPDX-License-Identifier: GPL-3.0-or-later
"""Warn about settings that change nothing, or that change the meaning of the scale."""

from __future__ import annotations

from typing import Dict, List

from occupy_core.settings.settings import Settings


def settings_without_effect(settings: Settings) -> Dict[str, str]:
    """Return what each setting needs, in words, that was changed and has no effect without it."""
    defaults = Settings()
    modified = bool(settings.modifications)
    model = ("model", settings.model is not None)
    needs = {
        "pivot": ("sigmoid", settings.sigmoid is not None),
        "scale_limit": ("amplify, attenuate or sigmoid", modified),
        "omit_confidence": ("amplify, attenuate or sigmoid", modified),
        "tile_size": ("tiled normalisation", settings.normalisation == "tiled" or bool(settings.target_mask)),
        "tau": ("tiled or kernel normalisation", settings.normalisation != "calibrated"),
        "lowpass_output": ("amplify, attenuate, sigmoid or exclude_solvent", modified or settings.exclude_solvent),
        "hist_match": ("amplify, attenuate, sigmoid or exclude_solvent", modified or settings.exclude_solvent),
        "model_groups": model,
        "model_window": model,
        "model_whole": model,
        "model_masks": model,
    }
    return {
        name: other
        for name, (other, is_set) in needs.items()
        if not is_set and getattr(settings, name) != getattr(defaults, name)
    }


def unused_settings(settings: Settings) -> List[str]:
    """Return warnings about settings without effect, and about settings for which the scale is no occupancy."""
    warnings = [f"{name} has no effect without {other}" for name, other in settings_without_effect(settings).items()]
    if settings.normalisation == "calibrated" and settings.nlrc:
        warnings.append(
            "noise-level recalibration moves the calibrated zero of the scale: the scale no longer estimates occupancy"
        )
    if settings.normalisation == "calibrated" and settings.resolved_mode == "resolution":
        warnings.append(
            "calibrated normalisation in resolution mode: the scale falls with local resolution too; set mode to "
            "occupancy to get occupancies"
        )
    return warnings
