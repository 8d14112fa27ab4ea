# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples in Python of README.md and docs/python.md run as they are written."""

import re
from pathlib import Path

import pytest

from demo.atomic_model import write_model
from demo.classification import classes
from demo.simulate import phantom

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", ["README.md", "docs/python.md"])
def test_the_examples_run(name, write_mrc, tmp_path, monkeypatch, capsys):
    """Run the blocks of one document one after the other, in a folder with the files that they name."""
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, flags=re.M | re.S)
    assert blocks
    write_mrc(phantom(noise=0.1).volume, "map.mrc", 3.0)
    write_mrc(phantom().parts[1].astype("float32"), "mask.mrc", 3.0)
    for number, simulated in enumerate(classes(), start=1):
        write_mrc(simulated.volume, f"class{number}.mrc", simulated.voxel_size)
    write_model(phantom(), tmp_path / "fitted.cif")
    (tmp_path / "volumes").mkdir()
    for number in range(12):
        volume = phantom(occupancies=(1.0, 0.6, float(number % 2)), noise_seed=number).volume
        write_mrc(volume, f"volumes/volume{number:02d}.mrc", 3.0)
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks:
        exec(compile(block, name, "exec"), names)
    assert capsys.readouterr().out
