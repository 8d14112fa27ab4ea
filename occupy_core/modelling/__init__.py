# SPDX-License-Identifier: GPL-3.0-or-later
"""Occupancy of the parts of a fitted atomic model. Ours, not in the published program (docs/model.md)."""
