# SPDX-License-Identifier: GPL-3.0-or-later
"""OccuPy in Scipion: local scale and occupancy of cryo-EM maps."""

import importlib.util
import os
from pathlib import Path
from typing import Dict, List

import pwem
from pyworkflow import SPA, Config
from pyworkflow.utils import Environ

import occupy_core
from occupy_core import __version__
from occupy_scipion.constants import LOGO, REFERENCE, URL

__all__ = ["Plugin", "__version__"]

_logo = LOGO
_references = [REFERENCE]
_OWN_VIEWER = "occupy_scipion.viewers.OccupyVolumeViewer"
_OWN_MODEL_VIEWER = "occupy_scipion.viewers.OccupyModelOutputViewer"
# The viewer that Scipion sets for single maps. It needs the plugin of Xmipp, and without that a double click fails.
_XMIPP_VIEWER = "pwem.viewers.DataViewer"


def prefer_own_viewer(viewers: Dict[str, List[str]], *, has_xmipp: bool) -> None:
    """Let a double click open a single map of this plugin without Xmipp, and a fitted model without ChimeraX.

    Parameters
    ----------
    viewers : dict of str to list of str
        Scipion's variable VIEWERS: viewers of each class of object, the first choice first; changed. A choice of the
        user is kept. Our viewers take maps and models of this plugin only, so that others open as before; the one of
        models steps back where ChimeraX is found.
    has_xmipp : bool
        Whether the plugin of Xmipp is installed: then maps open in its viewer.
    """
    for name in ("Volume", "VolumeMask"):
        chosen = viewers.get(name, [])
        if not has_xmipp and chosen in ([], [_XMIPP_VIEWER]):
            viewers[name] = [_OWN_VIEWER, *chosen]
    if not viewers.get("AtomStruct"):
        viewers["AtomStruct"] = [_OWN_MODEL_VIEWER]


class Plugin(pwem.Plugin):
    """The plugin. It is pure Python: it installs no programs."""

    _url = URL
    _supportedVersions = [__version__]
    _processingField = [SPA]

    @classmethod
    def _defineVariables(cls):
        # Scipion calls this when it loads the plugin, before it looks for viewers.
        prefer_own_viewer(Config.VIEWERS, has_xmipp=importlib.util.find_spec("xmipp3") is not None)

    @classmethod
    def getEnviron(cls):
        environ = Environ(os.environ)
        # The processes that Scipion starts must find occupy_core too, wherever this process found it.
        environ.set("PYTHONPATH", str(Path(occupy_core.__file__).parents[1]), position=Environ.END)
        return environ

    @classmethod
    def defineBinaries(cls, env):
        pass
