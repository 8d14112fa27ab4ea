# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of the program, which setup.py reads from this file, and the paper of its method."""

__version__ = "0.1.0"
MAP_LABEL = "OccuPy "  # begins a label in the header of each map that this program writes; the version follows
CITATION = (
    "Forsberg BO, Shah PNM, Burt A. A robust normalized local filter to estimate compositional heterogeneity "
    "directly from cryo-EM maps. Nature Communications 14 (2023). doi:10.1038/s41467-023-41478-1"
)
