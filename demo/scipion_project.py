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


def run_in_project(home: Path, map_path: Path, class_maps: Path, voxel_size: float, name: str = "occupy_demo"):
    """Import a map and run "local scale" on it with all three modifications; import class maps and compare them.

    Parameters
    ----------
    home : Path
        For Scipion's configuration and the project.
    map_path : Path
    class_maps : Path
        With a pattern for the file name.
    voxel_size : float
        Å.
    name : str
        Of the project.

    Returns
    -------
    tuple of Path
        The folders with what the two protocols made.

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

    def run(protocol_name, source=None, output="", **values):
        protocol = project.newProtocol(domain.findClass(protocol_name), **values)
        if source is not None:
            protocol.inputVolumes.set(source)
            protocol.inputVolumes.setExtended(output)
        _launch(project, protocol)
        return protocol

    imported = run("ProtImportVolumes", filesPath=str(map_path), samplingRate=voxel_size)
    modified = {"doAmplify": True, "doAttenuate": True, "doSigmoid": True}
    scale = run("ProtOccupyLocalScale", imported, "outputVolume", **modified)
    folder, pattern = str(class_maps.parent), class_maps.name
    imported = run("ProtImportVolumes", filesPath=folder, filesPattern=pattern, samplingRate=voxel_size)
    compared = run("ProtOccupyCompareClasses", imported, "outputVolumes")
    return tuple(Path(project.path) / protocol._getExtraPath() for protocol in (scale, compared))


def _launch(project, protocol) -> None:
    project.launchProtocol(protocol, wait=True)
    if not protocol.isFinished():
        raise RuntimeError(f"{protocol.getObjLabel()}: {protocol.getStatus()}, {protocol.getErrorMessage()}")
