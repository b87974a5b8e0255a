"""What a report decides, collection by collection, is what the report of a run decides."""

import json
import sys

import pytest

from benchmarks import deciding
from benchmarks.deciding import row_of
from tutorial_lib.report import evaluate_workspace


def test_a_row_is_what_the_report_says(copied, tiny_folder):
    row, report = row_of("desk", copied.root, str(tiny_folder)), evaluate_workspace(copied).metrics
    assert row["share"] == copied.tuned_share()
    assert row["test"] == pytest.approx({name: scores["nDCG@10"] for name, scores in report["systems"].items()}, abs=1e-6)
    for name, decided in (("tuned", report["ship"]), ("bm25+tuned", report["bm25+tuned"])):
        assert row[name]["decision"] == decided["decision"]
        assert [f"NO: {text}" for text in row[name]["failed"]] == [r for r in decided["reasons"] if r.startswith("NO")]
        gain = report["significance"][f"{name}_vs_untrained"]["nDCG@10"]
        assert row[name]["gain"] == pytest.approx(gain, abs=1e-6)


def test_rows_are_added_and_not_made_twice(copied, tiny_folder, tmp_path, monkeypatch, capsys):
    made = []

    def counted(name, folder, vectors):
        made.append(name)
        return row_of(name, folder, str(tiny_folder), vectors)

    monkeypatch.setattr(deciding, "row_of", counted)
    out = tmp_path / "deciding.json"
    monkeypatch.setattr(sys, "argv", ["deciding", "--workspace", f"desk:0={copied.root}", "--out", str(out)])
    deciding.main()
    deciding.main()
    assert made == ["desk:0"]
    (row,) = json.loads(out.read_text())["rows"]
    assert capsys.readouterr().out.count(row["tuned"]["decision"]) >= 1
