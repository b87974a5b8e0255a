"""Encoders other than BERT: loaded, and read as they are published."""

import numpy as np
import torch

from tests.architectures import every_architecture, write_model, write_modules
from tutorial_lib.models.batching import pooled
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import EncoderSettings

TEXTS = ["cancel the invoice", "how to reset a password", "repair"]


@every_architecture
def test_a_text_as_long_as_the_window_is_read_and_a_longer_one_is_cut(architecture, float32, tmp_path):
    encoder = Encoder.load(write_model(tmp_path, architecture))
    # RoBERTa and MPNet have 66 positions, of which padding takes the first two.
    assert encoder.settings == EncoderSettings("mean", 64, "", "")
    long = "reset " * 100
    assert len(encoder.tokenize([long])[0]) == 64
    assert np.allclose(encoder.encode([long, "refund"])[0], encoder.encode([long[: 6 * 62]])[0], atol=1e-5)


@every_architecture
def test_padding_changes_no_vector(architecture, float32, tmp_path):
    encoder = Encoder.load(write_model(tmp_path, architecture))
    alone = encoder.encode(["repair"])
    assert np.allclose(encoder.encode(["repair", "please open the printer page then click repair " * 4])[0], alone, atol=1e-5)


def test_a_model_like_e5_is_read_with_its_prompts_and_mean_pooling(float32, tmp_path):
    folder = write_model(tmp_path, "BERT")
    write_modules(
        folder,
        {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False},
        whole={"prompts": {"query": "query: ", "document": "passage: "}},
    )
    encoder = Encoder.load(folder)
    assert encoder.settings == EncoderSettings("mean", 64, "query: ", "passage: ")
    assert np.array_equal(encoder.encode_documents(TEXTS), encoder.encode([f"passage: {t}" for t in TEXTS]))


def test_a_model_like_bge_is_pooled_by_its_first_token(float32, tmp_path):
    folder = write_model(tmp_path, "BERT")
    write_modules(folder, {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    encoder = Encoder.load(folder)
    assert encoder.settings.pooling == "cls"
    inputs = encoder.pad(encoder.tokenize(TEXTS))
    with torch.inference_mode():
        first = torch.nn.functional.normalize(encoder.model(**inputs).last_hidden_state[:, 0], dim=1).numpy()
        assert not np.allclose(first, pooled(encoder.model, inputs, "mean").numpy(), atol=1e-2)
    assert np.allclose(encoder.encode(TEXTS), first, atol=1e-5)
