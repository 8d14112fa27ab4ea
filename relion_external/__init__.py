# SPDX-License-Identifier: GPL-3.0-or-later
"""OccuPy as a RELION External job: run `relion_external_occupy` or `python -m relion_external`.

Importing this package loads the standard library only: RELION must learn how the job ended, also when another library
is missing or broken.
"""
