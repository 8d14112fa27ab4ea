# SPDX-License-Identifier: GPL-3.0-or-later
"""The External job itself: command line in, outputs and RELION's node file out."""

from __future__ import annotations

import contextlib
import os
from typing import List

from occupy_core import __version__
from occupy_core.errors import OccupyError, SettingsError
from relion_external.exit_status import complain, output_dir
from relion_external.options import PROGRAM, parse


def run(arguments: List[str]) -> int:
    """Do the job; 0 on success, 1 otherwise with one line on standard error."""
    try:
        _run(arguments)
    except SettingsError as error:
        return complain(f"--{error}")
    except OccupyError as error:
        return complain(str(error))
    except SystemExit:  # --help or --version; RELION must not take that for a job that delivered
        if output_dir(arguments):
            return complain("--help and --version compute nothing; leave them out")
    return 0


def _run(arguments: List[str]) -> None:
    options = parse(arguments)
    from occupy_core.job.memory import keep_freed_memory
    from occupy_core.job.run import run_job
    from occupy_core.settings.job_spec import Job
    from relion_external.inputs import maps_of

    # Here, so that what is missing is known before the computation.
    from relion_external.tables import write_output_nodes, write_tables

    keep_freed_memory()
    _say(f"{PROGRAM} {__version__}, local scale by Forsberg, Shah & Burt (2023)")
    for text in options.warnings:
        _say(f"WARNING: {text}")
    folder = options.output_dir
    maps = maps_of(options)
    if len(maps) == 1 and maps[0].class_info is not None:
        _say("One class: there is nothing to compare it with, so no regions are written")
    job = Job(
        maps=maps,
        output_dir=folder,
        settings=options.settings,
        threads=min(options.threads, _processors()),
        compare=options.recorded.compare if options.recorded and not options.input_path else len(maps) > 1,
    )
    outputs = run_job(job, progress=_say, tables=lambda done, staging: write_tables(done, staging, folder))
    write_output_nodes(outputs, folder)
    for name in [name for item in outputs.maps for name in item.files.values()]:
        _say(f"  wrote {os.path.join(folder, name)}")
    # Again, because RELION's window shows the last lines only.
    if outputs.comparison is not None:
        from occupy_core.comparing.outputs import comparison_lines

        for line in comparison_lines(outputs.comparison):
            _say(line)
    warnings = [*options.warnings, *outputs.warnings]
    for text in warnings:
        _say(f"WARNING: {text}")
    _say("Done." if not warnings else f"Done, with {len(warnings)} warning{'s' * (len(warnings) > 1)}.")


def _say(line: str) -> None:
    """A line for the user; one that cannot be written, on a full disk say, is not worth the job."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


def _processors() -> int:
    """How many processors this process may use; a queue may allow fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
