# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job leaves for people and for later jobs: pages, commands for ChimeraX, the record to repeat it from."""
