# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: RELION's own options and one for each setting of `occupy_core.Settings`."""

from __future__ import annotations

import argparse
import difflib
import math
import os
from dataclasses import dataclass, replace
from typing import Any, Dict, List, NoReturn, Optional, Tuple

from occupy_core import __version__
from occupy_core.errors import OccupyError, SettingsError
from occupy_core.reporting.repeat import RecordedJob, read_job_record
from occupy_core.settings.description import Description
from occupy_core.settings.settings import Settings, default_of, descriptions

PROGRAM = "relion_external_occupy"
_TRUE = ("yes", "true", "1", "on")
_FALSE = ("no", "false", "0", "off")
# What RELION's Input tab may hand over and this job has no use for.
_IGNORED = ("in_movies", "in_mics", "in_coords")


class OptionError(OccupyError):
    """A command line that cannot be understood."""


@dataclass(frozen=True)
class Options:
    """What the command line asks for.

    Attributes
    ----------
    input_path : str, optional
        A map, or a STAR file of a 3D classification; None where the maps of a report are taken.
    recorded : Recorded, optional
        The job of a report that is done again; `settings` has what of its settings is to count.
    whole_classification : bool
        Whether a map stands for the classification that it is a class of.
    voxel_size : float, optional
        Å, instead of the header's.
    output_dir : str
        As given.
    threads : int
    settings : Settings
    warnings : tuple of str
        Options that were ignored.
    """

    input_path: Optional[str]
    recorded: Optional[RecordedJob]
    whole_classification: bool
    voxel_size: Optional[float]
    output_dir: str
    threads: int
    settings: Settings
    warnings: Tuple[str, ...]


def parse(arguments: List[str]) -> Options:
    """Understand a command line.

    Raises
    ------
    OptionError
        If an option is unknown, misses its value, or none names the input or the output.
    JobError
        If a report cannot be read.
    SettingsError
        If a setting is refused.
    SystemExit
        After --help or --version.
    """
    parser = _parser()
    # A blank parameter name in RELION's form arrives as a lone "--".
    known, unknown = parser.parse_known_args([word for word in arguments if word != "--"])
    if unknown:
        raise OptionError(_unknown_text(unknown[0]))
    recorded = None if known.settings is None else read_job_record(known.settings)
    _require_job(known, recorded)
    return Options(
        input_path=known.in_parts or known.in_3dref,
        recorded=recorded,
        whole_classification=known.classes is not None,
        voxel_size=_positive("angpix", known.angpix),
        output_dir=known.o,
        threads=_threads(known.j),
        settings=_settings(known, Settings() if recorded is None else recorded.settings),
        warnings=(*_warnings(known), *(recorded.warnings if recorded else ())),
    )


def names() -> List[str]:
    """Every option, without the dashes."""
    own = ["o", "in_3dref", "in_parts", "in_mask", "settings", "angpix", "j", "pipeline_control", "help", "version"]
    return [*own, *_IGNORED, *descriptions()]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OptionError(f"{message}; see {PROGRAM} --help")


def _parser() -> _Parser:
    parser = _Parser(
        prog=PROGRAM,
        allow_abbrev=False,
        description="Local scale and occupancy of a cryo-EM map, and maps modified by it. Run it as a RELION External "
        "job (executable: relion_external_occupy) or by itself.",
        epilog="Yes-or-no options take a bare flag, yes/no, true/false or 1/0. Cite Forsberg, Shah & Burt, Nature "
        "Communications 14 (2023), doi:10.1038/s41467-023-41478-1.",
    )
    own = parser.add_argument_group("input and output")
    own.add_argument("--o", metavar="DIR/", help="folder for the outputs; RELION gives it")
    own.add_argument("--in_3dref", "--in_3Dref", metavar="MAP", help="the map (RELION: Input 3D reference)")
    own.add_argument(
        "--in_parts",
        metavar="STAR",
        help="instead of a map, all classes of a 3D classification: its run_itNNN_data.star (RELION: Input particles)",
    )
    own.add_argument(
        "--in_mask", metavar="MAP", help="a solvent definition, the same as --solvent_def (RELION: Input 3D mask)"
    )
    own.add_argument(
        "--settings",
        metavar="REPORT",
        help="do the job of a report.json again, with its maps and settings; options given beside it count instead of "
        "what the report says",
    )
    own.add_argument("--angpix", metavar="Å", help="voxel size, where the map's header is wrong")
    own.add_argument("--j", metavar="N", default="1", help="threads; at most those that the machine gives")
    own.add_argument(
        "--pipeline_control", metavar="DIR/", nargs="?", help="accepted, as RELION gives it; markers go to --o"
    )
    own.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    for name in _IGNORED:
        own.add_argument(f"--{name}", help=argparse.SUPPRESS)
    settings = parser.add_argument_group("settings")
    for name, description in descriptions().items():
        _add_setting(settings, name, description)
    return parser


def _add_setting(group: Any, name: str, description: Description) -> None:
    arguments: Dict[str, Any] = {"metavar": description.kind.upper(), "dest": name}
    if description.kind == "flag" or description.when_on is not None:
        arguments.update(nargs="?", const="yes")
    if name == "target_mask":
        arguments.update(nargs="+", action="extend")
    if name == "classes":
        arguments.update(nargs="+")  # RELION's form splits "1, 3" into words
    text = f"{description.label}: {description.values}; default: {default_text(name)}. {description.help}"
    arguments["help"] = text.replace("%", "%%")
    group.add_argument(f"--{name}", **arguments)


def default_text(name: str) -> str:
    """The default of a setting in words."""
    description, value = descriptions()[name], default_of(name)
    if description.when_on is not None:
        return f"off; {description.when_on:g} when given without a value"
    if description.kind == "flag":
        return "yes" if value else "no"
    if value is None or value == ():
        return description.derived or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _settings(known: argparse.Namespace, base: Settings) -> Settings:
    """The settings that were given, the others from `base`."""
    values = {}
    for name, description in descriptions().items():
        text = getattr(known, name)
        if text is not None:
            values[name] = _words_of(name, text, description)
    if known.in_mask is not None:
        if values.get("solvent_def", known.in_mask) != known.in_mask:
            raise SettingsError("solvent_def", "is given twice with different files, as --in_mask too; give one")
        values["solvent_def"] = known.in_mask
    return replace(base, **values)


def _words_of(name: str, text: Any, description: Description) -> Any:
    if name == "target_mask":
        return _paths(text)
    if name == "classes":
        return ",".join(part for word in text for part in word.lower().replace(",", " ").split())
    if name == "reference":
        return text.strip().lower()
    return _value(name, text, description)


def _value(name: str, text: str, description: Description) -> Any:
    word = text.strip()
    lower = word.lower()
    if description.kind == "flag":
        return _flag(name, lower)
    if description.when_on is not None and lower in ("yes", "true", "on"):
        return description.when_on
    if description.when_on is not None and lower in ("no", "false", "off"):
        return None
    if description.kind == "number":
        return _number(name, word, float, description)
    if description.kind == "integer":
        return _number(name, word, int, description)
    return lower if description.kind == "choice" else word


def _paths(words: List[str]) -> Tuple[str, ...]:
    """Files in as many words, or behind commas: RELION's form gives one word."""
    return tuple(
        path.strip() for word in words for path in ([word] if os.path.exists(word) else word.split(",")) if path.strip()
    )


def _flag(name: str, lower: str) -> bool:
    if lower not in _TRUE + _FALSE:
        raise SettingsError(name, f"got {lower!r}, expected yes or no")
    return lower in _TRUE


def _number(name: str, word: str, kind: type, description: Description) -> Any:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SettingsError(name, f"got {word!r}, expected {description.values}")
    if kind is int and value != int(value):
        raise SettingsError(name, f"got {word!r}, expected a whole number, {description.values}")
    return kind(value)


def _positive(name: str, word: Optional[str]) -> Optional[float]:
    if word is None:
        return None
    try:
        value = float(word)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise OptionError(f"--{name}: got {word!r}, expected a number above 0")
    return value


def _threads(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise OptionError(f"--j: got {word!r}, expected a whole number above 0")
    return int(word)


def _require_job(known: argparse.Namespace, recorded: Optional[RecordedJob]) -> None:
    given = known.in_parts or known.in_3dref
    if recorded is not None and not given:
        if recorded.missing:
            raise OptionError(
                f"{recorded.missing[0]}: no such file, which {known.settings} names as a map; run from the folder of "
                "its project, or give another map with --in_3dref or --in_parts"
            )
        if known.classes is not None:
            raise OptionError("--classes beside --settings needs --in_parts too: a report names single maps")
    elif not given:
        raise OptionError(
            "no map given, expected --in_3dref MAP (RELION: Input 3D reference), or --in_parts run_itNNN_data.star of "
            "a 3D classification (RELION: Input particles)"
        )
    if not known.o:
        raise OptionError("no output folder given, expected --o DIR/")


def _warnings(known: argparse.Namespace) -> Tuple[str, ...]:
    found = [f"--{name} is not used by this job" for name in _IGNORED if getattr(known, name) is not None]
    if known.in_parts and known.in_3dref:
        found.append("--in_3dref is not used: the classes of --in_parts are taken")
    if known.in_parts and not known.in_parts.lower().endswith(".star") and known.classes is None:
        found.append(
            "--in_parts names one map, so nothing is compared; give run_itNNN_data.star, or classes with value all, "
            "for the whole classification"
        )
    return tuple(found)


def _unknown_text(word: str) -> str:
    if not word.startswith("--"):
        return f"found {word!r} where an option was expected; give the map with --in_3dref, quote values with blanks"
    name = word[2:].split("=")[0]
    near = difflib.get_close_matches(name.replace("-", "_").lower(), [item.lower() for item in names()], n=1)
    if near:
        return f"unknown option --{name}; did you mean --{near[0]}?"
    return f"unknown option --{name}; expected one of {', '.join('--' + item for item in names())}"
