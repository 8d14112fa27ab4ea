# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np

from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.reporting.map_summary import scale_histogram, surface_level
from occupy_core.settings.settings import Settings


def test_scale_histogram_counts_every_voxel_of_a_small_map(three_parts, phantom_file):
    result = process_map(read_map(phantom_file), Settings())
    histogram = scale_histogram(result.scale, result.confidence)
    assert sum(histogram["voxels"]) == result.scale.size
    confident = result.scale[result.confidence > 0.5]
    assert histogram["confident_voxels"] == np.histogram(confident, 50, (0, 1))[0].tolist()
    assert histogram["voxels"] == np.histogram(result.scale, 50, (0, 1))[0].tolist()


def test_scale_histogram_skips_sections_of_a_large_map():
    rng = np.random.default_rng(0)
    scale, confidence = rng.random((2, 130, 8, 9), dtype=np.float32)
    histogram = scale_histogram(scale, confidence, threads=2)
    assert histogram["every_section"] == 3
    assert histogram["voxels"] == np.histogram(scale[::3], 50, (0, 1))[0].tolist()
    assert histogram["confident_voxels"] == np.histogram(scale[::3][confidence[::3] > 0.5], 50, (0, 1))[0].tolist()


def test_surface_level_is_above_the_noise_and_below_the_molecule(three_parts, phantom_file):
    result = process_map(read_map(phantom_file), Settings())
    level = surface_level(result.source, result.confidence, result.solvent.limit)
    assert (three_parts.volume[result.confidence <= 0.5] > level).mean() <= 2e-3
    assert (three_parts.volume[result.confidence <= 0.5] > 0.5 * level).mean() > 2e-3
    assert (three_parts.volume[three_parts.parts[0]] > level).mean() > 0.95
