# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m relion_external`, the same as `relion_external_occupy`."""

import signal

# First of all: a signal that comes while the rest is imported waits until it can be answered.
_STOP_SIGNALS = [
    getattr(signal, f"SIG{name}")
    for name in ("TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "ALRM", "VTALRM", "PROF", "XCPU")
]
signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)

import sys  # noqa: E402

from relion_external import supervisor  # noqa: E402


def main() -> int:
    """Run the job of the command line; the exit status."""
    return supervisor.main(sys.argv[1:], stop_signals=_STOP_SIGNALS)


if __name__ == "__main__":
    sys.exit(main())
