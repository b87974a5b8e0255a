"""A record that grows: what is there stays, and is not asked for again."""

import json

from benchmarks.rows import Rows


def test_a_second_call_goes_on_where_the_first_one_stopped(tmp_path):
    folders = ["desk=here", "code=there=too"]
    first = Rows(tmp_path / "made.json", "python -m benchmarks.something")
    name, folder = next(first.missing(folders))
    first.add({"dataset": name, "seed": 0, "folder": str(folder)}, mean=0.5)
    second = Rows(tmp_path / "made.json", "python -m benchmarks.something")
    assert [(name, str(folder)) for name, folder in second.missing(folders)] == [("code", "there=too")]
    assert {"dataset": "desk", "seed": 0} in second
    assert {"dataset": "desk", "seed": 1} not in second
    second.add({"dataset": "code"}, {"dataset": "more"}, mean=0.25)
    record = json.loads((tmp_path / "made.json").read_text())
    assert list(record) == ["command", "machine", "mean", "rows"]
    assert record["command"] == "python -m benchmarks.something"
    assert record["mean"] == 0.25
    assert [row["dataset"] for row in record["rows"]] == ["desk", "code", "more"]
