# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill jobs, at each step while their outputs are put in place and at random moments, and compare the output folder."""
