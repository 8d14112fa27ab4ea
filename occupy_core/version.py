# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of the program; setup.py reads it from this file."""

__version__ = "0.1.0"
MAP_LABEL = "OccuPy "  # begins a label in the header of each map that this program writes; the version follows
