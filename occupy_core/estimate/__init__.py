# SPDX-License-Identifier: GPL-3.0-or-later
"""The local scale of one map: kernel, full scale, calibrated occupancy, target masks."""
