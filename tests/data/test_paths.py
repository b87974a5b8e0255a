import os

import pytest

from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.paths import is_there, resolved


def test_a_plain_file_is_there_or_not(tmp_path):
    (tmp_path / "a").write_text("x")
    (tmp_path / "link").symlink_to("a")
    assert [is_there(tmp_path / name) for name in ("a", "link", "none")] == [True, True, False]


def test_what_is_no_plain_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to("none")
    (tmp_path / "circle").symlink_to("circle")
    for name, kind in (
        ("pipe", "a pipe"),
        ("dangling", "a link that leads nowhere"),
        ("circle", "a link"),
        (".", "a folder"),
    ):
        with pytest.raises(DataError, match=f"is {kind}"):
            is_there(tmp_path / name)


def test_paths_that_cannot_be(tmp_path):
    (tmp_path / "circle").symlink_to("circle")
    for path in ("a\0b", tmp_path / "circle" / "x"):
        with pytest.raises(DataError, match="is no path that can be read"):
            resolved(path)
