# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the command line: RELION's own options, and one option for each setting of `occupy_core.Settings`."""

from __future__ import annotations

import argparse
import difflib
import os
from dataclasses import dataclass, replace
from typing import Any, Dict, List, NoReturn, Optional, Tuple

from occupy_core import __version__
from occupy_core.errors import SettingsError
from occupy_core.job.repeat import RecordedJob, read_job_record
from occupy_core.settings.setting_type import Description
from occupy_core.settings.settings import Settings, default_of, descriptions
from relion_external.option_values import OptionError, parse_positive, parse_setting, parse_threads
from relion_files.project import without_format

PROGRAM = "relion_external_occupy"
# Inputs of RELION's Input tab that this job does not use.
_UNUSED_INPUTS = ("in_movies", "in_mics", "in_coords")


@dataclass(frozen=True)
class Options:
    """The parsed command line.

    Attributes
    ----------
    input_path : str, optional
        A map, or a STAR file of a 3D classification; None to use the maps of `earlier_job`.
    earlier_job : RecordedJob, optional
        The job whose report the option --settings names; None without this option.
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


def parse(arguments: List[str]) -> Options:
    """Parse a command line.

    Parameters
    ----------
    arguments : list of str
        The command line without the program's name.

    Raises
    ------
    OptionError
        If an option is unknown or has no value, or if no input map or no output folder is given.
    JobError
        If the report that --settings names cannot be read.
    SettingsError
        If the value of a setting is not allowed.
    SystemExit
        After --help or --version.
    """
    parser = _parser()
    # An empty parameter name in RELION's form arrives as "--".
    parsed, unknown = parser.parse_known_args([word for word in arguments if word != "--"])
    if unknown:
        raise OptionError(_unknown_option_text(unknown[0]))
    earlier_job = None if parsed.settings is None else read_job_record(parsed.settings)
    _check_input_and_output(parsed, earlier_job)
    input_path = parsed.in_parts or parsed.in_3dref
    return Options(
        input_path=without_format(input_path) if input_path else None,
        earlier_job=earlier_job,
        expand_class_map=parsed.classes is not None,
        voxel_size=parse_positive("angpix", parsed.angpix),
        output_dir=parsed.o,
        threads=parse_threads(parsed.j),
        settings=_settings(parsed, Settings() if earlier_job is None else earlier_job.settings),
        warnings=(*_warnings(parsed), *(earlier_job.warnings if earlier_job else ())),
    )


def option_names() -> List[str]:
    """Return the names of all options, without the dashes."""
    own = ["o", "in_3dref", "in_parts", "in_mask", "settings", "angpix", "j", "pipeline_control", "help", "version"]
    return [*own, *_UNUSED_INPUTS, *descriptions()]


def default_text(name: str) -> str:
    """Return the default of a setting in words."""
    description, value = descriptions()[name], default_of(name)
    if description.when_on is not None:
        return f"off; {description.when_on:g} when given without a value"
    if description.kind == "flag":
        return "yes" if value else "no"
    if value is None or value in ((), ""):
        return description.derived or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


class _Parser(argparse.ArgumentParser):
    """An argument parser that raises `OptionError` instead of printing its usage and exiting."""

    def error(self, message: str) -> NoReturn:
        raise OptionError(f"{message}; see {PROGRAM} --help")


def _parser() -> _Parser:
    parser = _Parser(
        prog=PROGRAM,
        allow_abbrev=False,
        description="Estimate the local scale and occupancy of a cryo-EM map, and modify the map by its local scale. "
        "Run this program as a RELION External job (executable: relion_external_occupy) or from a shell.",
        epilog="A yes/no option may be given without a value, or with yes/no, true/false or 1/0. Cite Forsberg, Shah & "
        "Burt, Nature Communications 14 (2023), doi:10.1038/s41467-023-41478-1.",
    )
    _add_input_and_output(parser.add_argument_group("input and output"))
    settings = parser.add_argument_group("settings")
    for name, description in descriptions().items():
        _add_setting(settings, name, description)
    return parser


def _add_input_and_output(group: Any) -> None:
    """Add the options for input, output and threads, and --version."""
    group.add_argument("--o", metavar="DIR/", help="output folder; RELION sets it")
    group.add_argument("--in_3dref", "--in_3Dref", metavar="MAP", help="input map (RELION: Input 3D reference)")
    group.add_argument(
        "--in_parts",
        metavar="STAR",
        help="instead of one map, all classes of a 3D classification: its run_itNNN_data.star (RELION: Input "
        "particles)",
    )
    group.add_argument(
        "--in_mask", metavar="MAP", help="solvent definition, as with --solvent_def (RELION: Input 3D mask)"
    )
    group.add_argument(
        "--settings",
        metavar="REPORT",
        help="repeat the job of a report.json, with its maps and settings; other options on the command line replace "
        "those of the report",
    )
    group.add_argument("--angpix", metavar="Å", help="voxel size, if the map's header is wrong")
    group.add_argument("--j", metavar="N", default="1", help="number of threads, limited to the available processors")
    group.add_argument(
        "--pipeline_control", metavar="DIR/", nargs="?", help="ignored; RELION adds it (marker files go to --o)"
    )
    group.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    for name in _UNUSED_INPUTS:
        group.add_argument(f"--{name}", help=argparse.SUPPRESS)


def _add_setting(group: Any, name: str, description: Description) -> None:
    """Add the option of one setting, with a help text from its description."""
    arguments: Dict[str, Any] = {"metavar": description.kind.upper(), "dest": name}
    if description.kind == "flag" or description.when_on is not None:
        arguments.update(nargs="?", const="yes")
    if name == "target_mask":
        arguments.update(nargs="+", action="extend")
    if name in ("classes", "model_whole"):
        arguments.update(nargs="+")  # RELION's form splits "1, 3" and "A/HEM 501" into words
    if name == "model_masks":
        arguments.update(nargs="*")
    text = f"{description.label}: {description.values}; default: {default_text(name)}. {description.help}"
    arguments["help"] = text.replace("%", "%%")
    group.add_argument(f"--{name}", **arguments)


def _settings(parsed: argparse.Namespace, base: Settings) -> Settings:
    """Return `base` with the settings on the command line replaced."""
    values = {}
    for name, description in descriptions().items():
        words = getattr(parsed, name)
        if words is not None:
            values[name] = parse_setting(name, words, description)
    if parsed.in_mask is not None:
        if values.get("solvent_def", parsed.in_mask) != parsed.in_mask:
            raise SettingsError(
                "solvent_def", "is not the file of --in_mask, which is the same setting; give only one of the two"
            )
        values["solvent_def"] = parsed.in_mask
    if values.get("solvent_def"):
        values["solvent_def"] = without_format(values["solvent_def"])
    if values.get("target_mask"):
        values["target_mask"] = tuple(map(without_format, values["target_mask"]))
    return replace(base, **values)


def _check_input_and_output(parsed: argparse.Namespace, earlier_job: Optional[RecordedJob]) -> None:
    """Raise `OptionError` if the command line has no input map or no output folder."""
    input_path = parsed.in_parts or parsed.in_3dref
    if earlier_job is not None and not input_path:
        if earlier_job.missing:
            raise OptionError(
                f"{earlier_job.missing[0]}: no such file, but {parsed.settings} names it as a map; run the command in "
                "the project's folder, or give another map with --in_3dref or --in_parts"
            )
        if parsed.classes is not None:
            raise OptionError("--classes beside --settings needs --in_parts too: a report names single maps")
    elif not input_path:
        raise OptionError(
            "no map given, expected --in_3dref MAP (RELION: Input 3D reference), or --in_parts run_itNNN_data.star of "
            "a 3D classification (RELION: Input particles)"
        )
    if not parsed.o:
        raise OptionError("no output folder given, expected --o DIR/")


def _warnings(parsed: argparse.Namespace) -> Tuple[str, ...]:
    """Return warnings about options that have no effect, or perhaps not the intended one."""
    texts = [f"--{name} is not used by this job" for name in _UNUSED_INPUTS if getattr(parsed, name) is not None]
    if parsed.in_parts and parsed.in_3dref:
        texts.append("--in_3dref is not used: --in_parts names the input maps")
    is_map = parsed.in_parts and not (parsed.in_parts.lower().endswith(".star") or os.path.isdir(parsed.in_parts))
    if is_map and parsed.classes is None:
        texts.append(
            "--in_parts names one map, so no classes are compared; to compare all classes give run_itNNN_data.star, "
            "or add --classes all"
        )
    return tuple(texts)


def _unknown_option_text(word: str) -> str:
    """Return the error message for a word that is no known option; it names the most similar option."""
    if not word.startswith("--"):
        return f"found {word!r} where an option was expected; give the map with --in_3dref, quote values with blanks"
    name = word[2:].split("=")[0]
    names = option_names()
    similar = _most_similar(name.replace("-", "_").lower(), [item.lower() for item in names])
    if similar:
        return f"unknown option --{name}; did you mean --{similar}?"
    return f"unknown option --{name}; expected one of {', '.join('--' + item for item in names)}"


def _most_similar(word: str, names: List[str]) -> Optional[str]:
    """Return the name that a word most likely stands for: first one of the same letters, such as model for modle."""
    for name in names:
        if sorted(name) == sorted(word):
            return name
    return next(iter(difflib.get_close_matches(word, names, n=1)), None)
