"""Who can load what is saved."""

import json

import pytest

from tests.tiny import set_update
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.files import CHECKSUM_FILE, sha256_of
from tutorial_lib.models.lora import add_adapter, save_adapter
from tutorial_lib.models.saving import save_model
from tutorial_lib.models.settings import EncoderSettings, ModelError
from tutorial_lib.training.settings import LoraSettings

LORA = LoraSettings(rank=4, alpha=8)
TEXTS = ["cancel the invoice", "how to reset a password", "repair"]


@pytest.mark.parametrize("pooling", ["mean", "cls", "lasttoken"])
def test_adapter_merged_model_and_sentence_transformers_give_the_same_vectors(tiny_folder, tmp_path, float32, pooling):
    from sentence_transformers import SentenceTransformer

    source = Encoder.load(tiny_folder)
    start = Encoder(source.model, source.tokenizer, EncoderSettings(pooling, 40, "query : "), "start")
    save_model(start, tmp_path / "base", "card")
    base = Encoder.load(tmp_path / "base")
    untouched = base.encode(TEXTS)
    add_adapter(base, LORA)
    set_update(base)
    save_adapter(base, tmp_path / "adapter", "card")
    adapter = Encoder.load(tmp_path / "adapter")
    save_model(adapter, tmp_path / "model", "card")
    model = Encoder.load(tmp_path / "model")
    theirs = SentenceTransformer(str(tmp_path / "model"), device="cpu")
    for vectors in (base.encode(TEXTS), model.encode(TEXTS), theirs.encode(TEXTS)):
        assert ((vectors * adapter.encode(TEXTS)).sum(axis=1) > 0.9999).all()
    assert (untouched * adapter.encode(TEXTS)).sum(axis=1).min() < 0.99
    assert model.settings == start.settings
    assert ((theirs.encode(TEXTS, prompt_name="query") * model.encode_queries(TEXTS)).sum(axis=1) > 0.9999).all()
    assert model.fingerprint == adapter.fingerprint


@pytest.mark.parametrize("pooling", ["mean", "cls", "lasttoken"])
def test_settings_and_fingerprint_stay_whatever_was_encoded_before(tiny, tmp_path, pooling):
    encoder = Encoder(tiny.model, tiny.tokenizer, EncoderSettings(pooling, 20, "query : ", "article : "), "start")
    encoder.encode(TEXTS)
    save_model(encoder, tmp_path / "model", "card")
    loaded = Encoder.load(tmp_path / "model")
    assert loaded.settings == encoder.settings
    assert loaded.fingerprint == encoder.fingerprint


def test_what_is_written(tiny, tmp_path):
    save_model(tiny, tmp_path / "model", "the card")
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert {"config.json", "model.safetensors", "modules.json", "tokenizer.json", CHECKSUM_FILE} < names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl")) or name.startswith("tmp")]
    assert (tmp_path / "model" / "README.md").read_text() == "the card"
    found = sha256_of(tmp_path / "model" / "model.safetensors")
    assert json.loads((tmp_path / "model" / CHECKSUM_FILE).read_text()) == {"model.safetensors": found}


def test_saved_weights_are_checked_on_loading(tiny, tmp_path):
    save_model(tiny, tmp_path / "model", "card")
    weights = tmp_path / "model" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelError, match=r"model\.safetensors has SHA-256 \w+, expected \w+: the weights were changed"):
        Encoder.load(tmp_path / "model")


def test_a_window_chosen_later_is_read_back_from_model_and_adapter_by_us_and_by_sentence_transformers(
    tiny_folder, tmp_path, float32
):
    from sentence_transformers import SentenceTransformer

    encoder = Encoder.load(tiny_folder, query_prompt="query : ").with_window(20)
    long = ["reset " * 40, "repair"]
    save_model(encoder, tmp_path / "model", "card")
    add_adapter(encoder, LORA)
    set_update(encoder)
    save_adapter(encoder, tmp_path / "adapter", "card")
    for kind in ("model", "adapter"):
        ours, theirs = Encoder.load(tmp_path / kind), SentenceTransformer(str(tmp_path / kind), device="cpu")
        assert ours.settings.max_length == theirs.max_seq_length == 20
        assert ((theirs.encode_query(long) * ours.encode_queries(long)).sum(axis=1) > 0.9999).all()
    assert ((encoder.encode(long) * ours.encode(long)).sum(axis=1) > 0.9999).all()


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_sentence_transformers_reads_an_adapter_folder(tiny_folder, tmp_path, float32, pooling):
    from sentence_transformers import SentenceTransformer

    source = Encoder.load(tiny_folder)
    encoder = Encoder(source.model, source.tokenizer, EncoderSettings(pooling, 64), str(tiny_folder))
    add_adapter(encoder, LORA)
    set_update(encoder)
    save_adapter(encoder, tmp_path / "adapter", "card")
    theirs = SentenceTransformer(str(tmp_path / "adapter"), device="cpu").encode(TEXTS)
    assert ((theirs * encoder.encode(TEXTS)).sum(axis=1) > 0.9999).all()
    assert ((theirs * Encoder.load(tmp_path / "adapter").encode(TEXTS)).sum(axis=1) > 0.9999).all()


def test_the_layers_of_an_adapter_are_listed_in_order(tiny, tmp_path):
    add_adapter(tiny, LORA)
    save_adapter(tiny, tmp_path / "adapter", "card")
    listed = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())["target_modules"]
    assert listed == sorted(listed)
    assert len(listed) > 1
