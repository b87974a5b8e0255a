"""What counts as a whole number, a text and a name."""

import pytest
from pydantic import TypeAdapter, ValidationError

from tutorial_lib.serving.fields import Body, Count, Name, Text, UpTo100, Whole


def test_a_whole_number_is_what_json_calls_one():
    assert [TypeAdapter(Whole).validate_python(value) for value in (3, 3.0, -1)] == [3, 3, -1]
    for value in ("3", True, 3.5, None, float("nan")):
        with pytest.raises(ValidationError):
            TypeAdapter(Whole).validate_python(value)
    with pytest.raises(ValidationError):
        TypeAdapter(Count).validate_python(0)


@pytest.mark.parametrize("value", ["", "a b", "../a", "a" * 65, "<b>", "ä", "a\n", 3])
def test_what_is_no_name(value):
    with pytest.raises(ValidationError):
        TypeAdapter(Name).validate_python(value)


def test_a_name_and_a_text():
    assert TypeAdapter(Name).validate_python("q-1_a.B") == "q-1_a.B"
    assert TypeAdapter(Text).validate_python(" ") == " "
    with pytest.raises(ValidationError):
        TypeAdapter(Text).validate_python("")


def test_bounds_are_in_the_schema_and_are_held():
    assert TypeAdapter(Count).json_schema() == {"type": "integer", "minimum": 1}
    assert TypeAdapter(UpTo100).json_schema() == {"type": "integer", "minimum": 1, "maximum": 100}
    with pytest.raises(ValidationError):
        TypeAdapter(UpTo100).validate_python(101)


class Asked(Body):
    query: Text


def test_of_many_unknown_fields_the_first_is_named():
    with pytest.raises(ValidationError, match="there is no field 'a0' here") as refused:
        Asked.model_validate({f"a{n}": n for n in range(100_000)})
    assert len(refused.value.errors()) == 1
