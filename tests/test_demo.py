# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the lines that the demo prints."""

import json

from demo import run
from tests.core.reporting.model_reports import model_report


def test_the_demo_names_the_files_of_the_model_and_their_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "OUTPUT", tmp_path)
    folder = tmp_path / "job002"
    folder.mkdir()
    regions = [{"number": 1, "sure": True, "parts": ["B"]}]
    report = {"version": "1", "model": model_report({"A": [1.0, 1.0], "B": [0.9, 0.4]})}
    (folder / "report.json").write_text(json.dumps({**report, "comparison": {"regions": regions}}))
    run._print_model(run.Folders(scale=tmp_path, comparison=folder, class_maps=tmp_path))
    printed = capsys.readouterr().out
    files = "model_occupancy.star, model_occupancy.cif, model_occupancy.defattr"
    assert f"  files of the model: {files}\n  in {folder}\n" in printed
    assert "region 1 lies on B" in printed and (tmp_path / "model.png").exists()
