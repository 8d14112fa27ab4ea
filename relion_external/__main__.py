# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m relion_external`, the same as `relion_external_occupy`."""

import sys

from relion_external.supervisor import main

if __name__ == "__main__":
    sys.exit(main())
