# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports in a run's folder that no run wrote."""

import json

from occupy_core.settings.output_names import is_output_name
from occupy_scipion import report, texts
from tests.fuzzing.odd_reports import odd_reports, write_report


def test_a_report_with_values_that_no_run_writes_gives_lines_and_no_names_of_other_files(tmp_path):
    path = write_report(tmp_path)
    makers = (texts.summary_lines, texts.failed_lines, lambda results: [texts.methods_text(results)])
    refused = 0
    for name, changed in odd_reports(json.loads(path.read_text()), seed=3, count=400):
        path.write_text(json.dumps(changed))
        results = report.read_report(str(path.parent))
        assert results is None or all(map(is_output_name, report.output_files(results))), name
        for make in makers:
            lines = report.lines_of(str(path.parent), make)
            assert all(isinstance(line, str) for line in lines), name
            refused += any("is no report that this version can show" in line for line in lines)
    assert refused


def test_a_damaged_report_is_named_in_the_summary(tmp_path):
    (tmp_path / "report.json").write_text('{"maps": "x", "program": "occupy"}')
    assert report.lines_of(str(tmp_path / "none"), texts.summary_lines) is None
    assert "expected that of a run; run it again" in report.lines_of(str(tmp_path), texts.summary_lines)[0]
