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


def main() -> int:
    """Run the job that the command line describes and return the exit status."""
    return supervisor.main(sys.argv[1:], stop_signals=_STOP_SIGNALS)


if __name__ == "__main__":
    sys.exit(main())
