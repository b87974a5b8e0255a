from dataclasses import replace

import pytest

from tutorial_lib.index import Verification
from tutorial_lib.index.store import Noted
from tutorial_lib.index.version import version_of

RECORD = {"format": 2, "fingerprint": "f", "encoder": "e", "articles": 3, "built": "today", "complete": True}


def test_a_version_is_read_from_what_is_noted():
    version = version_of(Noted("help_v12", {**RECORD, "search_params": {"ef": 9}}), "help", "help_v11")
    assert (version.number, version.documents, version.live, version.served) == (12, 3, False, False)
    assert (version.search_params, version.calibration, version.corpus) == ({"ef": 9}, None, None)


def test_what_is_live_is_served_whatever_is_noted():
    """A kill may fall between the switch and the note."""
    version = version_of(Noted("help_v12", {**RECORD, "content": "1f", "exact_scores": True}), "help", "help_v12")
    assert (version.live, version.served, version.name, version.content, version.exact_scores) == (
        True,
        True,
        "help",
        "1f",
        True,
    )


@pytest.mark.parametrize(
    "noted", [Noted("help_v1", {}), Noted("help_v1", {**RECORD, "complete": False}), Noted("other", RECORD)]
)
def test_what_is_unfinished_or_of_another_name_is_no_version(noted):
    assert version_of(noted, "help", None) is None


def test_the_first_format_said_less():
    version = version_of(
        Noted("help_v1", {k: RECORD[k] for k in ("fingerprint", "encoder", "articles", "complete")}), "help", None
    )
    assert (version.format, version.served, version.built, version.live) == (1, True, "", False)


def test_what_a_version_needs_to_go_live():
    good = Verification(1, recall=0.99, rows=5, expected_rows=5, queries=3, min_recall=0.99)
    assert good.passed
    for fault in ({"recall": 0.98}, {"rows": 4}, {"missed": ("refund",)}):
        assert not replace(good, **fault).passed


def test_a_version_that_does_not_say_whose_queries_it_knows_was_built_before_they_could_differ():
    assert version_of(Noted("help_v1", RECORD), "help", None).queries == "f"
    assert version_of(Noted("help_v1", {**RECORD, "queries": "q"}), "help", None).queries == "q"
