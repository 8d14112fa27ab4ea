# SPDX-License-Identifier: GPL-3.0-or-later
from occupy_core.reporting.pdf.text import shortened, text_width, wrapped


def test_wrapped_and_shortened_text_is_not_wider_than_asked():
    text = "a few words and " + "x" * 300 + " \udcff\x07 end"
    lines = wrapped(text, 2.0, 7.0)
    assert all(text_width(line, 7.0) <= 2.0 for line in lines)
    assert "".join(lines).count("x") == 300 and lines[0] == "a few words and"
    short = shortened("/long/" * 50 + "name.mrc", 2.0, 7.0)
    assert text_width(short, 7.0) <= 2.0 and short.startswith("/lo") and short.endswith("name.mrc") and "…" in short
    assert shortened("short", 2.0, 7.0) == "short"
