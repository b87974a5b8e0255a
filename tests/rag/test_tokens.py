"""A text is counted whole, by whichever tokenizer is passed."""

from types import SimpleNamespace

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from tutorial_lib.data.dataset import DataError
from tutorial_lib.rag.tokens import TokenCounter


@pytest.fixture
def tokenizer():
    """A word a token, as transformers wraps it."""
    fast = Tokenizer(WordLevel({"[UNK]": 0, "[PAD]": 1}, unk_token="[UNK]"))
    fast.pre_tokenizer = Whitespace()
    return SimpleNamespace(backend_tokenizer=fast)


def test_a_tokenizer_that_cuts_and_pads_counts_the_whole_text_and_is_left_as_it_was(tokenizer):
    fast = tokenizer.backend_tokenizer
    fast.enable_truncation(4)
    fast.enable_padding(length=8)
    before = fast.to_str()
    count = TokenCounter.of(tokenizer, "tiny")
    assert count("open the router page then click reset") == 7
    assert count("router") == 1
    assert count("") == 0
    assert (count.name, fast.to_str()) == ("tiny", before)


def test_a_tokenizer_of_tokenizers_counts_too(tokenizer):
    assert TokenCounter.of(Tokenizer.from_str(tokenizer.backend_tokenizer.to_str()))("cancel the report") == 3


def test_an_encoding_of_tiktoken_reads_its_marks_as_text():
    class Encoding:
        name = "o200k_base"

        def encode_ordinary(self, text):
            return text.split("|")

        def encode(self, text):
            raise ValueError("a special token in the text")

    count = TokenCounter.of(Encoding())
    assert (count("<|endoftext|>"), count.name) == (3, "o200k_base")


def test_a_function_counts_each_text_once():
    asked = []

    def length(text):
        asked.append(text)
        return len(text)

    count = TokenCounter.of(length, "characters")
    assert [count("abc"), count("abc")] == [3, 3]
    assert asked == ["abc"]


def test_the_default_counts_beyond_the_window_in_its_file():
    assert TokenCounter.load()("plan " * 700) == 700


def test_what_cannot_count_is_refused(tmp_path):
    with pytest.raises(DataError, match="int cannot count tokens: pass a fast tokenizer"):
        TokenCounter.of(7)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(DataError, match=r"tokenizer.json cannot be read as a tokenizer \(.*\): pass a folder"):
        TokenCounter.load(tmp_path)
