# SPDX-License-Identifier: GPL-3.0-or-later
"""Our modified maps beside the published program's, and the size of each deliberate difference."""
