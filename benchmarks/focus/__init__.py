# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what a focused classification within our regions gains, in RELION, on particles with known truth."""
