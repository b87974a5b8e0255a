"""``python -m tutorial_lib verdict``: a line for each pair of versions, and what it refuses."""

import json

import pytest

from tutorial_lib.cli import main

pytestmark = pytest.mark.usefixtures("at_home")


@pytest.fixture
def run(tmp_path):
    """A folder with the events of 40 searches, in 30 of which the candidate's document was clicked."""
    (tmp_path / "events").mkdir()
    attributes = {"version": 1, "teams": {"a": "1", "b": "2"}}
    with (tmp_path / "events" / "queries-2026-01-01.jsonl").open("w") as file:
        for n in range(40):
            file.write(json.dumps({"query_id": f"q{n}", "user_query": "refund", "query_attributes": attributes}) + "\n")
            clicked = {"object": {"object_id": "b" if n < 30 else "a"}}
            file.write(json.dumps({"query_id": f"q{n}", "action_name": "click", "event_attributes": clicked}) + "\n")
    return tmp_path


def test_who_is_preferred(run, capsys):
    assert main(["verdict", str(run)]) == 0
    assert capsys.readouterr().out.endswith("neither is preferred so far\n")
    assert main(["verdict", str(run), "--planned", "40"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("40 searches: 30 won by version 2, 10 by version 1; +50.0% of searches")
    assert out.endswith("version 2 is preferred\n")
    assert main(["verdict", str(run), "--events", str(run / "events"), "--planned", "50"]) == 0
    assert "too early to say: 50 searches were planned" in capsys.readouterr().out


def test_what_is_refused(run, fails):
    assert "there is no event log in" in fails("verdict", run / "elsewhere")
    assert "--planned is 0: pass a number of searches" in fails("verdict", run, "--planned", 0)
