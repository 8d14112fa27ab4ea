# SPDX-License-Identifier: GPL-3.0-or-later
"""Estimate the memory that a job needs, and compare it, before the work, with what the process may use."""

from __future__ import annotations

import errno
import math
import os
from contextlib import contextmanager
from dataclasses import replace
from typing import Iterator, List, Optional, Sequence, Tuple

from occupy_core.errors import JobError, OccupyError
from occupy_core.fourier.resize import cropped_shape
from occupy_core.job.memory import claim_blas_buffer
from occupy_core.job.memory_limit import MemoryLimit, limited_by, memory_limit
from occupy_core.maps.grid import box_text
from occupy_core.maps.reading import read_grid
from occupy_core.progress import Say
from occupy_core.settings.job_spec import Job
from occupy_core.settings.settings import Settings

# Measured peaks of jobs on boxes of 128 to 512 voxels, with each setting that matters: the estimate is between 0.85 and
# 1.1 times the peak (tests/core/job/test_memory_need.py has the figures).
_PROGRAM = 63_000_000  # bytes: Python and its libraries
_FIGURES = 26_000_000  # matplotlib
# A model: gemmi and the fit at its peak, and what stays while the local scale is estimated; for any model, and more for
# each byte of its text.
_MODEL, _MODEL_PER_BYTE = 45_000_000, 21
_MODEL_KEPT, _MODEL_KEPT_PER_BYTE = 25_000_000, 11
_COMPARED = 3.3  # copies of each map that is measured for a comparison
_PACKED = 4  # bytes of text in a byte of a packed model
# For an ensemble: tables and scipy's clustering, bytes; share of the box that varies.
_TABLES, _VARYING_SHARE = 20_000_000, 0.04
# A job that does not fit by this factor certainly fails: it is refused. Closer ones get a warning.
_CERTAIN = 1.5
_VALUE = 4  # bytes
_BOXES = (512, 384, 320, 256, 192, 128, 96, 64)  # values of max_box to advise


def needed_memory(
    shape: Tuple[int, int, int],
    settings: Settings,
    *,
    compare: bool = False,
    threads: int = 1,
    volumes: int = 0,
    model_bytes: int = 0,
) -> int:
    """Return about how many bytes of memory a job needs at its peak.

    Parameters
    ----------
    shape : three int
        Box of the largest map, voxels. Few maps are processed at a time, so their number does not matter.
    settings : Settings
    compare : bool
        Whether maps are compared: small ones are measured on several threads at a time.
    threads : int
    volumes : int
        Number of volumes that are compared as an ensemble; 0 for other jobs.
    model_bytes : int
        Size of the model's text; 0 for a job without model.
    """
    box = cropped_shape(shape, settings.max_box)
    whole, working = _VALUE * math.prod(shape), _VALUE * math.prod(box)
    is_cropped = box != shape
    takes_away = settings.attenuate is not None or settings.sigmoid is not None
    # The map, the low-passed map, the kernel maximum, and slabs; in multiples of one map in the working box.
    copies = 3.3
    copies += 0.5 * (settings.normalisation == "calibrated")
    copies += 2.3 * (takes_away and not settings.exclude_solvent)  # filler noise
    copies += (settings.lowpass_output is not None) + 2 * settings.nlrc
    copies += 1.2 * (settings.solvent_def is not None) + bool(settings.target_mask)
    stages = [copies * working]
    if compare:
        from occupy_core.comparing.each_map import maps_at_once  # a job on one map compares none

        stages.append(_COMPARED * working * maps_at_once(shape, threads))
    if is_cropped:
        spectrum = _VALUE * box[0] * shape[1] * box[2]
        with_definition = 1.6 * whole * (settings.solvent_def is not None)
        stages.append(whole + max(2 * working + spectrum, 0.3 * whole + 1.5 * working) + with_definition)
        stages.append(1.6 * whole * bool(settings.target_mask) + working)
        stages.append((whole + 4.9 * working + spectrum) * compare)
        makes_masks = settings.subtraction_mask or settings.solvent_threshold is not None
        stages.append(3.2 * whole * makes_masks)
    stages.append(6.8 * whole * settings.hist_match)
    if model_bytes:
        kept, fitted = _MODEL_KEPT + _MODEL_KEPT_PER_BYTE * model_bytes, _MODEL + _MODEL_PER_BYTE * model_bytes
        stages = [max(stages) + kept, fitted + 1.2 * whole]
    of_ensemble = 0.0
    if volumes:
        from occupy_core.ensembles.limits import MAX_MATRIX  # most jobs compare no ensemble

        of_ensemble = _TABLES + _VALUE * min(MAX_MATRIX, volumes * _VARYING_SHARE * math.prod(box))
    return int(_PROGRAM + _FIGURES * settings.figures + max(stages) + of_ensemble)


@contextmanager
def enough_memory(job: Job, say: Say) -> Iterator[List[str]]:
    """Refuse a job that certainly needs more memory than the process may use; say so too where memory runs out.

    Parameters
    ----------
    job : Job
    say : callable
        Called with the warning, if there is one.

    Yields
    ------
    list of str
        A warning if the job may need more memory than is free.

    Raises
    ------
    JobError
        With the memory that the job needs, the memory that it may use, and the way out.
    """
    largest = _largest_box(job)
    limit = memory_limit(in_use=_PROGRAM)
    warnings = [] if largest is None or limit is None else _compare(job, largest, limit)
    for text in warnings:
        say(f"WARNING: {text}")
    try:
        if limited_by():
            claim_blas_buffer()
        yield warnings
    except (MemoryError, OSError, RuntimeError) as error:
        if not _is_lack_of_memory(error, limit):
            raise
        if largest is None or limit is None:
            raise JobError("out of memory; use a machine with more memory") from error
        raise JobError(f"out of memory: {_text(job, largest, limit, limit.free, 'and')}") from error


def _is_lack_of_memory(error: Exception, limit: Optional[MemoryLimit]) -> bool:
    """Return whether an error says that no memory is left.

    A thread needs address space too: where that is limited, a thread that cannot start lacks it.
    """
    if isinstance(error, RuntimeError):
        of_thread = any(words in str(error) for words in ("start new thread", "temporarily unavailable"))
        return of_thread and bool(limited_by())
    return isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM


def _largest_box(job: Job) -> Optional[Tuple[str, Tuple[int, int, int]]]:
    """Return path and box of the largest map, from the headers; None if no map can be read, which the job reports."""
    boxes = []
    for item in job.maps:
        try:
            boxes.append((item.path, read_grid(item.path, voxel_size=item.voxel_size).shape))
        except OccupyError:
            continue
    return max(boxes, key=lambda found: math.prod(found[1]), default=None)


def _compare(job: Job, largest: Tuple[str, Tuple[int, int, int]], limit: MemoryLimit) -> List[str]:
    """Refuse a job that certainly does not fit; return a warning for one that may not."""
    need = _need(job, largest[1])
    if need > _CERTAIN * limit.most:
        raise JobError(_text(job, largest, limit, limit.most))
    return [_text(job, largest, limit, limit.free)] if need > limit.free else []


def _text(
    job: Job, largest: Tuple[str, Tuple[int, int, int]], limit: MemoryLimit, usable: int, joint: str = "but"
) -> str:
    """Return a sentence on the memory that a job needs and may use, and the way out."""
    path, shape = largest
    need = _need(job, shape)
    box = _box_that_fits(shape, job, usable)
    smaller = "" if box is None else f"set max_box to {box} or less, or "
    return (
        f"{path}: the job needs about {_size(need)} of memory for the box of {box_text(shape)} voxels (max_box "
        f"{job.settings.max_box}), {joint} about {_size(usable)} can be used ({limit.name}); {smaller}{limit.way_out}"
    )


def _box_that_fits(shape: Sequence[int], job: Job, usable: int) -> Optional[int]:
    """Return the largest `max_box`, smaller than the working box, with which the job fits; None if there is none."""
    z, y, x = shape
    working = max(cropped_shape(shape, job.settings.max_box))
    for box in _BOXES:
        if box < working and _need(replace(job, settings=replace(job.settings, max_box=box)), (z, y, x)) <= usable:
            return box
    return None


def _need(job: Job, shape: Tuple[int, int, int]) -> int:
    """Return about how many bytes a job needs; `shape` is the box of its largest map."""
    return needed_memory(
        shape,
        job.settings,
        compare=job.compare,
        threads=job.threads,
        volumes=len(job.maps) if job.is_ensemble else 0,
        model_bytes=_model_bytes(job),
    )


def _model_bytes(job: Job) -> int:
    """Return the size of the text of a job's model; 0 without one, and where it cannot be read."""
    path = job.settings.model
    if path is None or not os.path.isfile(path):
        return 0
    return os.path.getsize(path) * (_PACKED if path.endswith(".gz") else 1)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
