# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from occupy_core.maps import read_map
from occupy_core.process import process_map
from occupy_core.settings import Settings

pytest.importorskip("matplotlib", reason="no matplotlib; install it with: pip install matplotlib")


def test_slices_show_the_middle_of_each_map(phantom_file, tmp_path):
    from occupy_core.figures import slices_figure

    source = read_map(phantom_file)
    result = process_map(source, Settings(amplify=3.0))
    panels = {"input": source.data, "local scale": result.scale, "amplified": result.modified["amplified"]}
    figure = slices_figure(panels, title="phantom")
    pictures = [axes for axes in figure.axes if axes.images and axes.get_title()]
    assert [axes.get_title() for axes in pictures] == list(panels)
    for axes, volume in zip(pictures, panels.values()):
        np.testing.assert_array_equal(axes.images[0].get_array(), volume[32])
    assert pictures[0].images[0].get_clim() == pictures[2].images[0].get_clim()
    assert pictures[1].images[0].get_clim() == (0, 1)
    figure.savefig(tmp_path / "slices.png")
    assert (tmp_path / "slices.png").stat().st_size > 10_000
