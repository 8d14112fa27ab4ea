# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin's name on the screen."""


class OccupyLabel:
    """Mix-in that shows "OccuPy - " before the label of a protocol or viewer.

    By default Scipion shows the package's name, in which its markup takes the underscore for the start of italics.
    """

    @classmethod
    def getClassLabel(cls, prependPackageName=True):
        return f"OccuPy - {cls._label}" if prependPackageName else cls._label
