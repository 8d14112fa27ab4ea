# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m occupy_core JOB.json`: run a job that a host wrote, in a process of its own.

Exit status 0 on success, 1 otherwise. A failed job prints its reason on standard error and writes it to the file
`error_file`, because a host's queue may keep standard error elsewhere.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import List, Optional

from occupy_core.files import write_text


def error_file(job_file: str) -> Path:
    """Return the path of the file that the reason of a failure is written to."""
    return Path(job_file).with_suffix(".error.txt")


def main(argv: Optional[List[str]] = None) -> int:
    """Run the job of a JSON file and return the exit status.

    Parameters
    ----------
    argv : list of str, optional
        The path of the job's JSON file (`settings.job_spec.read_job`); the command line's when not given.
    """
    arguments = sys.argv[1:] if argv is None else argv
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m occupy_core JOB.json", file=sys.stderr)
        return 1
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a log whose encoding lacks Å must not fail the job
    reason_file = error_file(arguments[0])
    try:
        if reason_file.exists():
            reason_file.unlink()
        # The computation is divided among threads of its own; those of BLAS would only cost memory and time.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        from occupy_core.job.memory import keep_freed_memory
        from occupy_core.job.run import run_job
        from occupy_core.settings.job_spec import read_job

        keep_freed_memory()
        run_job(read_job(arguments[0]), progress=lambda line: print(line, flush=True))
    except Exception as error:
        from occupy_core.errors import OccupyError
        from occupy_core.job.memory_limit import too_little_text

        reason = str(error) if isinstance(error, OccupyError) else f"{type(error).__name__}: {error}"
        if isinstance(error, (ImportError, MemoryError)):
            reason = too_little_text() or reason
        if not isinstance(error, OccupyError):
            import traceback

            traceback.print_exc(file=sys.stdout)
        print(f"ERROR: {reason}", file=sys.stderr, flush=True)
        write_text(reason_file, reason + os.linesep)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
