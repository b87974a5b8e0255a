"""A run of the tiny BERT, prepared and not yet trained."""

import pytest

from tests.training.runs import prepare_run


@pytest.fixture
def prepare(tiny_folder, tmp_path, float32):
    """Return a function that prepares a run in a folder of its own, or in the one named."""

    def prepare(name=None, **options):
        return prepare_run(tiny_folder, tmp_path / (name or f"run{len(list(tmp_path.iterdir()))}"), **options)

    return prepare
