# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles of some classes, copied from a data STAR file line by line."""

import tracemalloc
from pathlib import Path

import pytest
import starfile

from relion_files.particle_subsets import CLASS, Subset, block_of_particles, write_subsets
from relion_files.star import StarError, read_star

TEXT = """
# version 50001 ; a comment

data_optics

loop_
_rlnOpticsGroupName #1
_rlnOpticsGroup #2
"first group" 1
second 2

data_general

_rlnTomoSubTomosAre2DStacks   1

data_particles

loop_
_rlnImageName #1
_rlnClassNumber #2
_rlnTomoName #3
_rlnSmall #4
000001@a.mrcs  2 TS_01 1.0e-10
"000002@with blank.mrcs"  1 'TS 02' 0.10
# a comment between rows
000003@a.mrcs  002 TS_01 -1.00000

data_tomograms

loop_
_rlnTomoName #1
_rlnClassNumber #2
TS_01 2
TS_02 1
"""


def subset(folder, name, *classes):
    return Subset(Path(folder, name), frozenset(classes), f"made by\na test: {name}")


def written(path, text, *subsets, block="particles"):
    Path(path).write_bytes(text if isinstance(text, bytes) else text.encode())
    counts = write_subsets(str(path), block, subsets)
    return counts, [item.path.read_bytes().decode() for item in subsets]


def test_the_label_is_found_whatever_its_capitals(tmp_path):
    text = TEXT.replace("_rlnClassNumber #2\n_rlnTomoName", "_rlnclassNUMBER #2\n_rlnTomoName")
    counts, (content,) = written(tmp_path / "data.star", text, subset(tmp_path, "two.star", 2))
    assert counts == [2] and "_rlnclassNUMBER #2" in content and "000002@" not in content


def test_all_but_the_rows_of_other_classes_is_kept_as_it_is(tmp_path):
    both = [subset(tmp_path, "one.star", 1), subset(tmp_path, "two.star", 2), subset(tmp_path, "all.star", 1, 2)]
    counts, texts = written(tmp_path / "data.star", TEXT, *both)
    assert counts == [1, 2, 3]
    lines = TEXT.splitlines()
    rows = {1: ['"000002@with blank.mrcs"'], 2: ["000001@a.mrcs", "000003@a.mrcs"]}
    for number, text in zip((1, 2), texts):
        others = tuple(rows[3 - number])
        assert text.splitlines()[1:] == [line for line in lines if not line.startswith(others)]
    assert texts[2] == f"# made by a test: all.star\n{TEXT}"
    assert list(starfile.read(both[1].path, always_dict=True)) == ["optics", "general", "particles", "tomograms"]


def test_order_of_columns_and_names_of_blocks_do_not_matter(tmp_path):
    text = "data_\nloop_\n_rlnClassNumber #1\n_rlnImageName #2\n1 x\n2 y\n2 _z\n"
    path = tmp_path / "data.star"
    path.write_text(text)
    block = block_of_particles(read_star(str(path), {CLASS}))
    assert block == ""
    counts, (kept,) = written(path, text, subset(tmp_path, "two.star", 2), block=block)
    assert counts == [2] and kept.splitlines()[-2:] == ["2 y", "2 _z"] and "1 x" not in kept
    assert block_of_particles(read_star(str(tmp_path / "two.star"), {"rlnImageName"})) is None


def test_line_ends_of_other_systems_and_a_last_line_without_one(tmp_path):
    head = "data_particles\r\nloop_\r\n_rlnClassNumber #1\r\n_rlnImageName #2\r\n"
    counts, texts = written(tmp_path / "data.star", f"{head}1 a\r\n2 b", subset(tmp_path, "two.star", 2))
    assert counts == [1] and texts[0].endswith(f"{head}2 b\n")
    utf16 = f"{head}1 ä\r\n2 b\r\n".encode("utf-16")
    counts, texts = written(tmp_path / "data.star", utf16, subset(tmp_path, "one.star", 1))
    assert counts == [1] and texts[0].splitlines()[-1] == "1 ä"


def test_more_files_than_are_open_at_once(tmp_path):
    counts, texts = written(tmp_path / "data.star", TEXT, *(subset(tmp_path, f"{n}.star", n % 3) for n in range(40)))
    assert counts == [n % 3 for n in range(40)]
    assert len({text.split("\n", 1)[1] for text in texts}) == 3


@pytest.mark.parametrize(
    "text, message",
    [
        (TEXT.replace(" 1 'TS 02'", " one 'TS 02'"), "rlnClassNumber is 'one', expected a whole number"),
        (TEXT.replace(" 1 'TS 02'", " 1.5 'TS 02'"), "rlnClassNumber is '1.5', expected a whole number"),
        (TEXT.replace(" 0.10", ""), "line 24 is no row of 4 values with a rlnClassNumber"),
        ("data_particles\n_rlnClassNumber 1\n", None),
        ("data_particles\nloop_\n_rlnImageName #1\na.mrcs\n", "line 4 is no row of 1 values with a rlnClassNumber"),
    ],
)
def test_wrong_rows_are_refused(tmp_path, text, message):
    if message is None:  # a block without a loop has no rows: the caller compares the counts
        assert written(tmp_path / "data.star", text, subset(tmp_path, "one.star", 1))[0] == [0]
        return
    with pytest.raises(StarError, match=rf"data.star: .*{message}"):
        written(tmp_path / "data.star", text, subset(tmp_path, "one.star", 1))


def test_memory_does_not_depend_on_the_number_of_particles(tmp_path):
    path, head = tmp_path / "data.star", "data_particles\nloop_\n_rlnImageName\n_rlnClassNumber\n"
    peaks = []
    for rows in (100, 100_000):
        names = (f"{row:06d}@Extract/job012/Movies/micrograph_{row // 100:05d}.mrcs" for row in range(rows))
        path.write_text(head + "".join(f"{name} {1 + row % 2}\n" for row, name in enumerate(names)))
        tracemalloc.start()
        counts = write_subsets(str(path), "particles", [subset(tmp_path, f"{n}.star", n) for n in (1, 2)])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert counts == [rows // 2] * 2
    assert peaks[1] - peaks[0] < 1e5  # bytes; the larger file has 6 MB
