# SPDX-License-Identifier: GPL-3.0-or-later
"""Place a model in a map and fit the occupancies of its parts."""
