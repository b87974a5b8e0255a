"""Encoders other than BERT: adapted and trained; how they are read is in models/test_architectures.py."""

import numpy as np
import pytest
import torch

from tests.architectures import every_architecture, write_model, write_modules
from tests.tiny import tiny_dataset
from tutorial_lib.models import hardware
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.lora import save_adapter
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.training.finetune import prepare_training
from tutorial_lib.training.settings import LoraSettings, TrainSettings

TEXTS = ["cancel the invoice", "how to reset a password", "repair"]


def prepare(folder, model, **settings):
    dataset = tiny_dataset()
    chosen = TrainSettings(
        epochs=6.0, min_steps=0, batch_size=12, learning_rate=0.02, warmup=0.0, temperature=0.2, dev_queries=0, **settings
    )
    return prepare_training(
        dataset,
        {},
        BM25(dataset.document_texts()),
        folder,
        model=model,
        lora=LoraSettings(4, 8),
        settings=chosen,
        device=torch.device("cpu"),
    )


@pytest.fixture
def precision(monkeypatch):
    """Return a function that makes this processor one with or without units for bfloat16."""

    def precision(*, bf16):
        monkeypatch.setattr(hardware, "bf16_is_fast", lambda device=None: bf16)

    return precision


@every_architecture
@pytest.mark.parametrize("bf16", [False, True], ids=["float32", "bfloat16"])
def test_it_learns_and_its_adapter_gives_the_same_vectors_once_loaded(architecture, bf16, precision, tmp_path):
    precision(bf16=bf16)
    base = write_model(tmp_path / "base", architecture)
    run = prepare(tmp_path / "checkpoints", base)
    losses = [loss for _, loss in run.train().losses]
    assert len(losses) == 6
    assert losses[-1] < losses[0] - 0.2
    save_adapter(run.encoder, tmp_path / "adapter", "card")
    precision(bf16=False)
    trained, loaded = run.encoder.encode(TEXTS), Encoder.load(tmp_path / "adapter").encode(TEXTS)
    assert np.allclose(loaded, trained, atol=1e-5)
    assert not np.allclose(loaded, Encoder.load(base).encode(TEXTS), atol=1e-2)


@every_architecture
def test_every_layer_that_a_vector_hangs_on_is_adapted_and_trained(architecture, float32, tmp_path):
    run = prepare(tmp_path / "checkpoints", write_model(tmp_path / "base", architecture))
    run.trainer.current_gradient_accumulation_steps = 1  # what train() sets before its first step
    run.trainer.training_step(run.encoder.model, run.trainer.data_collator(run.pairs))
    factors = {n: p for n, p in run.encoder.model.named_parameters() if ".lora_B." in n and "pooler" not in n}
    assert len(factors) == 2 * (4 if architecture == "ModernBERT" else 6)  # ModernBERT has one layer for q, k and v
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in factors.values())


def test_a_model_like_e5_is_trained_with_its_prompts(float32, tmp_path):
    folder = write_model(tmp_path, "BERT")
    write_modules(
        folder,
        {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False},
        whole={"prompts": {"query": "query: ", "document": "passage: "}},
    )
    encoder = Encoder.load(folder)
    batch = prepare(tmp_path / "checkpoints", folder).trainer.data_collator(prepare(tmp_path, folder).pairs[:1])
    starts = sorted(encoder.tokenizer.decode(ids[1:3]) for g in batch["groups"] for ids in g["input_ids"])
    assert starts == ["[UNK] :", "query :"]  # "passage" is no word of this vocabulary


def test_a_model_like_bge_is_trained_by_its_first_token(float32, tmp_path):
    folder = write_model(tmp_path, "BERT")
    write_modules(folder, {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    run = prepare(tmp_path / "checkpoints", folder)
    losses = [loss for _, loss in run.train().losses]
    assert losses[-1] < losses[0] - 0.2
