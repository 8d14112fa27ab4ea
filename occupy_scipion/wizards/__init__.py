# SPDX-License-Identifier: GPL-3.0-or-later
"""Wizards of the plugin. Scipion finds the classes that are imported here."""

from occupy_scipion.wizards.wizards import (
    OccupyAmplifyWizard,
    OccupyAttenuateWizard,
    OccupyLowpassWizard,
    OccupySigmoidWizard,
    OccupyThresholdWizard,
)

__all__ = [
    "OccupyAmplifyWizard",
    "OccupyAttenuateWizard",
    "OccupyLowpassWizard",
    "OccupySigmoidWizard",
    "OccupyThresholdWizard",
]
