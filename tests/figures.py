# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests read from figures."""

from matplotlib.figure import Figure


def title_of(figure: Figure) -> str:
    """Return the title above all panels; matplotlib before 3.8, on Python 3.8, has no `get_suptitle`."""
    return figure._suptitle.get_text()
