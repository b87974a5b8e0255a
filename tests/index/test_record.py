import json

import pytest

from tutorial_lib.index.record import sealed, unsealed

RECORD = {"fingerprint": "f-1", "articles": 6, "calibration": {"slope": 10.5}, "complete": False}


def test_a_record_comes_back_as_it_was():
    assert unsealed(sealed(RECORD)) == RECORD
    assert unsealed("{}") == {}


def test_a_record_without_a_sum_is_one_of_an_older_version():
    assert unsealed(json.dumps(RECORD)) == RECORD


@pytest.mark.parametrize(("old", "new"), [("f-1", "f-3"), ("10.5", "12.5"), (": 6", ": 7"), ('"slope"', '"slopd"')])
def test_one_other_letter_is_noticed(old, new):
    text = sealed(RECORD)
    assert text.count(old) == 1
    with pytest.raises(ValueError, match=r"its check sum is \w{16}, and what stands there has \w{16}"):
        unsealed(text.replace(old, new))


def test_what_is_noted_later_may_be_noted_by_an_older_version_which_leaves_the_sum():
    assert unsealed(sealed(RECORD).replace("false", "true")) == {**RECORD, "complete": True}
    assert unsealed(json.dumps({**json.loads(sealed(RECORD)), "served": True})) == {**RECORD, "served": True}


@pytest.mark.parametrize(("text", "what"), [("[1]", "JSON list"), ('{"a": ', "Expecting value")])
def test_what_is_no_record_is_told(text, what):
    with pytest.raises(ValueError, match=what):
        unsealed(text)
