# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the RELION External job: `relion_external_occupy` or `python -m relion_external`."""

import signal

# Before all other imports: a signal that arrives during an import waits until the supervisor can answer it.
_STOP_SIGNALS = [
    getattr(signal, f"SIG{name}")
    for name in ("TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "ALRM", "VTALRM", "PROF", "XCPU")
]
signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)

import sys  # noqa: E402

from relion_external import supervisor  # noqa: E402
from relion_external.option_words import usual_options  # noqa: E402


def main() -> int:
    """Run the job that the command line describes, or write its job.star, and return the exit status."""
    if any(word.split("=")[0] == "--make_job" for word in usual_options(sys.argv[1:], ["make_job"])):
        from relion_external.job_file import write_job_file

        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
        return write_job_file(sys.argv[1:])
    return supervisor.main(sys.argv[1:], stop_signals=_STOP_SIGNALS)


if __name__ == "__main__":
    sys.exit(main())
