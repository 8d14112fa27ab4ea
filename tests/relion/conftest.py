# SPDX-License-Identifier: GPL-3.0-or-later
import shutil

import pytest

from tests.conftest import absent


@pytest.fixture(scope="session")
def relion():
    """RELION's programs are on the path."""
    if shutil.which("relion_pipeliner") is None:
        absent("no relion_pipeliner on the path; on Debian or Ubuntu: apt-get install relion")
