# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of a job's files, and how they appear: all at once when the job is whole, or not at all."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Sequence

from occupy_core.errors import JobError
from occupy_core.settings import Settings

REPORT = "report.json"
MAPS_TABLE = "occupancy_maps.star"
# One name for all jobs, so that what a killed job left is cleared away by the next one in the folder.
_STAGING = ".occupy_staging"


@dataclass(frozen=True)
class OutputKind:
    """One kind of map that a job writes: its file name behind the prefix, and what it is in words."""

    file_name: str
    title: str


MAP_OUTPUTS: Dict[str, OutputKind] = {
    "scale": OutputKind("scale.mrc", "local scale"),
    "confidence": OutputKind("confidence.mrc", "confidence"),
    "amplified": OutputKind("amplified.mrc", "amplified map"),
    "attenuated": OutputKind("attenuated.mrc", "attenuated map"),
    "sigmoid": OutputKind("sigmoid.mrc", "sigmoid map"),
    "solvent_excluded": OutputKind("solvent_excluded.mrc", "map without solvent"),
}

# What each modification makes.
MODIFIED = {"amplify": "amplified", "attenuate": "attenuated", "sigmoid": "sigmoid"}

_MAP_NAMES = {kind.file_name for kind in MAP_OUTPUTS.values()}
_PREFIX = re.compile(r"[a-z]+\d{3,}_")


def kinds_of(settings: Settings) -> List[str]:
    """The kinds of map, keys of `MAP_OUTPUTS`, that a job with these settings writes for each of its maps."""
    modified = [MODIFIED[name] for name in settings.modifications]
    if settings.exclude_solvent and not modified:
        modified = ["solvent_excluded"]
    return ["scale", "confidence", *modified]


@contextmanager
def staged(output_dir: str, inputs: Sequence[str]) -> Iterator[Path]:
    """A folder to write a job's files to; on success they replace those of the job's last run.

    Parameters
    ----------
    output_dir : str
        Made if it is not there.
    inputs : sequence of str
        Files that the job reads, which must not be replaced.

    Raises
    ------
    JobError
        If the folder cannot be used, or an output would replace an input.
    """
    target = Path(output_dir)
    staging = target / _STAGING
    try:
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
    except OSError as error:
        raise JobError(f"{output_dir}: cannot write to this output folder ({error.strerror})") from error
    try:
        yield staging
        written = sorted(path.name for path in staging.iterdir())
        stale = [name for name in os.listdir(target) if _is_own(name) and name not in written]
        for name in [*written, *stale]:
            _refuse_input(target / name, inputs)
        for name in stale:
            (target / name).unlink()
        # The report comes last: where it is, the rest is.
        for name in sorted(written, key=lambda name: name == REPORT):
            os.replace(staging / name, target / name)
    except OSError as error:
        raise JobError(f"{output_dir}: cannot write the outputs ({error.strerror or error})") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def discard_staging(output_dir: str) -> None:
    """Remove what a killed job left half-written."""
    shutil.rmtree(Path(output_dir) / _STAGING, ignore_errors=True)


def _is_own(name: str) -> bool:
    return name in (REPORT, MAPS_TABLE) or _PREFIX.sub("", name, count=1) in _MAP_NAMES


def _refuse_input(output: Path, inputs: Sequence[str]) -> None:
    for path in inputs:
        if output.exists() and os.path.exists(path) and os.path.samefile(output, path):
            raise JobError(f"{path}: is an input and the name of an output too; choose another output folder")
