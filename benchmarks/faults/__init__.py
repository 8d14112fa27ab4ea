# SPDX-License-Identifier: GPL-3.0-or-later
"""Give jobs damaged files and odd settings, kill them, and check that nothing is lost and nothing hangs."""
