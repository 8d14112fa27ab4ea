# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the command: RELION's own, and one for each setting of `occupy_core.Settings`; their help."""

from __future__ import annotations

import argparse
from typing import Any, List, NoReturn, Sequence

from occupy_core import __version__
from occupy_core.settings.setting_type import Description
from occupy_core.settings.settings import default_of, descriptions
from occupy_core.settings.typed_values import nearest
from relion_external.option_values import OptionError, stray_text

PROGRAM = "relion_external_occupy"
# Inputs of RELION's Input tab that this job does not use.
UNUSED_INPUTS = ("in_movies", "in_mics", "in_coords")

# Names that other programs have for an option of this one.
_OTHER_NAMES = {"threads": "j", "nthreads": "j", "cores": "j", "cpus": "j", "input": "in_3dref", "output": "o"}


def option_names() -> List[str]:
    """Return the names of all options, without the dashes."""
    own = [
        "o",
        "in_3dref",
        "in_parts",
        "maps",
        "in_mask",
        "settings",
        "angpix",
        "j",
        "pipeline_control",
        "make_job",
        "help",
        "version",
    ]
    return [*own, *UNUSED_INPUTS, *descriptions()]


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


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; it takes any number of words after each option."""
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
    _add_option(group, "o", "DIR/", "output folder; RELION sets it")
    _add_option(group, "in_3dref", "MAP", "input map (RELION: Input 3D reference)")
    _add_option(
        group,
        "in_parts",
        "STAR",
        "instead of one map, all classes of a 3D classification: its run_itNNN_data.star (RELION: Input particles)",
    )
    _add_option(
        group,
        "maps",
        "MAP",
        "instead of one map, several: maps (wildcards are allowed), a STAR file with rlnReferenceImage, or a text file "
        "(.txt) with the name of a map in each line. They are compared; more than ten are compared as an ensemble: the "
        "parts that come and go together, and their occupancy in each volume. Their grey scales may differ",
    )
    _add_option(group, "in_mask", "MAP", "solvent definition, as with --solvent_def (RELION: Input 3D mask)")
    _add_option(
        group,
        "settings",
        "REPORT",
        "repeat the job of a report.json, with its maps and settings; other options on the command line replace "
        "those of the report",
    )
    _add_option(group, "angpix", "Å", "voxel size, if the map's header is wrong")
    _add_option(group, "j", "N", "number of threads, limited to the available processors")
    _add_option(
        group,
        "make_job",
        "PRESET",
        "run no job, but write its job.star for RELION to the file of -o, with the other options of this command line",
    )
    _add_option(group, "pipeline_control", "DIR/", "ignored; RELION adds it (marker files go to --o)")
    group.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    for name in UNUSED_INPUTS:
        _add_option(group, name, "FILE", argparse.SUPPRESS)


def _add_setting(group: Any, name: str, description: Description) -> None:
    """Add the option of one setting, with a help text from its description."""
    text = f"{description.label}: {description.values}; default: {default_text(name)}. {description.help}"
    _add_option(group, name, description.kind.upper(), text.replace("%", "%%"))


def _add_option(group: Any, name: str, metavar: str, text: str) -> None:
    """Add an option that takes all words up to the next option, since RELION's form splits values at blanks.

    What the words mean, and how many there may be, is checked later: so all mistakes are found, not only the first.
    """
    # Of an option that is given twice, the last counts; target masks add up.
    action = "extend" if name == "target_mask" else "store"
    group.add_argument(f"--{name}", dest=name, nargs="*", action=action, metavar=metavar, help=text)


def unknown_option_texts(words: Sequence[str]) -> List[str]:
    """Return a message for each word that is no known option and no value of an unknown one.

    Parameters
    ----------
    words : sequence of str
        The words that the parser did not take: each unknown option is followed by its values.
    """
    options = [word for word in words if word.startswith("-")]
    if not options or not words[0].startswith("-"):
        options = [*words[:1], *options]
    return [_unknown_option_text(word) for word in options]


def _unknown_option_text(word: str) -> str:
    """Return the message for a word that is no known option; it names the most similar option."""
    if not word.startswith("--"):
        return stray_text(word)
    name = word.lstrip("-").split("=")[0]
    names = option_names()
    plain = name.replace("-", "_").lower()
    similar = _OTHER_NAMES.get(plain) or nearest(plain, [item.lower() for item in names])
    if similar:
        return f"unknown option --{name}, expected one that --help lists; did you mean --{similar}?"
    return f"unknown option --{name}, expected one that --help lists"
