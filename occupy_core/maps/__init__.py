# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing of map files, and the grid of a map."""
