# SPDX-License-Identifier: GPL-3.0-or-later
"""Weight the class maps of each iteration while a classification runs: confidence and consensus."""
