"""The service by its real command, on the tiny run: switched, rolled back and killed under two clients."""

import pytest

from benchmarks.serving_faults import measured


@pytest.mark.usefixtures("at_home")
def test_no_search_fails_but_those_that_a_kill_cuts_off_and_none_is_answered_by_another_version(finished):
    record = measured(finished.root, clients=[2], seconds=0.5)
    assert [row["phase"] for row in record["rows"]] == ["steady", "switch", "rollback", "kill -9"]
    *calm, killed = record["rows"]
    for row in record["rows"]:
        assert row["answers"] > 0 and row["mixed"] == 0
    assert [(row["failed"], row["refused"]) for row in calm] == [(0, 0)] * 3
    assert killed["failed"] <= 2
    assert killed["out_of_service_s"] > 0
    assert killed["events"]["given"] == killed["events"]["recorded"] + killed["events"]["lost"]
    assert record["after_the_end"]["lost"] == 0
