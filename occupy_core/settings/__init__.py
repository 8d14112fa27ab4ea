# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks for: the settings with their help texts, the job, and the names of the files that follow."""
