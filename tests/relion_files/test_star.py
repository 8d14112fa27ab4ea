# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and write STAR files; what is written, other programs read back."""

import gzip
import inspect
import linecache
import subprocess
import time
import tracemalloc
from pathlib import Path

import gemmi
import pytest
import starfile

from relion_files.star import StarError, read_star, to_number
from relion_files.star_writer import write_star
from tests.relion.conftest import relion  # noqa: F401

PLAIN = ["plain.mrc", '6"x.mrc', "None", "0001", "1e5", "a@b:c,d;e"]
# A text that RELION's own writer changes, not its reader: it writes these without quotes.
WITHOUT_QUOTES = ["#c", "_u", "data_x", "loop_", "a#b.mrc", "$x", ";y", "[z", "save_f", "日本.mrc"]
WITH_QUOTES = ["a b.mrc", "ü ñ.mrc"]
APOSTROPHES = ["it's.mrc", "3'UTR.mrc", "'lead.mrc", "a'b c'd", "tail'"]
DOUBLE_QUOTES = ['"lead.mrc', "both' \"q", 'x" y']


@pytest.fixture
def star(tmp_path):
    """Write bytes or a text to a STAR file, and return its path."""

    def write(content):
        path = tmp_path / "file.star"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def loop(rows):
    return f"data_a\n\nloop_\n_x #1\n_y #2\n{rows}"


def columns(path):
    return {name: dict(table.columns) for name, table in read_star(path).items()}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("it's.mrc 1\n", ["it's.mrc"]),
        ("3'UTR' 1\n", ["3'UTR'"]),
        ("'it's one' 1\n", ["it's one"]),
        ('"two words" 1\n', ["two words"]),
        ("'lone 1\n\"lone 2\n", ["'lone", '"lone']),
        ('"a"b c" 1\n', ['a"b c']),
        ('"x\a" y" 1\n', ['x" y']),  # RELION's own way to write a quote before a blank
        ("\"\" 1\n'' 2\n", ["", ""]),
        ("a#b 1 # c\n\n# d\n#e\nb 2 #f\n", ["a#b", "b"]),
        ("0001 1\n", ["0001"]),
        ("None 1\n<NA> 2\nnan 3\n", ["None", "<NA>", "nan"]),
        ("  a\t1\r\n\t b   2  \r\n", ["a", "b"]),
        ("data_x 1\n_y 2\nloop_ 3\n", ["data_x", "_y", "loop_"]),
        ("a 1\n\n\nb 2", ["a", "b"]),
        ("9" * 5000 + " 1\n", ["9" * 5000]),
        ("a\xa0b 1\n", ["a\xa0b"]),
        ("a\n", ["a"]),  # RELION leaves out an empty last value of two
        ("", []),
    ],
)
def test_values_are_read_as_they_are_written(star, rows, expected):
    assert columns(star(loop(rows)))["a"]["x"] == expected


def test_number_of_a_column_may_lack_its_mark(star):
    assert columns(star("data_a\nloop_\n_x 1\n_y None\na 1\n"))["a"] == {"x": ["a"], "y": ["1"]}


def test_pairs_are_read(star):
    path = star("data_a\n_x it's # c\n_y\n_z \"\"\n_u 'a b'\n  data_b  # c\n_x 0007\ndata_\n\n")
    assert columns(path) == {"a": {"x": ["it's"], "y": [""], "z": [""], "u": ["a b"]}, "b": {"x": ["0007"]}, "": {}}
    first = read_star(path)["a"]
    assert (first.first("x"), first.first("y"), first.first("w")) == ("it's", None, None)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + loop("ü 1\n").encode(),
        loop("ü 1\n").encode("utf-16"),
        b"\xfe\xff" + loop("ü 1\n").encode("utf-16-be"),
        loop("ü 1\n").replace("\n", "\r\n").encode("utf-16"),
        loop("ü 1\n").replace("\n", "\r").encode(),
    ],
)
def test_encodings_and_line_ends(star, content):
    assert columns(star(content)) == {"a": {"x": ["ü"], "y": ["1"]}}


def test_bytes_of_a_name_are_kept(star):
    (name,) = columns(star(loop("ü.mrc 1\n").encode("latin-1")))["a"]["x"]
    assert name.encode("utf-8", "surrogateescape") == b"\xfc.mrc"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "found an empty file"),
        (gzip.compress(b"data_a\n_x 1\n", mtime=0), "found a file that gzip packed, expected a STAR file; unpack it"),
        (b"loop_\n_x\na\n", "found no line that begins with data_"),
        (loop("a\0b 1\n").encode(), "NUL byte"),
        (loop("a 1\n").encode("utf-16-le"), "NUL byte"),
        (loop("a 1\n").encode("utf-16")[:-1], "UTF-16 that is cut off"),
        (loop("a 1\n" + "x" * 2_000_000).encode(), "a line of 1 MB and more"),
        (loop("a 1 2\n").encode(), "line 6: found 3 values below 2 labels"),
        (loop("a 1\n") + loop("b 2\n"), "two blocks 'data_a' (the second in line 7)"),
        ("data_a\nloop_\n_x\n_x\na b\n", "line 4: 'x' is there twice"),
        ("data_a\n_x 1\n_x 2\n", "line 3: 'x' is there twice"),
        ("data_a\n_x 1 2\n", "line 2: 'x' has 2 values, expected one"),
        ("data_a\nx 1\n", "line 2: found 'x', expected a label"),
        ("data_a\nloop_\n_x\n_y\n_z\na b\n", "line 6: found 2 values below 3 labels"),
    ],
)
def test_other_files_are_refused_in_one_line(star, content, expected):
    path = star(content)
    with pytest.raises(StarError) as caught:
        read_star(path)
    assert str(caught.value).startswith(f"{path}: ") and expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder_are_refused(tmp_path):
    for path, reason in ((tmp_path / "gone.star", "no such file"), (tmp_path, "found a folder")):
        with pytest.raises(StarError, match=reason):
            read_star(str(path))


def test_labels_choose_the_columns_and_the_blocks_that_are_checked(star):
    path = star(loop("a 1\n") + "data_b\nloop_\n_u\n_v\n_w\n1 2\ndata_c\n_x 3\n")
    assert {name: dict(table.columns) for name, table in read_star(path, {"x"}).items()} == {
        "a": {"x": ["a"]},
        "b": {},
        "c": {"x": ["3"]},
    }


def test_labels_are_found_whatever_their_capitals(star):
    path = star("data_a\nloop_\n_rlnclassnumber\n_RLNIMAGENAME\n1 a.mrc\n")
    assert read_star(path, {"rlnClassNumber"})["a"].columns == {"rlnClassNumber": ["1"]}
    with pytest.raises(StarError, match="line 3: 'X' is there twice in one block"):
        read_star(star("data_a\n_x 1\n_X 2\n"), {"x"})


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("1", 1.0), ("-1.5e-3", -0.0015), (".5", 0.5), ("5.", 5.0), ("+2", 2.0)),
        *(
            (text, None)
            for text in ("", "nan", "inf", "1_0", "1,5", "٣", "0x1", "9" * 5000, "1e999", "None", "1 2", "e5")
        ),
    ],
)
def test_numbers(text, number):
    assert to_number(text) == number


def test_lines_full_of_quotes_take_linear_time(star):
    start = time.monotonic()
    for mark in "\"'":
        read_star(star(f"data_a\nloop_\n_x\n# {mark}\n_y\n{(mark + 'x ') * 2} {mark}x{mark}\n"), {"z"})
        with pytest.raises(StarError):
            read_star(star(f"data_a\nloop_\n_x\n_y\n{(mark + 'x ') * 300_000}\n"))
    assert time.monotonic() - start < 10


def test_many_particles_are_read_in_bounded_memory(star):
    row = "   -94.15725   109.562862   122.678359     -0.67363 15000.0 {} 3'UTR_0.mrc {:06d}@parts.mrcs 1.161608\n"
    labels = "".join(f"_rln{number}\n" for number in range(5))
    rows = "".join(row.format(number % 20 + 1, number) for number in range(100_000))
    path = star(f"data_particles\n\nloop_\n{labels}_rlnClassNumber\n_a\n_b\n_c\n{rows}")
    start = time.process_time()
    tracemalloc.start()
    table = read_star(path, {"rlnClassNumber"})["particles"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(table.columns["rlnClassNumber"]) == 100_000 and peak < 3e6
    assert time.process_time() - start < 10


# --------------------------- other programs ---------------------------


def test_starfile_reads_the_same_from_real_files(shared_data):
    """starfile, which is slower to load, reads what RELION itself writes as this module does."""
    paths = [
        path
        for folder in ("relion", "relion_projects", "relion_runs")
        for path in (shared_data / folder).rglob("*.star")
    ]
    assert len(paths) > 30
    compared = 0
    for path in paths:
        ours = read_star(str(path))
        linecache.clearcache()
        try:
            theirs = starfile.read(path, always_dict=True)
        except Exception:  # quotes in the settings of a job
            assert "job" in path.name
            continue
        assert list(ours) == list(theirs)
        for name, block in theirs.items():
            for label, values in ours[name].columns.items():
                expected = [block[label]] if isinstance(block, dict) else list(block[label])
                if all(isinstance(value, str) for value in expected):
                    assert values == expected
                else:
                    assert [float(value) for value in values] == pytest.approx(expected, rel=1e-12, nan_ok=True)
                compared += 1
    assert compared > 1000


def written(tmp_path, texts):
    path = tmp_path / "written.star"
    rows = [(text, f"{number}@x.mrcs", 1.5e-10, 1) for number, text in enumerate(texts, start=1)]
    labels = ("rlnMicrographName", "rlnImageName", "rlnAnglePsi", "rlnOpticsGroup")
    optics = ("rlnOpticsGroupName", "rlnOpticsGroup", "rlnImagePixelSize", "rlnVoltage", "rlnSphericalAberration")
    tables = {"optics": (optics, [("o", 1, 1.0, 300.0, 2.7)]), "particles": (labels, rows)}
    write_star(path, {**tables, "one": (labels[:1], [row[:1] for row in rows])}, comment="ü 'x\n y")
    return path


ALL = [*PLAIN, *WITHOUT_QUOTES, *WITH_QUOTES, "", *APOSTROPHES, *DOUBLE_QUOTES, "<NA>", "tab\there", "a  b", "\xa0"]


def test_what_is_written_is_read_back(tmp_path):
    found = read_star(str(written(tmp_path, ALL)))
    assert found["particles"].columns["rlnMicrographName"] == found["one"].columns["rlnMicrographName"] == ALL
    assert found["particles"].numbers("rlnAnglePsi") == [1.5e-10] * len(ALL)


def test_gemmi_reads_what_is_written(tmp_path):
    document = gemmi.cif.read_file(str(written(tmp_path, ALL)))
    for block in ("particles", "one"):
        assert [
            gemmi.cif.as_string(text) for text in document.find_block(block).find_values("_rlnMicrographName")
        ] == ALL


def test_starfile_reads_what_is_written_but_for_quotes(tmp_path):
    texts = [*PLAIN, *WITHOUT_QUOTES, *WITH_QUOTES, ""]
    linecache.clearcache()
    # Versions for Python 3.8 have no parse_as_string; they read a column of texts as texts too.
    can_choose = "parse_as_string" in inspect.signature(starfile.read).parameters
    how = {"parse_as_string": ["rlnMicrographName"]} if can_choose else {}
    found = starfile.read(written(tmp_path, texts), always_dict=True, **how)["particles"]
    assert list(found["rlnMicrographName"]) == texts and list(found["rlnAnglePsi"]) == [1.5e-10] * len(texts)


def test_relion_reads_what_is_written(tmp_path, relion):  # noqa: F811
    texts = [text for text in ALL if "\t" not in text and "  " not in text]  # RELION makes one blank of several
    path = written(tmp_path, texts)
    words = ["--i", path.name, "--o", "read.star", "--select", "rlnAnglePsi", "--minval", "0"]
    subprocess.run(["relion_star_handler", *words], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    lines = [line for line in Path(tmp_path / "read.star").read_text().splitlines() if "@x.mrcs" in line]
    assert len(lines) == len(texts)
    for number, (line, text) in enumerate(zip(lines, texts), start=1):
        name, rest = line.split(f" {number}@x.mrcs ")
        quoted = text.replace('"', '\a"')  # as RELION writes a quote inside a text
        assert name.strip(" ") in (text, f'"{text}"', f'"{quoted}"'), line


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\0b", "both' and\" "])
def test_text_that_no_star_file_can_hold_is_an_error(tmp_path, text):
    with pytest.raises(StarError, match="rlnMicrographName is .* rename the file"):
        written(tmp_path, [text])


def test_missing_values_and_numbers_keep_their_digits(tmp_path):
    path = tmp_path / "numbers.star"
    write_star(path, {"a": (("x", "y", "z"), [(None, float("nan"), 0.1 + 0.2)])})
    assert columns(str(path)) == {"a": {"x": ["<NA>"], "y": ["<NA>"], "z": ["0.30000000000000004"]}}
