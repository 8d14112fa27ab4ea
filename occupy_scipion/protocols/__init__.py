# SPDX-License-Identifier: GPL-3.0-or-later
"""Protocols of the plugin. Scipion finds the classes that are imported here."""

from occupy_scipion.protocols.protocol_compare_classes import ProtOccupyCompareClasses
from occupy_scipion.protocols.protocol_local_scale import ProtOccupyLocalScale
from occupy_scipion.protocols.protocol_model import ProtOccupyModel

__all__ = ["ProtOccupyCompareClasses", "ProtOccupyLocalScale", "ProtOccupyModel"]
