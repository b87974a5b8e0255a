"""The names that users import from the folder."""

import types

import pytest

import tutorial_lib.training as training


def test_every_name_of_the_face_is_there_and_none_is_hidden_by_a_module():
    assert len(training.__all__) <= 12
    for name in training.__all__:
        assert not isinstance(getattr(training, name), types.ModuleType)
    assert set(training.__all__) <= set(dir(training))
    with pytest.raises(AttributeError, match=r"module 'tutorial_lib.training' has no attribute 'no_such_name'"):
        _ = training.no_such_name
