# SPDX-License-Identifier: GPL-3.0-or-later
"""OccuPy as a RELION External job: `relion_external_occupy`, the same as `python -m relion_external`.

Standard library only at import: whatever is missing or broken, RELION must be told how the job ended.
"""
