# SPDX-License-Identifier: GPL-3.0-or-later
"""The command of a RELION job that computes until it is stopped."""

import sys

# The module of the command comes first, since it blocks the stop signals before anything else is imported.
_CODE = """
from relion_external.__main__ import main
import sys, time
from occupy_core.job import run
run.measure_job_model = lambda *_: time.sleep(600)
sys.exit(main())
"""
ENDLESS_COMMAND = [sys.executable, "-c", _CODE]
