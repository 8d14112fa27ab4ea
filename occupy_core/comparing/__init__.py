# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the regions where class maps differ, and the scale that all maps of a job share."""
