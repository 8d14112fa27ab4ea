# SPDX-License-Identifier: GPL-3.0-or-later
"""The solvent of a map: where it is, what its values look like, and noise like it."""
