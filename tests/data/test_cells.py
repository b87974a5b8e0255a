import pytest

from tutorial_lib.data.cells import Repeated, cell_text, flag, merged, what_it_holds


def test_cells_become_text():
    assert [cell_text(v) for v in (None, float("nan"), "  a ", 7, 7.0, 7.5, True)] == ["", "", "a", "7", "7", "7.5", "True"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["Y", "yes", "TRUE", "t", 1, 1.0, "1.0", True, "ja", "Oui", "sí"], True),
        (["N", "no", "FALSE", "f", 0, 0.0, False, "nein", "non", "", None, "null", float("nan"), "N/A"], False),
        (["maybe", "T-1001", "2", "-1", "yes please"], None),
    ],
)
def test_flags_are_words_of_closed_lists(values, said):
    assert {flag(v) for v in values} == {said}


def test_cells_of_one_name_become_a_list_without_empty_ones():
    assert merged(merged("a", ""), "b") == Repeated(["a", "b"])
    assert merged("", None) == []


def test_what_is_no_single_value_is_named():
    assert what_it_holds([{"id": 1, "body": "x"}]) == "a list of objects (id, body)"
    assert what_it_holds(["a", "b"]) == "a list of 2"
    assert what_it_holds({"html": "x"}) == "an object (html)"
    assert what_it_holds("x") == what_it_holds(None) == what_it_holds(3) == ""
