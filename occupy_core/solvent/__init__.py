# SPDX-License-Identifier: GPL-3.0-or-later
"""The solvent of a map: the solvent region, and the solvent model with its confidence."""
