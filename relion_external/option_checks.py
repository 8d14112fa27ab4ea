# SPDX-License-Identifier: GPL-3.0-or-later
"""Find missing options of a command line, and warn about options without effect, or perhaps not the intended one."""

from __future__ import annotations

import argparse
import os
from typing import Iterator, List, Optional, Sequence

from occupy_core.job.repeat import RecordedJob
from relion_external.option_parser import UNUSED_INPUTS
from relion_external.option_values import OptionError, path_value


def missing_options(
    output: Optional[List[str]],
    has_input: bool,
    report: Optional[str],
    earlier_job: Optional[RecordedJob],
    asks_for_classes: bool,
) -> Iterator[OptionError]:
    """Yield the problems of a command line without an input map or an output folder."""
    if not has_input and earlier_job is not None:
        if earlier_job.missing:
            yield OptionError(
                f"{earlier_job.missing[0]}: no such file, but {report} names it as a map; run the command in "
                "the project's folder, or give another map with --in_3dref or --in_parts"
            )
        elif asks_for_classes:
            yield OptionError("--classes beside --settings needs --in_parts too: a report names single maps")
    elif not has_input and report is None:
        yield OptionError(
            "no map given, expected --in_3dref MAP (RELION: Input 3D reference), or --in_parts run_itNNN_data.star of "
            "a 3D classification (RELION: Input particles), or --maps MAP MAP ... for several maps"
        )
    if not output or not output[0]:
        yield OptionError("no output folder given, expected --o DIR/")


def option_warnings(
    parsed: argparse.Namespace,
    input_path: Optional[str],
    output_dir: str,
    asks_for_classes: bool,
    maps: Sequence[str],
) -> Iterator[str]:
    """Yield warnings about options that have no effect, or perhaps not the intended one."""
    for name in UNUSED_INPUTS:
        if path_value(getattr(parsed, name)) is not None:
            yield f"--{name} is not used by this job"
    for name in ("in_parts", "in_3dref"):
        if maps and path_value(getattr(parsed, name)):
            yield f"--{name} is not used: --maps names the input maps"
    if maps and asks_for_classes:
        yield "--classes chooses no maps here: --maps names them"
    if path_value(parsed.in_parts) and path_value(parsed.in_3dref) and not maps:
        yield "--in_3dref is not used: --in_parts names the input maps"
    name = str(input_path)
    is_map = path_value(parsed.in_parts) and not maps and not (name.lower().endswith(".star") or os.path.isdir(name))
    if is_map and not asks_for_classes:
        yield (
            "--in_parts names one map, so no classes are compared; to compare all classes give run_itNNN_data.star, "
            "or add --classes all"
        )
    if "None" in output_dir:
        yield (
            f"the output folder {output_dir} has None in its name, which RELION removes from the names of outputs in "
            "its pipeline: choose another folder if other jobs of RELION are to take the outputs"
        )
