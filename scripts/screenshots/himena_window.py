# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a picture of himena-relion's window with the job's form, without a display; run by .venv-forms.

usage: python -m scripts.screenshots.himena_window PICTURE
"""

import os
import sys
import time
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from himena import new_window  # noqa: E402
from himena_relion._job_class import scheduler_widget  # noqa: E402
from qtpy.QtWidgets import QApplication  # noqa: E402

from relion_external.forms.himena_relion import OccupyLocalScale  # noqa: E402

_SIDES = 1000, 950  # pixels
_DRAWING = 2.0  # seconds


def main() -> None:
    """Open the window with a new job in the working folder, save its picture, and end."""
    himena = new_window(plugins=["himena_relion"])
    himena.show(run=False)
    scheduler_widget(himena).update_by_job(OccupyLocalScale, cwd=Path.cwd(), init_params=True)
    window = himena._backend_main_window
    window.resize(*_SIDES)
    began = time.monotonic()
    while time.monotonic() - began < _DRAWING:
        QApplication.processEvents()
    window.grab().save(sys.argv[1])
    sys.stdout.flush()
    os._exit(0)  # closing the window would ask


if __name__ == "__main__":
    main()
