# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m benchmarks.kills [COUNT [SEED]]`: kill jobs, and print how they ended."""

import sys

from benchmarks.kills import jobs, steps


def main() -> None:
    """Print the number of kills at each step, and how often killed jobs ended with which marker file."""
    count, seed = (*map(int, sys.argv[1:3]), *(100, 0)[len(sys.argv) - 1 :])
    print(f"{steps.run()} kills and errors of the disk at the steps of putting outputs in place")
    print(f"{count} killed jobs ended so: {jobs.run(count, seed)}")


if __name__ == "__main__":
    main()
