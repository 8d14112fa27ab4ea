# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of logfile.pdf, and the figures that the viewers show. Needs matplotlib."""
