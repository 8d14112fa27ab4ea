# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the windows of RELION and Scipion, and of the pages of the reports, on a screen in memory."""
