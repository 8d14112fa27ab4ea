# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the job.star of a job, which RELION 3.1, 4 and 5 load: --make_job PRESET -o job.star."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from occupy_core.errors import OccupyError, SettingsError
from occupy_core.settings.presets import CUSTOM, preset_names
from occupy_core.settings.settings import Settings
from relion_external.failure import report_failure
from relion_external.option_parser import PROGRAM, make_parser, option_names
from relion_external.option_values import OptionError
from relion_external.option_words import usual_options
from relion_external.options import CommandLine, read_command_line, require_none
from relion_external.output_folder import find_output_folder
from relion_files.star_writer import Rows, write_star

MAKE_JOB = "make_job"
# Options that have a field of their own on the form of an External job, by the name of the field.
_FIELDS = {"in_3dref": "in_3dref", "in_parts": "in_part", "in_mask": "in_mask", "j": "nr_threads"}
# RELION waits for the files in these fields, under the names in them, and puts the names into a command of the shell.
_FILE_FIELDS = ("in_3dref", "in_parts", "in_mask")
# What the shell does not leave as it is, in a name without quotes. Words are joined again with one blank.
_CHANGED_BY_SHELL = re.compile(r"[^\w@%+=:,./ \x80-\U0010ffff-]|  |^ | $")
_MOST_PARAMS = 10  # on the Params tab; more go to the additional arguments
# RELION 3.1 reads the number and maintains the labels that it does not know; RELION 4 and 5 read the label.
_HEAD = {"rlnJobType": 99, "rlnJobTypeLabel": "relion.external", "rlnJobIsContinue": 0, "rlnJobIsTomo": 0}


def write_job_file(arguments: List[str]) -> int:
    """Write the file that a command line asks for, and return the exit status.

    Parameters
    ----------
    arguments : list of str
        The command line without the program's name: --make_job PRESET, -o FILE, and the options of the job.
    """
    try:
        path, missing, has_input = _write(arguments)
    except SettingsError as error:
        return report_failure(f"--{error}")
    except OccupyError as error:
        return report_failure(str(error))
    except OSError as error:
        return report_failure(f"cannot write the job file ({error}); give another path with -o")
    print(f"wrote {path}")
    for name in missing:
        print(f"{name}: no such file yet, seen from this folder; it must be there when the job starts")
    print(f"In the project's folder: relion_pipeliner --addJobFromStar {shlex.quote(path)}")
    print(_how_to_run(has_input=has_input))
    return 0


def _how_to_run(*, has_input: bool) -> str:
    """Return what to do with the scheduled job, in RELION's window and, for a job that has its input, without it."""
    click = "click the job under Scheduled jobs, then External in the list of job types"
    if not has_input:
        return (
            f"Then, in RELION's window: {click}; choose the input, and click Run! (To run it without the window, give "
            "the input here, such as --in_parts or --in_3dref.)"
        )
    return (
        f"Then, in RELION's window: {click}, and click Run! Or without the window, with the job's number in place of "
        "NNN (the last process that default_pipeline.star lists): relion_pipeliner --RunJobs External/jobNNN/ "
        "--schedule occupy --sec_wait_after 1"
    )


def _write(arguments: List[str]) -> Tuple[str, List[str], bool]:
    """Write the file; return its path, the files that it names and that do not exist, and whether it has an input."""
    words = usual_options(arguments, [*option_names(), MAKE_JOB])
    parsed, _ = make_parser().parse_known_args(words)
    given: Dict[str, List[str]] = {name: value for name, value in vars(parsed).items() if value is not None}
    preset = " ".join(given.pop(MAKE_JOB)).strip().lower()
    if preset not in preset_names():
        raise OptionError(
            f"--{MAKE_JOB}: got {preset!r}, expected one of {', '.join(preset_names())}; for example "
            f"--{MAKE_JOB} classes -o job.star"
        )
    path = find_output_folder(arguments)
    if path is None or path.endswith(os.sep) or os.path.isdir(path) or os.path.exists(path):
        found = "no file" if path is None else f"{path}, which exists" if os.path.exists(path) else path
        raise OptionError(f"-o: got {found}, expected the name of a new file; for example -o job.star")
    if "settings" in given:
        raise OptionError(f"--settings beside --{MAKE_JOB}: a job file cannot repeat a report; give the settings")
    given.pop("o", None)
    has_input = not given.keys().isdisjoint(("in_3dref", "in_parts", "maps"))
    line = _command_line(words, preset, has_input=has_input)
    assert line.options is not None
    values = {name: _value(name, given[name], line.options.settings) for name in given}
    if preset != CUSTOM:
        values = {"preset": preset, **values}
    write_star(Path(path), {"job": _HEAD, "joboptions_values": _options(values)})
    named = [file.path for file in line.files if has_input or file.option != "in_3dref"]
    return path, [name for name in named if not os.path.exists(name)], has_input


def _command_line(words: List[str], preset: str, *, has_input: bool) -> CommandLine:
    """Read the command line of the job; refuse what the job would refuse, but no file: it may be made later."""
    start = words.index(f"--{MAKE_JOB}") if f"--{MAKE_JOB}" in words else None
    if start is None:  # --make_job=PRESET
        rest = [word for word in words if not word.startswith(f"--{MAKE_JOB}=")]
    else:
        rest = words[:start] + words[start + 2 :]
    line = read_command_line([*rest, "--preset", preset, *([] if has_input else ["--in_3dref", "map.mrc"])])
    require_none(line.problems)
    return line


def _value(name: str, words: Sequence[str], settings: Settings) -> str:
    """Return the value of a field or parameter, which RELION puts into a command of the shell.

    A value is quoted for the shell, but for the name of a file in a field of its own: RELION takes the quotes for a
    part of the name, and never starts the job.
    """
    if name in _FILE_FIELDS:
        path = " ".join(words)
        if _CHANGED_BY_SHELL.search(path):
            raise OptionError(
                f"--{name}: got {path}, which RELION does not give to a job unchanged, expected a name of letters, "
                "digits, single blanks and any of @%+=:,./_-; rename the file"
            )
        return path
    value = getattr(settings, name, None)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:.10g}"
    return " ".join(shlex.quote(word) for word in words)


def _options(values: Dict[str, str]) -> Rows:
    """Return the options of the job: fields of the form, then the settings as parameters."""
    rows: List[Tuple[object, ...]] = [("fn_exe", PROGRAM)]
    rows += [(field, values[name]) for name, field in _FIELDS.items() if name in values]
    settings = [name for name in values if name not in _FIELDS]
    for number, name in enumerate(settings[:_MOST_PARAMS], start=1):
        rows += [(f"param{number}_label", name), (f"param{number}_value", values[name])]
    more = " ".join(f"--{name} {values[name]}" for name in settings[_MOST_PARAMS:])
    return ("rlnJobOptionVariable", "rlnJobOptionValue"), [*rows, *([("other_args", more)] if more else [])]
