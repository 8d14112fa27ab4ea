# SPDX-License-Identifier: GPL-3.0-or-later
"""Modification of a map by its local scale: factors, filler noise, modified maps, masks, the way to the input grid."""
