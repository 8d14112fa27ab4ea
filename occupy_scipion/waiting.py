# SPDX-License-Identifier: GPL-3.0-or-later
"""Name the protocols that are scheduled on an output that a run has not made: Scipion lets them wait without end."""

from __future__ import annotations

from typing import Any, Dict, List


def waiting_lines(protocol: Any) -> List[str]:
    """Return a line for each scheduled protocol that waits for an output that this run has not made.

    Scipion starts a scheduled protocol as soon as all its inputs exist, and has no way to end the wait otherwise.

    Parameters
    ----------
    protocol : Protocol
        A protocol whose run has finished, in a project.
    """
    return [
        f"{run.getRunName()} (id {run.strId()}) waits without end for {' and '.join(names)}, which this run did not "
        "make: stop it (Stop; Stop from ends what follows, too)"
        for run in protocol.getProject().getRuns(refresh=False)
        for names in [_missing_outputs(run, protocol)]
        if names and run.isScheduled()
    ]


def _missing_outputs(run: Any, source: Any) -> List[str]:
    """Return the names of the outputs of `source` that a run has as inputs, and that do not exist."""
    names: Dict[str, None] = {}
    for _, pointer in run.iterInputAttributes():
        made_by, name = pointer.getObjValue(), pointer.getExtended().split(".")[0]
        if made_by is not None and name and made_by.strId() == source.strId() and not source.hasAttribute(name):
            names[name] = None
    return list(names)
