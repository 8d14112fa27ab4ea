# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings with their help texts, the specification of a job, and the names of the output files."""
