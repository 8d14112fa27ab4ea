# SPDX-License-Identifier: GPL-3.0-or-later
"""How the plugin is called on the screen."""


class OccupyLabel:
    """Puts OccuPy in front of a protocol's label.

    Scipion would put the package's name there, and its markup reads an underscore as the start of italics.
    """

    @classmethod
    def getClassLabel(cls, prependPackageName=True):
        return f"OccuPy - {cls._label}" if prependPackageName else cls._label
