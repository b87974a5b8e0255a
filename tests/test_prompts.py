"""Prompts: used in training, stored with what was trained, and held to ever after."""

import json
import shutil

import pytest
import torch

from tests.tiny import LORA, tiny_dataset
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.lora import add_adapter, merge_adapter, save_adapter
from tutorial_lib.models.prompts import PROMPT_FILE
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


@pytest.fixture
def named(tiny_folder, tmp_path):
    """Return a function that makes a base model naming prompts, as sentence-transformers does."""

    def named(query, document):
        folder = shutil.copytree(tiny_folder, tmp_path / "named")
        (folder / PROMPT_FILE).write_text(json.dumps({"prompts": {"query": query, "document": document}}))
        return folder

    return named


def test_training_reads_every_text_with_its_prompt(tiny_folder, tmp_path):
    run = prepare(tiny_folder, tmp_path)
    batch = run.trainer.data_collator(run.pairs[:2])
    rows = [run.encoder.tokenizer.decode(ids, skip_special_tokens=True) for g in batch["groups"] for ids in g["input_ids"]]
    assert sorted(row.split(" : ")[0] for row in rows) == ["article", "article", "query", "query"]
    assert f"{QUERY}how to cancel a invoice robot" in rows


@pytest.mark.parametrize("kind", ["adapter", "model"])
def test_the_prompts_are_stored_with_what_was_trained(trained, kind):
    stored = json.loads((trained / kind / PROMPT_FILE).read_text())["prompts"]
    assert stored == {"query": QUERY, "document": DOCUMENT}
    encoder = Encoder.load(trained / kind)
    assert prompts(encoder) == (QUERY, DOCUMENT)
    assert (encoder.encode_queries(["refund"]) == encoder.encode([f"{QUERY}refund"])).all()


@pytest.mark.parametrize("kind", ["adapter", "model"])
@pytest.mark.parametrize(("query", "document"), [(QUERY, DOCUMENT), (None, None), (None, DOCUMENT)])
def test_a_trained_model_takes_its_own_prompts(trained, kind, query, document):
    assert prompts(Encoder.load(trained / kind, query_prompt=query, document_prompt=document)) == (QUERY, DOCUMENT)


@pytest.mark.parametrize("kind", ["adapter", "model"])
@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"query_prompt": "find : "}, "'find : ' and 'article : '"),
        ({"document_prompt": ""}, "'query : ' and ''"),
    ],
)
def test_a_trained_model_refuses_other_prompts_and_names_both(trained, kind, asked, named):
    with pytest.raises(
        ModelError,
        match=rf"{kind} was trained with the prompts 'query : ' \(query\) and 'article : ' "
        rf"\(document\), asked for are {named}.*leave them out",
    ):
        Encoder.load(trained / kind, **asked)


def test_a_trained_model_is_not_trained_on_with_other_prompts(trained, tmp_path):
    with pytest.raises(ModelError, match="asked for are 'find : ' and 'article : '"):
        prepare(trained / "model", tmp_path, TrainSettings(dev_queries=0, query_prompt="find : "))
    on = prepare(trained / "model", tmp_path, TrainSettings(dev_queries=0))
    assert prompts(on.encoder) == (QUERY, DOCUMENT)


def test_what_was_trained_without_prompts_refuses_them_too(tiny_folder, tmp_path):
    encoder = Encoder.load(tiny_folder)
    add_adapter(encoder, LORA)
    save_adapter(encoder, tmp_path / "adapter", "card")
    with pytest.raises(ModelError, match=r"trained with the prompts '' \(query\) and '' \(document\), asked for are 'query"):
        Encoder.load(tmp_path / "adapter", query_prompt=QUERY)


def test_a_base_model_that_names_no_prompts_or_empty_ones_takes_new_ones(tiny_folder, named):
    for folder in (tiny_folder, named("", "")):
        assert prompts(Encoder.load(folder)) == ("", "")
        assert prompts(Encoder.load(folder, query_prompt=QUERY)) == (QUERY, "")


def test_a_base_model_that_names_prompts_refuses_others(named):
    folder = named("query : ", "")
    assert prompts(Encoder.load(folder, query_prompt="query : ", document_prompt="")) == ("query : ", "")
    with pytest.raises(ModelError, match=r"named was trained with .*'query : ' .* and ''.* are 'query : ' and 'page : '"):
        Encoder.load(folder, document_prompt="page : ")
