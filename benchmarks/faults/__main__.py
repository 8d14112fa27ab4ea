# SPDX-License-Identifier: GPL-3.0-or-later
"""Give jobs damaged files and odd settings, kill them, and run them on many maps: `make faults`.

The exit status is 1 if anything does not hold. With --write, the figures go into docs/reliability.md.
"""

from __future__ import annotations

import argparse
import random
import sys
from typing import List, Optional

from benchmarks.faults import cases, disturbed, document


def main(argv: Optional[List[str]] = None) -> int:
    """Try all cases and print the tables; return 1 if anything does not hold, else 0."""
    options = _parse(argv)
    print(f"Seed {options.seed}", flush=True)
    tallies = cases.run(options.cases, options.commands, options.seed)
    print(document.table_of_cases(tallies), end="\n\n", flush=True)
    checks = [disturbed.kill_at_steps(), disturbed.kill_jobs(options.kills, options.seed)]
    checks += [disturbed.many_maps(options.maps), disturbed.many_maps_in_scipion(options.maps)] if options.maps else []
    print(document.table_of_checks(checks), end="\n\n")
    failures = [text for tally in tallies for text in tally.failures]
    failures += [f"{check.title}: {check.failure}" for check in checks if check.failure]
    print("\n".join(f"DID NOT HOLD: {text}" for text in failures) or "Everything held.")
    if options.write:
        document.write(tallies, checks, options.seed)
    return 1 if failures else 0


def _parse(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument(
        "--cases", type=int, default=10_000, help="jobs on damaged files and command lines (%(default)s)"
    )
    parser.add_argument("--commands", type=int, default=500, help="of these jobs, as commands too (%(default)s)")
    parser.add_argument("--kills", type=int, default=100, help="jobs on ten classes that are killed (%(default)s)")
    parser.add_argument(
        "--maps",
        type=int,
        default=200,
        help="maps of the largest jobs; 0 leaves them out (%(default)s)",
    )
    parser.add_argument("--seed", type=int, default=None, help="seed of all cases; a new one if not given")
    parser.add_argument("--write", action="store_true", help="write the section of docs/reliability.md")
    options = parser.parse_args(argv)
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1_000_000)
    return options


if __name__ == "__main__":
    sys.exit(main())
