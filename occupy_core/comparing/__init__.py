# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the classes of a classification differ, and one scale for all of them."""
