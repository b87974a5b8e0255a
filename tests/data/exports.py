"""What the tests of exported files share."""

import pytest

from tutorial_lib.data.dataset import DataError


def written(folder, name, content):
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def refused(call, *messages):
    with pytest.raises(DataError) as error:
        call()
    for message in messages:
        assert message in str(error.value)
