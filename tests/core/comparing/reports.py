# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of comparisons that tests of texts, tables and figures show."""

DOUBT = "small or faint beside the noise of class 1 and class 2: 4.1 times the noise, where 6.2 is sure"


def region_report(number, occupancies, *, of_all=None, doubt=None, **values):
    """Return the report of a region with these occupancies in "class 1", "class 2", ... and intervals of +- 0.05."""
    difference = max(occupancies) - min(occupancies)
    return {
        "number": number,
        "sure": doubt is None,
        "doubt": doubt,
        "mask": f"region{number:03d}_mask.mrc" if doubt is None else None,
        "volume_cubic_angstrom": 54250.2,
        "centre_xyz_angstrom": [10.0, 20.0, 30.0],
        "difference": difference,
        "difference_low": difference - 0.05,
        "difference_high": difference + 0.05,
        "sigmas": 4.1 if doubt else 12.5,
        "flexible": False,
        "moved_with": None,
        "occupancy_of_all_particles": of_all,
        "occupancy_of_all_particles_low": None if of_all is None else of_all - 0.05,
        "occupancy_of_all_particles_high": None if of_all is None else of_all + 0.05,
        "occupancies": [
            {"name": f"class {index}", "low": value - 0.05, "occupancy": value, "high": value + 0.05, "median": value}
            for index, value in enumerate(occupancies, start=1)
        ],
        **values,
    }


def comparison_report(regions, *, classes=2, shares=None):
    """Return the report of a comparison of "class 1", "class 2", ... with these regions."""
    return {
        "lowpass_angstrom": 12.0,
        "reference": "2.mrc",
        "one_means": "1 is the density of class 2",
        "maps": [
            {
                "name": f"class {number}",
                "input": f"{number}.mrc",
                "number": number,
                "share": None if shares is None else shares[number - 1],
                "particles": None,
            }
            for number in range(1, classes + 1)
        ],
        "regions": list(regions),
        "outputs": ["occupancy_spread.mrc", *(region["mask"] for region in regions if region["mask"])],
        "warnings": [],
    }
