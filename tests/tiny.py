"""A BERT of two layers with random weights and a dataset in its vocabulary: unit tests need no download."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizerFast, TrainerCallback

from tutorial_lib.data.beir import write_beir
from tutorial_lib.data.dataset import Document, Query, RetrievalDataset
from tutorial_lib.training import adapter
from tutorial_lib.training.settings import LoraSettings, TrainSettings

THINGS = (
    "invoice",
    "refund",
    "password",
    "router",
    "printer",
    "backup",
    "license",
    "webhook",
    "report",
    "calendar",
    "export",
    "import",
    "dashboard",
    "domain",
    "email",
    "storage",
    "camera",
    "battery",
    "warranty",
    "shipping",
    "coupon",
    "keyboard",
    "firewall",
    "robot",
)
ACTIONS = (
    "cancel",
    "renew",
    "reset",
    "install",
    "share",
    "restore",
    "delete",
    "rename",
    "schedule",
    "archive",
    "move",
    "repair",
)
FILLERS = ("the", "your", "how", "to", "please", "page", "open", "then", "click", "and", "a", "query", "article", ":")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

LORA = LoraSettings(rank=2, alpha=4)
TRAIN = TrainSettings(epochs=2.0, min_steps=0, batch_size=6, dev_evaluations=2, learning_rate=0.05, temperature=0.2)
"""12 pairs in batches of 6, twice: 4 steps, dev scored after steps 2 and 4; it rises above the base model's."""

torch.set_num_threads(1)  # on tensors this small, threads mostly wait for each other: up to 20 times slower on a busy machine


def tiny_tokenizer(folder: Path) -> BertTokenizerFast:
    """Return a WordPiece tokenizer of about fifty whole words, each one token; any other word is [UNK]."""
    vocab = {word: n for n, word in enumerate(SPECIAL + THINGS + ACTIONS + FILLERS)}
    file = folder / "vocab.txt"
    file.write_text("\n".join(vocab), encoding="utf-8")
    return BertTokenizerFast(vocab=vocab, vocab_file=str(file))


def tiny_bert(folder: Path, *, seed: int = 0, positions: int = 64) -> Path:
    """Write a BERT of 2 layers and 32 dimensions with its tokenizer into ``folder`` and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tiny_tokenizer(folder)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=positions,
        initializer_range=0.5,
    )
    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    BertModel(config, add_pooling_layer=False).save_pretrained(str(folder))
    torch.random.set_rng_state(state)
    tokenizer.save_pretrained(str(folder))
    return folder


def tiny_dataset(name: str = "tiny") -> RetrievalDataset:
    """Return 24 articles, each answering one query: 12 queries in training, 4 in dev, 8 in test."""
    corpus, queries = {}, {}
    for n, thing in enumerate(THINGS):
        action = ACTIONS[n % 12]
        corpus[f"a{n:02}"] = Document(f"a{n:02}", f"{action} {thing}", f"open the {thing} page then click {action}")
        queries[f"q{n:02}"] = Query(f"q{n:02}", f"how to {action} a {thing} {THINGS[n - 1]}")
    ids = list(queries)
    splits = {"train": ids[:12], "dev": ids[12:16], "test": ids[16:]}
    qrels = {s: {q: {"a" + q[1:]: 1} for q in members} for s, members in splits.items()}
    return RetrievalDataset(name, corpus, queries, qrels)


class Interrupt(TrainerCallback):
    """Ctrl-C at the end of one step."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self.step:
            raise KeyboardInterrupt


def interrupt_adapter(space, step: int, monkeypatch) -> None:
    """Train the adapter of workspace ``space`` with LORA and TRAIN until Ctrl-C at the end of a step."""
    prepare = adapter.prepare_training

    def interrupted(*args, **options):
        run = prepare(*args, **options)
        run.trainer.add_callback(Interrupt(step))
        return run

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(adapter, "prepare_training", interrupted)
        space.adapter(lora=LORA, train=TRAIN)


def set_update(encoder) -> None:
    """Give the adapter on ``encoder`` random B matrices, as if it had been trained; fresh ones are zero."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, parameter in encoder.model.named_parameters():
            if ".lora_B." in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
    encoder.changed()


def beir_files(folder: Path) -> Path:
    """Write the tiny dataset to ``folder`` and return it."""
    write_beir(tiny_dataset(folder.name), folder)
    return folder
