# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing a map by its local scale: factors, modified maps, masks, the way back to the input's grid."""
