"""Faces whose names are imported on first use."""

import sys

import pytest

from tutorial_lib.lazy import lazy_face


def test_a_module_is_imported_when_its_name_is_asked_for(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    get, names = lazy_face("face", {"colorsys": ["rgb_to_hsv"]}, here=["WHITE"])
    assert names() == ["WHITE", "rgb_to_hsv"]
    assert "colorsys" not in sys.modules
    assert get("rgb_to_hsv")(0, 0, 0) == (0.0, 0.0, 0)
    assert "colorsys" in sys.modules


def test_a_name_that_is_not_there():
    get, _ = lazy_face("face", {"colorsys": ["rgb_to_hsv"]})
    with pytest.raises(AttributeError, match="module 'face' has no attribute 'rgb'"):
        get("rgb")
