# SPDX-License-Identifier: GPL-3.0-or-later
"""Modification of a map by its local scale: factors, modified maps, masks, resampling to the input grid."""
