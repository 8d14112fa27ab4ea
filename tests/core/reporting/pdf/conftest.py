# SPDX-License-Identifier: GPL-3.0-or-later
import mrcfile
import pytest

from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.reporting.report import finite, job_report, map_report
from occupy_core.reporting.sections import map_sections
from occupy_core.settings.settings import Settings


@pytest.fixture(scope="package")
def one_map_job(three_parts, tmp_path_factory):
    """Report of a job on one map with all modifications, the map's sections, and the volumes by kind of map."""
    settings = Settings(amplify=3.0, attenuate=2.0, sigmoid=4.0, tile_size=10)
    path = tmp_path_factory.mktemp("pages") / "phantom.mrc"
    with mrcfile.new(str(path)) as mrc:
        mrc.set_data(three_parts.volume)
        mrc.voxel_size = three_parts.voxel_size
    source = read_map(path)
    result = process_map(source, settings)
    report = job_report(settings, [map_report(result, {}, "", "phantom.mrc")], {})
    report.update(shared_reference=None, comparison=None, warnings=[])
    volumes = {"input": source.data, "scale": result.scale, "confidence": result.confidence, **result.modified}
    item = report["maps"][0]
    return finite(report), map_sections(volumes, item), volumes
