"""Prompts in training; what is stored and refused is in models/test_prompts.py."""

import pytest
import torch

from tests.tiny import LORA, tiny_dataset
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.lora import merge_adapter, save_adapter
from tutorial_lib.models.saving import save_model
from tutorial_lib.models.settings import ModelError
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.training.finetune import prepare_training
from tutorial_lib.training.settings import TrainSettings

QUERY, DOCUMENT = "query : ", "article : "
SETTINGS = TrainSettings(epochs=1.0, min_steps=0, batch_size=6, dev_queries=0, query_prompt=QUERY, document_prompt=DOCUMENT)


def prompts(encoder):
    return encoder.settings.query_prompt, encoder.settings.document_prompt


def prepare(model, folder, settings=SETTINGS):
    dataset = tiny_dataset()
    return prepare_training(
        dataset,
        {},
        BM25(dataset.document_texts()),
        folder,
        model=model,
        lora=LORA,
        settings=settings,
        device=torch.device("cpu"),
    )


@pytest.fixture(scope="module")
def trained(tiny_folder, tmp_path_factory):
    """A folder with the adapter of a run with prompts, and the model merged from it."""
    folder = tmp_path_factory.mktemp("trained")
    run = prepare(tiny_folder, folder / "checkpoints")
    run.train()
    save_adapter(run.encoder, folder / "adapter", "card")
    save_model(merge_adapter(folder / "adapter"), folder / "model", "card")
    return folder


@pytest.mark.parametrize("kind", ["adapter", "model"])
def test_the_prompts_of_a_run_are_stored_with_what_was_trained(trained, kind):
    assert prompts(Encoder.load(trained / kind)) == (QUERY, DOCUMENT)


def test_training_reads_every_text_with_its_prompt(tiny_folder, tmp_path):
    run = prepare(tiny_folder, tmp_path)
    batch = run.trainer.data_collator(run.pairs[:2])
    rows = [run.encoder.tokenizer.decode(ids, skip_special_tokens=True) for g in batch["groups"] for ids in g["input_ids"]]
    assert sorted(row.split(" : ")[0] for row in rows) == ["article", "article", "query", "query"]
    assert f"{QUERY}how to cancel a invoice robot" in rows


def test_a_trained_model_is_not_trained_on_with_other_prompts(trained, tmp_path):
    with pytest.raises(ModelError, match="asked for are 'find : ' and 'article : '"):
        prepare(trained / "model", tmp_path, TrainSettings(dev_queries=0, query_prompt="find : "))
    on = prepare(trained / "model", tmp_path, TrainSettings(dev_queries=0))
    assert prompts(on.encoder) == (QUERY, DOCUMENT)
