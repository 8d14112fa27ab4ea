# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure in RELION what weighting the class maps in the loop of a classification gains: `make loop`."""
