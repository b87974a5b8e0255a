"""Settings, and the face of the folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from tutorial_lib import models
from tutorial_lib.models.settings import EncoderSettings, ModelError, TextEncoder, check_pooling

WITHOUT_TORCH = """
import sys, types
package = types.ModuleType("tutorial_lib")
package.__path__ = [sys.argv[1]]
sys.modules["tutorial_lib"] = package
from tutorial_lib.models import EncoderSettings, ModelError, TextEncoder
assert "torch" not in sys.modules
"""


def test_a_pooling_that_nobody_knows_is_refused():
    check_pooling(EncoderSettings("cls"), "m")
    with pytest.raises(ModelError, match="m: pooling 'max' is not supported: mean, cls, lasttoken are"):
        check_pooling(EncoderSettings("max"), "m")


def test_an_encoder_is_a_text_encoder(tiny):
    def sizes(encoder: TextEncoder):
        return encoder.dimension, encoder.encode_queries(["refund"]).shape, encoder.encode_documents(["refund"]).shape

    assert sizes(tiny) == (32, (1, 32), (1, 32))
    assert tiny.name and tiny.fingerprint


def test_every_name_of_the_face_is_there():
    assert all(getattr(models, name) is not None for name in models.__all__)
    assert set(models.__all__) <= set(dir(models))
    with pytest.raises(AttributeError, match=r"tutorial_lib\.models.*Encodre"):
        models.Encodre  # noqa: B018


def test_the_face_loads_no_torch():
    folder = Path(models.__file__).parents[1]
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH, str(folder)], check=True)
