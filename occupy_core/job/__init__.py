# SPDX-License-Identifier: GPL-3.0-or-later
"""A job from start to end: map files and settings in, output folder out; a job repeated from its report."""
