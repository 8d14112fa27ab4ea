# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of report.json on a fitted model, made up."""


def occupancy(name, value):
    if value is None:
        return {"name": name, "low": None, "occupancy": None, "high": None, "noise": None}
    return {"name": name, "low": max(value - 0.1, 0), "occupancy": value, "high": min(value + 0.1, 1), "noise": 0.02}


def model_report(parts, *, windows=2, warnings=(), differences=(), stretches=()):
    """Return the report of parts, by name, each with an occupancy (or None) for each map."""
    count = len(next(iter(parts.values())))
    names = [f"class {number}" for number in range(1, count + 1)] if count > 1 else ["map.mrc"]

    def occupancies(values):
        return [occupancy(name, value) for name, value in zip(names, values)]

    def with_scale(values):
        """The local scale is half the occupancy, so that no test takes one for the other."""
        return [{**item, "local_scale": value and value / 2} for item, value in zip(occupancies(values), values)]

    return {
        "model": "fitted.cif",
        "parts_are": "chain",
        "finest_angstrom": 6.0,
        "frame": "a corner of the box at 0",
        "first_voxel_xyz_angstrom": [0.0, 0.0, 0.0],
        "move_for_viewers_xyz_angstrom": None,
        "frame_warning": None,
        "whole": ["A"],
        "one_means": "1 is the density of the best occupied parts (A)",
        "maps": [{"name": name, "input": f"{name}.mrc", "number": None, "correlation": 0.87} for name in names],
        "parts": [
            {
                "name": name,
                "residues": f"{name} 1-100",
                "atoms": 800,
                "mass_kilodalton": 11.0,
                "mask": None,
                "occupancies": with_scale(values),
                "occupancy_of_all_particles": None,
            }
            for name, values in parts.items()
        ],
        "windows": [
            {"chain": name, "first": 50 * number + 1, "last": 50 * number + 50, "occupancies": occupancies(values)}
            for name, values in parts.items()
            for number in range(windows)
        ],
        "least_occupied_stretches": list(stretches),
        "differences": list(differences),
        "outputs": ["model_occupancy.cif", "model_occupancy.defattr"],
        "warnings": list(warnings),
    }


def stretch(name, value, chain="B", first=11, last=60):
    """Return the report of a stretch of a chain."""
    interval = {"low": value - 0.1, "occupancy": value, "high": value + 0.1}
    return {"name": name, **interval, "chain": chain, "first": first, "last": last, "residues": last - first + 1}
