# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the External job: from the command line to the outputs and RELION's node file."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, List, Optional

from occupy_core import __version__
from occupy_core.errors import OccupyError, SettingsError
from occupy_core.input_files import remember_inputs
from occupy_core.settings.output_names import MAPS_TABLE, MODEL_TABLE, PARTS_TABLE, REGIONS_TABLE, REPORT
from occupy_core.settings.presets import CUSTOM, PRESETS, preset_text
from relion_external.failure import report_failure
from relion_external.option_parser import PROGRAM
from relion_external.option_values import OptionError
from relion_external.options import Options, read_command_line, require_none
from relion_external.output_folder import find_output_folder

if TYPE_CHECKING:  # the options are checked before the modules that compute are loaded
    from occupy_core.job.output_folder import OutputFolder
    from occupy_core.job.outputs import JobOutputs


def run(arguments: List[str], locked: Optional[OutputFolder] = None) -> int:
    """Do the job and return the exit status: 0, or 1 after one line on standard error that says why it failed.

    Parameters
    ----------
    arguments : list of str
        The command line without the program's name.
    locked : OutputFolder, optional
        The output folder, if the caller has locked it; see `run_job`.
    """
    try:
        with remember_inputs():  # a STAR file that changes after it was read ends the job too
            _run(arguments, locked)
    except SettingsError as error:
        return report_failure(f"--{error}")
    except OccupyError as error:
        return report_failure(str(error))
    except SystemExit:  # --help or --version: RELION must not count such a job as successful
        if find_output_folder(arguments):
            return report_failure(
                "--help and --version only print text, expected the options of a job; remove them to run the job"
            )
    return 0


def _run(arguments: List[str], locked: Optional[OutputFolder]) -> None:
    options = _checked_options(arguments)
    from occupy_core.job.memory import keep_freed_memory
    from occupy_core.job.run import run_job
    from occupy_core.settings.job_spec import Job
    from relion_external.inputs import find_inputs

    # Imported before the computation, so that a missing library is reported at once.
    from relion_external.output_nodes import write_output_nodes
    from relion_external.particle_files import divided_particles, write_particles
    from relion_external.star_tables import write_tables

    keep_freed_memory()
    _print_line(f"{PROGRAM} {__version__}, local scale by Forsberg, Shah & Burt (2023)")
    for text in options.warnings:
        _print_line(f"WARNING: {text}")
    folder = options.output_dir
    inputs = find_inputs(options)
    maps = inputs.maps
    preset = options.settings.preset
    if preset == "classes" and len(maps) == 1:
        raise OptionError(
            f"--preset classes: found one map, {maps[0].path}, expected two classes or more; give run_itNNN_data.star "
            "of a 3D classification with --in_parts (RELION: Input particles), or take --preset occupancy"
        )
    if preset != CUSTOM:
        sets = preset_text(preset, vars(options.settings))
        _print_line(f"Question: {PRESETS[preset].question} Preset {preset} sets: {sets}")
    if len(maps) == 1 and maps[0].class_info is not None:
        _print_line("Only one class: no comparison of classes, so no regions are written")
    repeats_maps = options.earlier_job is not None and not (options.input_path or options.maps)
    job = Job(
        maps=maps,
        output_dir=folder,
        settings=options.settings,
        threads=min(options.threads, _usable_processors()),
        compare=options.earlier_job.compare if repeats_maps else len(maps) > 1,
        focus_mask=inputs.focus_mask,
        input_warnings=inputs.warnings,
        particles=divided_particles(options, inputs),
        averages_of=inputs.averages_of,
    )

    def write_star_files(outputs: JobOutputs, staging: Path) -> None:
        write_tables(outputs, staging, folder)
        write_particles(outputs, job.particles, staging, _print_line)
        write_output_nodes(outputs, staging, folder)

    outputs = run_job(job, progress=_print_line, tables=write_star_files, locked=locked)
    _print_end(outputs, options)


def _checked_options(arguments: List[str]) -> Options:
    """Return the options of a command line without mistakes whose files exist; raise one error with all problems."""
    line = read_command_line(arguments)
    missing = [OptionError(file.problem) for file in line.files if file.problem]
    require_none([*line.problems, *missing])
    assert line.options is not None
    return line.options


def _print_end(outputs: JobOutputs, options: Options) -> None:
    """Print outputs, comparison, occupancies, warnings and next steps: RELION's window shows the last lines only."""
    from occupy_core.reporting.next_steps import NEXT_STEPS, RESULT

    for name in _written_files(outputs):
        _print_line(f"  wrote {os.path.join(options.output_dir, name)}")
    if outputs.comparison is not None:
        from occupy_core.comparing.describe import comparison_lines

        for line in comparison_lines(outputs.comparison):
            _print_line(line)
    if outputs.ensemble is not None:
        from occupy_core.ensembles.describe import ensemble_lines

        for line in ensemble_lines(outputs.ensemble):
            _print_line(line)
    if outputs.model is not None:
        from occupy_core.modelling.describe import model_lines

        for line in model_lines(outputs.model, outputs.comparison):
            _print_line(line)
    warnings = [*options.warnings, *outputs.warnings]
    for text in warnings:
        _print_line(f"WARNING: {text}")
    _print_line(f"{RESULT}: {outputs.result}.")
    _print_line(f"{NEXT_STEPS}:")
    for text in outputs.next_steps:
        _print_line(f"  {text}")
    _print_line("Done." if not warnings else f"Done, with {len(warnings)} warning{'s' * (len(warnings) > 1)}.")


def _written_files(outputs: JobOutputs) -> List[str]:
    """Return the names of all files of a job: maps, masks, models, tables and reports."""
    names = [name for item in outputs.maps for name in item.files.values()]
    names.append(MAPS_TABLE)
    if outputs.compared is not None:
        from occupy_core.comparing.particle_groups import particle_names

        table = PARTS_TABLE if outputs.comparison is None else REGIONS_TABLE
        names += [*outputs.compared["outputs"], table, *particle_names(outputs.compared)]
    if outputs.model is not None:
        names += [*outputs.model["outputs"], MODEL_TABLE]
    return [*names, *outputs.files, REPORT]


def _print_line(line: str) -> None:
    """Print a line for the user; the job goes on when it cannot be written, for instance on a full disk."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


def _usable_processors() -> int:
    """Return how many processors this process may use; a queue may allow fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
