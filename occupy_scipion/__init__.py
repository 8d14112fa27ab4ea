# SPDX-License-Identifier: GPL-3.0-or-later
"""OccuPy in Scipion: local scale and occupancy of cryo-EM maps."""

import os
from pathlib import Path

import pwem
from pyworkflow import SPA
from pyworkflow.utils import Environ

import occupy_core
from occupy_core import __version__
from occupy_scipion.constants import LOGO, REFERENCE, URL

__all__ = ["Plugin", "__version__"]

_logo = LOGO
_references = [REFERENCE]


class Plugin(pwem.Plugin):
    """The plugin. It is pure Python: it installs no programs and defines no variables."""

    _url = URL
    _supportedVersions = [__version__]
    _processingField = [SPA]

    @classmethod
    def _defineVariables(cls):
        pass

    @classmethod
    def getEnviron(cls):
        environ = Environ(os.environ)
        # The processes that Scipion starts must find occupy_core too, wherever this process found it.
        environ.set("PYTHONPATH", str(Path(occupy_core.__file__).parents[1]), position=Environ.END)
        return environ

    @classmethod
    def defineBinaries(cls, env):
        pass
