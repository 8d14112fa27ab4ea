# SPDX-License-Identifier: GPL-3.0-or-later
"""Understand the command line, and find all that is wrong with it in one go."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypeVar

from occupy_core.errors import OccupyError, SettingsError, numbered_list
from occupy_core.job.repeat import RecordedJob, read_job_record
from occupy_core.settings.settings import Settings, default_of, descriptions
from occupy_core.settings.typed_paths import file_problem, name_problem
from occupy_core.settings.typed_values import NOT_GIVEN
from relion_external.option_checks import missing_options, option_warnings
from relion_external.option_files import OptionFile, option_files
from relion_external.option_parser import default_text, make_parser, option_names, unknown_option_texts
from relion_external.option_values import (
    OptionError,
    extra_words,
    parse_setting,
    parse_threads,
    parse_voxel_size,
    path_value,
    path_values,
    with_preset,
)
from relion_external.option_words import repeated_options, usual_options

_MAY_BE_REPEATED = ("--target_mask", "--pipeline_control")
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Options:
    """The parsed command line.

    Attributes
    ----------
    input_path : str, optional
        A map, or a STAR file of a 3D classification; None to use the maps of `earlier_job`.
    earlier_job : RecordedJob, optional
        The job whose report the option --settings names; None without this option.
    maps : tuple of str
        Maps, STAR files and text files that the option --maps names; used instead of `input_path`.
    expand_class_map : bool
        Whether a class map as input stands for all classes of its classification (the option --classes was given).
    voxel_size : float, optional
        Voxel size in Å that replaces the one in the map's header.
    output_dir : str
        The output folder, exactly as on the command line.
    threads : int
        Number of threads, at least 1.
    settings : Settings
        The settings on the command line; all others from `earlier_job`, or else the defaults.
    warnings : tuple of str
        Warnings about options without effect and about the earlier job.
    """

    input_path: Optional[str]
    earlier_job: Optional[RecordedJob]
    expand_class_map: bool
    voxel_size: Optional[float]
    output_dir: str
    threads: int
    settings: Settings
    warnings: Tuple[str, ...]
    maps: Tuple[str, ...] = ()


@dataclass(frozen=True)
class CommandLine:
    """What a command line says, and all that is wrong with it.

    Attributes
    ----------
    options : Options, optional
        None if something is wrong.
    problems : tuple of OccupyError
        One for each mistake.
    files : tuple of OptionFile
        The files that it names, as far as it can be understood.
    """

    options: Optional[Options]
    problems: Tuple[OccupyError, ...]
    files: Tuple[OptionFile, ...]


def parse(arguments: List[str]) -> Options:
    """Parse a command line. Files are not looked at, except the report that --settings names.

    Parameters
    ----------
    arguments : list of str
        The command line without the program's name.

    Raises
    ------
    OptionError
        If an option is unknown or has no value, if no input map or no output folder is given, or if there are several
        mistakes: the message lists all of them.
    JobError
        If the report that --settings names cannot be read.
    SettingsError
        If the value of a setting is not allowed.
    SystemExit
        After --help or --version.
    """
    line = read_command_line(arguments)
    require_none(line.problems)
    assert line.options is not None
    return line.options


def read_command_line(arguments: List[str]) -> CommandLine:
    """Read a command line; mistakes are returned, not raised.

    Raises
    ------
    SystemExit
        After --help or --version.
    """
    words = usual_options(arguments, option_names())
    parsed, unknown = make_parser().parse_known_args(words)
    problems: List[OccupyError] = [OptionError(text) for text in unknown_option_texts(unknown)]
    report = _path(parsed, "settings", problems)
    earlier_job = _earlier_job(report, problems)
    in_parts, in_3dref = (_path(parsed, name, problems) for name in ("in_parts", "in_3dref"))
    input_path = in_parts or in_3dref
    maps = _maps(parsed, problems)
    given = _setting_values(parsed, problems)
    values = with_preset(vars(parsed), given)
    base = Settings() if earlier_job is None else earlier_job.settings
    settings = _settings(values, base, given, problems)
    names_classes = parsed.classes is not None and " ".join(parsed.classes).strip().lower() not in NOT_GIVEN
    asks_for_classes = names_classes or given.get("preset") == "classes"
    # A missing path is reported already.
    has_input = bool(input_path or maps) or [] in (parsed.in_parts, parsed.in_3dref, parsed.maps)
    problems += missing_options(parsed.o, has_input, report, earlier_job, names_classes)
    output_dir = (parsed.o or [""])[0]
    problems += [OptionError(text) for text in extra_words("o", parsed.o or [], output_dir)]
    problems += [OptionError(f"--o: {text}") for text in (name_problem(output_dir),) if text]
    voxel_size = _attempt(lambda: parse_voxel_size(parsed.angpix), problems)
    threads = _attempt(lambda: parse_threads(parsed.j), problems)
    files = option_files(
        "in_parts" if in_parts else "in_3dref", None if maps else input_path, {**vars(base), **values}, maps
    )
    if problems or settings is None or threads is None:
        return CommandLine(None, tuple(problems), files)
    twice = [option for option in repeated_options(words) if option not in _MAY_BE_REPEATED]
    warnings = [f"{option} is given more than once; the last one counts" for option in twice]
    asked = names_classes if maps else asks_for_classes  # beside --maps, the preset only sets what compares them
    warnings += option_warnings(parsed, None if maps else input_path, output_dir, asked, maps)
    options = Options(
        input_path=None if maps else input_path,
        earlier_job=earlier_job,
        expand_class_map=asks_for_classes,
        voxel_size=voxel_size,
        output_dir=output_dir,
        threads=threads,
        settings=settings,
        warnings=(*warnings, *(earlier_job.warnings if earlier_job else ())),
        maps=maps,
    )
    return CommandLine(options, (), files)


def require_none(problems: Sequence[OccupyError]) -> None:
    """Raise the only problem, or an `OptionError` that lists all problems of a command line."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        texts = [f"--{error}" if isinstance(error, SettingsError) else str(error) for error in problems]
        raise OptionError(numbered_list(f"{len(texts)} mistakes", texts))


def _path(parsed: argparse.Namespace, name: str, problems: List[OccupyError]) -> Optional[str]:
    """Return the path that an option names; None if it is not given."""
    words = getattr(parsed, name)
    if words == []:
        problems.append(OptionError(f"--{name}: expected one argument, got none; give the path of a file"))
        return None
    path = path_value(words)
    problems += [OptionError(text) for text in extra_words(name, words or [], path)]
    return path


def _maps(parsed: argparse.Namespace, problems: List[OccupyError]) -> Tuple[str, ...]:
    """Return what --maps names; wildcards are replaced by the files that fit."""
    if parsed.maps is None:
        return ()
    if not parsed.maps:
        problems.append(OptionError("--maps: expected arguments, got none; give the paths of maps, for instance *.mrc"))
    return path_values(parsed.maps)


def _earlier_job(report: Optional[str], problems: List[OccupyError]) -> Optional[RecordedJob]:
    """Return the job whose report --settings names; None without one, or if it cannot be read."""
    if report is None:
        return None
    problem = file_problem(report, "the report.json of a job", lambda name: name.endswith(".json"))
    if problem:
        problems.append(OptionError(problem))
        return None
    return _attempt(lambda: read_job_record(report), problems)


def _attempt(read: Callable[[], _Value], problems: List[OccupyError]) -> Optional[_Value]:
    """Return the value of a function; None, with its error in `problems`, if it fails."""
    try:
        return read()
    except SettingsError as error:
        problems += error.all
    except OccupyError as error:
        problems.append(error)
    return None


def _setting_values(parsed: argparse.Namespace, problems: List[OccupyError]) -> Dict[str, Any]:
    """Return the values of the settings on the command line by name.

    A value that cannot be read is replaced by one that raises no second error.
    """
    values = {}
    for name, description in descriptions().items():
        words = getattr(parsed, name)
        if words is None:
            continue
        try:
            values[name] = parse_setting(name, words, description, default_of(name))
        except SettingsError as error:
            problems.append(_with_default(error))
            values[name] = default_of(name) if description.when_on is None else description.when_on
        if name in ("solvent_def", "model"):
            problems += [OptionError(text) for text in extra_words(name, words, values[name])]
    mask = _path(parsed, "in_mask", problems)
    if mask is not None:
        if (values.get("solvent_def") or mask) != mask:
            problems.append(
                SettingsError(
                    "solvent_def", "is not the file of --in_mask, which is the same setting; give only one of the two"
                )
            )
        values["solvent_def"] = mask
    return values


def _settings(
    values: Dict[str, Any], base: Settings, given: Mapping[str, Any], problems: List[OccupyError]
) -> Optional[Settings]:
    """Return `base` with some settings replaced; None if that is not allowed. `given` are those that the user typed."""
    try:
        return replace(base, **values)
    except SettingsError as error:
        for item in error.all:
            if item.setting in values and item.setting not in given:
                item = SettingsError(item.setting, f"{item.problem} (--preset {values['preset']} sets {item.setting})")
            problems.append(_with_default(item))
        return None


def _with_default(error: SettingsError) -> SettingsError:
    """Return the error with a way out: a wrong value may be left out."""
    if not error.problem.endswith((descriptions()[error.setting].values, "yes or no", "or 1-3")):
        return error  # it has a way out of its own
    default = default_text(error.setting).split(";")[0]
    return SettingsError(error.setting, f"{error.problem}; leave it out for the default ({default})")
