# SPDX-License-Identifier: GPL-3.0-or-later
"""The local scale of one map: the kernel, the reference value, calibrated occupancy, target masks."""
