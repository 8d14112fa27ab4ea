# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings of parts that hold chains of different occupancies."""

import pytest

from occupy_core.modelling.atoms.atomic_model import read_model
from occupy_core.modelling.atoms.groups import groups_of, windows_of
from occupy_core.modelling.model_occupancy import measure_model
from occupy_core.modelling.stretches import low_stretches

WHOLE = dict.fromkeys("ABCDEFG", 1.0)
NAMES = ("class 1", "class 2")


@pytest.fixture
def warnings_of(simulate_bundles, tmp_path):
    """A function that returns the warnings of uneven parts for maps of these occupancies, with these lines of parts."""

    def measure(occupancies, lines):
        maps = [simulate_bundles({**WHOLE, **values}, seed=seed) for seed, values in enumerate(occupancies, start=11)]
        parts = tmp_path / "parts.txt"
        parts.write_text("\n".join(lines) + "\n")
        model = read_model(maps[0].model)
        readers = [lambda item=item: item.map for item in maps]
        groups = groups_of(model, str(parts))
        names = NAMES[: len(maps)]
        found = measure_model(readers, model, groups, windows_of(model, 15), names=names)
        measure.found = found
        return [text for text in found.warnings if "is one part" in text]

    return measure


@pytest.mark.slow
def test_the_interval_of_a_part_holds_all_its_chains_where_they_differ(warnings_of):
    maps = [{"F": 0.5}, {"B": 0.0, "C": 0.0, "F": 0.5}]
    warnings_of(maps, ["tail: //F"])
    found = warnings_of.found
    index = [group.name for group in found.groups].index("other")
    assert found.uneven == {(1, index)}
    even, uneven = (of_map[index] for of_map in found.occupancies)
    assert uneven.low < 0.12 and uneven.high == 1.0 and even.high - even.low < 0.3
    chains = {stretch.chain for stretch in low_stretches(found) if stretch.map == 1}
    assert chains.isdisjoint("ABCDEG")  # the whole chains of the part draw up the windows of B and C
    warnings_of(maps, ["tail: //F", "head: //B,C"])
    assert warnings_of.found.uneven == frozenset()
    assert {stretch.chain for stretch in low_stretches(warnings_of.found) if stretch.map == 1} >= {"B", "C", "F"}


@pytest.mark.slow
def test_a_part_of_whole_and_missing_chains_is_named_with_the_map(warnings_of):
    maps = [{"F": 0.5}, {"B": 0.0, "C": 0.0, "F": 0.5}]
    (text,) = warnings_of(maps, ["tail: //F"])
    assert text.startswith("other is one part, but its chains differ in class 2 (B, C less occupied than A, D, E, G).")
    assert warnings_of(maps, ["tail: //F", "head: //B,C"]) == []


@pytest.mark.slow
@pytest.mark.parametrize("values", [{"B": 0.5, "C": 0.5}, {"A": 0.4, "D": 0.4, "E": 0.4}])
def test_a_part_of_whole_and_half_occupied_chains_is_named(warnings_of, values):
    (text,) = warnings_of([values], ["tail: //F"])
    assert f"({', '.join(values)} less occupied than" in text


@pytest.mark.slow
@pytest.mark.parametrize("values", [{}, {"F": 0.0}, {"B": 0.9}, {"F": 0.5, "G": 0.5}])
def test_parts_of_equal_chains_give_no_warning(warnings_of, values):
    assert warnings_of([values, values], ["tail: //F,G"] if "G" in values else ["tail: //F"]) == []
