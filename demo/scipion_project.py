# SPDX-License-Identifier: GPL-3.0-or-later
"""Run protocols in a real Scipion project, without Scipion's window."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HOSTS = "[localhost]\nPARALLEL_COMMAND = mpirun -np %_(JOB_NODES)d %_(COMMAND)s\n"


def prepare_environment(home: Path, *, hosts: str = HOSTS) -> None:
    """Make Scipion keep its configuration and projects below `home`; call it before pyworkflow is imported.

    Parameters
    ----------
    home : Path
        Folder for Scipion's configuration and projects.
    hosts : str
        Content of Scipion's hosts.conf.
    """
    hosts_file = home / "config" / "hosts.conf"
    hosts_file.parent.mkdir(parents=True, exist_ok=True)
    hosts_file.write_text(hosts, encoding="utf-8")
    os.environ.update(
        SCIPION_HOME=str(home),
        SCIPION_USER_DATA=str(home / "userdata"),
        SCIPION_HOSTS=str(hosts_file),
        SCIPION_DOMAIN="pwem",
        SCIPION_NOTIFY="False",  # a demo must not send usage statistics
        SCIPION_PYTHON=sys.executable,
        MPLBACKEND="Agg",
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    )


def run_in_project(home: Path, map_path: Path, class_maps: Path, voxel_size: float, name: str = "occupy_demo"):
    """Run "local scale" on a map, with all three modifications, and "compare classes" on class maps.

    Parameters
    ----------
    home : Path
        Folder for Scipion's configuration and the project.
    map_path : Path
        The map.
    class_maps : Path
        Path of the class maps, whose last part is a glob pattern.
    voxel_size : float
        Å.
    name : str
        Name of the project; a project of this name is replaced.

    Returns
    -------
    tuple of Path
        Folders with the outputs of the two protocols.

    Raises
    ------
    RuntimeError
        If a protocol does not finish; the message has Scipion's reason.
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
        """Run a protocol; `source` is the protocol that its input comes from, and `output` the name of that output."""
        protocol = project.newProtocol(domain.findClass(protocol_name), **values)
        if source is not None:
            protocol.inputVolumes.set(source)
            protocol.inputVolumes.setExtended(output)
        _launch(project, protocol)
        return protocol

    imported = run("ProtImportVolumes", filesPath=str(map_path), samplingRate=voxel_size)
    modifications = {"doAmplify": True, "doAttenuate": True, "doSigmoid": True}
    scale = run("ProtOccupyLocalScale", imported, "outputVolume", **modifications)
    folder, pattern = str(class_maps.parent), class_maps.name
    imported = run("ProtImportVolumes", filesPath=folder, filesPattern=pattern, samplingRate=voxel_size)
    comparison = run("ProtOccupyCompareClasses", imported, "outputVolumes")
    return tuple(Path(project.path) / protocol._getExtraPath() for protocol in (scale, comparison))


def _launch(project, protocol) -> None:
    project.launchProtocol(protocol, wait=True)
    if not protocol.isFinished():
        raise RuntimeError(f"{protocol.getObjLabel()}: {protocol.getStatus()}, {protocol.getErrorMessage()}")
