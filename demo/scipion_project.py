# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Scipion project without its window."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HOSTS = "[localhost]\nPARALLEL_COMMAND = mpirun -np %_(JOB_NODES)d %_(COMMAND)s\n"


def prepare_environment(home: Path, *, hosts: str = HOSTS) -> None:
    """Let Scipion keep its configuration and projects below `home`; to be called before pyworkflow is imported."""
    hosts_file = home / "config" / "hosts.conf"
    hosts_file.parent.mkdir(parents=True, exist_ok=True)
    hosts_file.write_text(hosts, encoding="utf-8")
    os.environ.update(
        SCIPION_HOME=str(home),
        SCIPION_USER_DATA=str(home / "userdata"),
        SCIPION_HOSTS=str(hosts_file),
        SCIPION_DOMAIN="pwem",
        SCIPION_NOTIFY="False",  # no telephone calls home from a demo
        SCIPION_PYTHON=sys.executable,
        MPLBACKEND="Agg",
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    )


def local_scale_in_project(home: Path, map_path: Path, voxel_size: float, name: str = "occupy_demo") -> Path:
    """Import a map and run "local scale" on it with all three modifications.

    Returns
    -------
    Path
        The folder with the maps that the protocol made.

    Raises
    ------
    RuntimeError
        If a protocol does not finish, with Scipion's reason.
    """
    prepare_environment(home)
    import pyworkflow
    from pyworkflow.project import Manager

    domain = pyworkflow.Config.getDomain()
    domain.getProtocols()
    manager = Manager()
    if manager.hasProject(name):
        manager.deleteProject(name)
    manager.createProject(name)
    project = manager.loadProject(name)
    imported = project.newProtocol(
        domain.findClass("ProtImportVolumes"), filesPath=str(map_path), samplingRate=voxel_size
    )
    _launch(project, imported)
    scale = project.newProtocol(
        domain.findClass("ProtOccupyLocalScale"), doAmplify=True, doAttenuate=True, doSigmoid=True
    )
    scale.inputVolumes.set(imported)
    scale.inputVolumes.setExtended("outputVolume")
    _launch(project, scale)
    return Path(project.path) / Path(scale.scaleMap.getFileName()).parent


def _launch(project, protocol) -> None:
    project.launchProtocol(protocol, wait=True)
    if not protocol.isFinished():
        raise RuntimeError(f"{protocol.getObjLabel()}: {protocol.getStatus()}, {protocol.getErrorMessage()}")
