# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of the program; setup.py reads it from this file."""

__version__ = "0.1.0"
