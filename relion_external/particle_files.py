# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the particles with and without each region or part, as STAR files that later jobs of RELION take."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from occupy_core.job.outputs import JobOutputs
from occupy_core.progress import Say
from occupy_core.version import MAP_LABEL, __version__
from relion_external.inputs import Inputs
from relion_external.option_values import OptionError
from relion_external.options import Options
from relion_files.particle_subsets import CLASS, Subset, block_of_particles, write_subsets
from relion_files.star import StarError, read_star

_EXPECTED = (
    "expected the classes of a 3D classification whose data STAR file has the class of each particle; give its "
    "run_itNNN_data.star with --in_parts, or leave the option out"
)


def divided_particles(options: Options, inputs: Inputs) -> Optional[str]:
    """Return the data STAR file whose particles the job divides; None where the settings ask for none.

    Raises
    ------
    OptionError
        If the settings ask for particles, and the inputs have none or are no classes to compare.
    """
    if not options.settings.particles:
        return None
    if len(inputs.maps) < 2:
        found = inputs.maps[0].path if inputs.maps else "no map"
        raise OptionError(f"--particles: found one map, {found}, {_EXPECTED}")
    if inputs.particles is None:
        raise OptionError(f"--particles: found no class of any particle beside {inputs.maps[0].path}, {_EXPECTED}")
    return inputs.particles


def write_particles(outputs: JobOutputs, data_star: Optional[str], folder: Path, say: Say) -> None:
    """Write regionNNN_with.star and regionNNN_without.star of each sure region that has particles on that side.

    Of more than ten classes, partNNN_with.star and partNNN_without.star of each part that comes and goes.

    Parameters
    ----------
    outputs : JobOutputs
        The outputs of the job.
    data_star : str, optional
        The data STAR file with all particles; None writes nothing.
    folder : Path
        The staging folder, to which the files are written.
    say : callable
        Called with a line for the user.

    Raises
    ------
    StarError
        If the data STAR file cannot be read, or does not have the particles that were counted before.
    """
    if data_star is None or outputs.compared is None:
        return
    from occupy_core.comparing.particle_groups import classes_text, particle_groups, unit_of

    groups, unit = particle_groups(outputs.compared), unit_of(outputs.compared)
    if not groups:
        return
    say(f"Writing particles with and without each {unit}, from {data_star}")
    block = block_of_particles(read_star(data_star, frozenset([CLASS])))
    if block is None:
        raise StarError(f"{data_star}: no table has {CLASS}, {_EXPECTED}")
    subsets = [
        Subset(
            folder / group["name"],
            frozenset(group["numbers"]),
            _comment(data_star, f"{side} {unit} {number}", classes_text(group)),
        )
        for number, side, group in groups
    ]
    for (_, _, group), count in zip(groups, write_subsets(data_star, block, subsets)):
        if group["particles"] not in (None, count):
            raise StarError(
                f"{data_star}: found {count} particles for {group['name']}, expected {group['particles']}, as many as "
                "were counted before; has it changed? run the job again"
            )


def _comment(data_star: str, what: str, classes: str) -> str:
    """Return the first line of a file: it names this program, which replaces only files that do."""
    return f"{MAP_LABEL}{__version__}: particles {what}, of {classes} in {data_star}"
