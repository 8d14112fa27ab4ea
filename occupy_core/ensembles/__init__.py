# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparison of many volumes (ensembles): parts that come and go together, their occupancy in each volume, clusters."""
