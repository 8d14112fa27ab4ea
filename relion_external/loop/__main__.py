# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconstruct and weight one class map for RELION: `relion_external_occupy_reconstruct` or `-m relion_external.loop`.

The libraries are loaded while RELION's own program inverts the Fourier sums.
"""

import os
import sys

# One class map is small: more threads would only take the processors of the other ranks.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

from relion_external.failure import cause_of, report_failure  # noqa: E402
from relion_external.loop.options import PROGRAM  # noqa: E402
from relion_external.loop.reconstruct import run  # noqa: E402
from relion_external.streams import prepare_standard_streams  # noqa: E402


def main() -> int:
    """Do what the command line says and return the exit status: 0 if RELION has its map, else 1."""
    prepare_standard_streams()
    try:
        run(sys.argv[1:])
    except KeyboardInterrupt:
        return report_failure("was interrupted", program=PROGRAM)
    except Exception as error:  # RELION stops, and must say why in one line
        return report_failure(_in_words(error), program=PROGRAM)
    return 0


def _in_words(error: Exception) -> str:
    """Return the reason of an error, with the file where the system names one."""
    named = getattr(error, "filename", None)
    return f"{named}: {cause_of(error)}" if isinstance(error, OSError) and named else cause_of(error)


if __name__ == "__main__":
    sys.exit(main())
