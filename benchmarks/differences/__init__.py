# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare our modified maps with the published program's, and measure each deliberate difference on real maps."""
