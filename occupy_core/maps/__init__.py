# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing map files, and the grid that a map lies on."""
