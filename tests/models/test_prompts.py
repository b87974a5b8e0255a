"""Prompts: stored with what was trained, and held to ever after."""

import json
import shutil

import pytest

from tests.architectures import write_modules
from tests.tiny import LORA, set_update
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.lora import add_adapter, merge_adapter, save_adapter
from tutorial_lib.models.prompts import PROMPT_FILE, prompts_record, stored_prompts
from tutorial_lib.models.saving import save_model
from tutorial_lib.models.settings import EncoderSettings, ModelError

QUERY, DOCUMENT = "query : ", "article : "


def prompts(encoder):
    return encoder.settings.query_prompt, encoder.settings.document_prompt


@pytest.fixture(scope="module")
def trained(tiny_folder, tmp_path_factory):
    """A folder with an adapter that was given prompts, and the model merged from it."""
    folder = tmp_path_factory.mktemp("trained")
    encoder = Encoder.load(tiny_folder, query_prompt=QUERY, document_prompt=DOCUMENT)
    add_adapter(encoder, LORA)
    set_update(encoder)
    save_adapter(encoder, folder / "adapter", "card")
    save_model(merge_adapter(folder / "adapter"), folder / "model", "card")
    return folder


@pytest.fixture
def named(tiny_folder, tmp_path):
    """Return a function that makes a base model naming prompts, as sentence-transformers does."""

    def named(query, document):
        folder = shutil.copytree(tiny_folder, tmp_path / "named")
        return write_modules(folder, whole={"prompts": {"query": query, "document": document}})

    return named


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


def test_prompts_are_read_by_the_names_that_sentence_transformers_knows(tmp_path):
    assert stored_prompts(tmp_path) is None
    (tmp_path / PROMPT_FILE).write_text(json.dumps({"prompts": {"query": QUERY, "document": DOCUMENT, "passage": "other"}}))
    assert stored_prompts(tmp_path) == (QUERY, DOCUMENT)
    (tmp_path / PROMPT_FILE).write_text(json.dumps(prompts_record(EncoderSettings(query_prompt=QUERY))))
    assert stored_prompts(tmp_path) == (QUERY, "")
    (tmp_path / PROMPT_FILE).write_text(json.dumps({"prompts": {"query": QUERY, "passage": DOCUMENT}}))
    with pytest.raises(ModelError, match="the prompt 'passage' is not put before documents by sentence-transformers"):
        stored_prompts(tmp_path)
