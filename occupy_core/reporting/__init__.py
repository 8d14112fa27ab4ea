# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of a job: the PDF, the commands for ChimeraX, and the record from which the job can be repeated."""
