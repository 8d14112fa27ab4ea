# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages on an ensemble: readable with few and with hundreds of volumes."""

import numpy as np
import pytest
from matplotlib.image import BboxImage
from matplotlib.lines import Line2D

from occupy_core.reporting.ensemble_view import ensemble_view
from occupy_core.reporting.pdf.ensemble_page import ensemble_figure, ensemble_pages, main_parts
from tests.core.reporting.balls import ball
from tests.core.reporting.pdf.figure_contents import check_texts_fit, text_of


def ensemble_report(count, parts, *, moving=0, clusters=4, name="volumes/vol_{:04d}.mrc"):
    """Return the ensemble's part of a report; occupancies are 0 or 1 by cluster."""
    rng = np.random.default_rng(count)
    numbers = np.sort(rng.integers(1, clusters + 1, count))
    values = rng.integers(0, 2, (clusters + 1, parts))[numbers]
    part = {"mask": "part001_mask.mrc", "volume_cubic_angstrom": 12345.0, "centre_xyz_angstrom": [1.0, 2.0, 3.0]}
    return {
        "lowpass_angstrom": 8.0,
        "voxel_size_angstrom": 2.0,
        "components": [0.6, 0.2],
        "parts": [
            {
                **part,
                "number": number,
                "moves": number > parts,
                "mean_occupancy": None if number > parts else 0.5,
                "volumes_with_it": None if number > parts else count // 2,
                "uneven_volumes": 0,
            }
            for number in range(1, parts + moving + 1)
        ],
        "clusters": [
            {
                "number": number,
                "volumes": int((numbers == number).sum()),
                "mean": f"cluster{number:03d}_mean.mrc",
                "surface_level": 0.1,
                "occupancies": [0.5] * parts,
            }
            for number in range(1, clusters + 1)
        ],
        "rules": [{"part": 1, "kind": "excludes", "other": 2, "exceptions": 0, "volumes": 20}] if parts > 1 else [],
        "volumes": [
            {
                "number": index + 1,
                "input": name.format(index),
                "cluster": int(numbers[index]),
                "grey_factor": 1.0,
                "occupancies": [[max(0.0, value - 0.1), float(value), min(1.0, value + 0.1)] for value in row],
            }
            for index, row in enumerate(values)
        ],
        "order": list(range(count)),
        "outputs": [],
        "warnings": [],
    }


def job_report(ensemble):
    return {
        "version": "0",
        "ensemble": ensemble,
        "warnings": ["a warning of the job"],
        "result": "parts come and go",
        "next_steps": ["to look: open the PDF"],
        "maps": [],
    }


def view(parts):
    return ensemble_view(ball(24, radius=9), [ball(8 + 2 * number) for number in range(parts)], spacing=2.0)


@pytest.mark.parametrize(("count", "parts", "moving"), [(11, 1, 0), (100, 3, 1), (500, 12, 2), (500, 0, 1), (30, 0, 0)])
def test_pages_are_readable(count, parts, moving):
    report = job_report(ensemble_report(count, parts, moving=moving, clusters=min(12, 1 + parts)))
    pages = ensemble_pages(report, view(parts + moving))
    for page in pages:
        page.canvas.draw()
        check_texts_fit(page)
        assert tuple(page.get_size_inches()) == pytest.approx((8.27, 11.69))
    assert len(pages) <= 4
    text = text_of(pages)
    assert f"Ensemble of {count} volumes" in text
    assert "a warning of the job" in text
    assert ("moves: density leaves one place" in text) == bool(moving)


def test_heat_map_has_a_row_for_each_part_and_a_column_for_each_volume():
    ensemble = ensemble_report(40, 3)
    ensemble["order"] = ensemble["order"][::-1]
    figure = ensemble_figure(ensemble, view(3))
    maps = [np.asarray(image.get_array()) for image in figure.findobj(BboxImage)]
    (heat,) = (values for values in maps if values.shape == (3, 40))
    expected = [[ensemble["volumes"][index]["occupancies"][row][1] for index in ensemble["order"]] for row in range(3)]
    np.testing.assert_array_equal(heat[::-1], expected)


def test_each_volume_is_a_dot_at_its_occupancies_of_the_two_main_parts():
    ensemble = ensemble_report(40, 3)
    for volume in ensemble["volumes"]:
        volume["occupancies"][1] = [0.4, 0.5, 0.6]  # hardly varies
    assert main_parts(ensemble) == (0, 2)
    figure = ensemble_figure(ensemble, view(3))
    dots = [line for line in figure.findobj(Line2D) if line.get_marker() == "o"]
    places = sorted((float(x), float(y)) for line in dots for x, y in zip(line.get_xdata(), line.get_ydata()))
    assert places == sorted((item["occupancies"][0][1], item["occupancies"][2][1]) for item in ensemble["volumes"])
