"""How many tokens a text takes in a prompt, by the tokenizer of the caller's choice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.folder import resolve_model
from tutorial_lib.models.settings import DEFAULT_MODEL


class TokenCounter:
    """Counts the tokens of texts, each text once; special tokens that a model puts around a text are not counted.

    >>> words = TokenCounter("words", lambda text: len(text.split()))
    >>> words("Paid back within 14 days."), words.name
    (5, 'words')

    Attributes:
        name: Which tokenizer counts: a number of tokens says nothing without it.
    """

    def __init__(self, name: str, count: Callable[[str], int]) -> None:
        """Wrap a function; most callers want ``TokenCounter.load`` or ``TokenCounter.of``.

        Args:
            name: What tables call it.
            count: Text -> its tokens.
        """
        self.name = name
        self._count = count
        self._known: dict[str, int] = {}

    @classmethod
    def load(cls, model: str | Path = DEFAULT_MODEL) -> TokenCounter:
        """Return a counter by the tokenizer of an encoder, which is at hand without a network; no weights are read.

        MiniLM's WordPiece knows 30,522 pieces and no capitals. The tables of large language models know many more: they
        take fewer tokens for the same text, so compare counts of one tokenizer alone.

        Args:
            model: Name of the course's base model, or a folder with a tokenizer.json.

        Raises:
            DataError: There is no tokenizer that can be read.

        >>> TokenCounter.load()("Paid back within 14 days.")
        6
        """
        file = Path(resolve_model(model)) / "tokenizer.json"
        try:
            tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # tokenizers raises nothing more special
            raise DataError(f"{file} cannot be read as a tokenizer ({error}): pass a folder that holds one") from None
        return cls.of(tokenizer, str(model))

    @classmethod
    def of(cls, tokenizer: Any, name: str | None = None) -> TokenCounter:
        """Return a counter by a tokenizer of transformers, tokenizers or tiktoken, or by a function from text to a number.

        Args:
            tokenizer: Left as it is: whatever it cuts or pads, texts are counted whole.
            name: What tables call it; by default the tokenizer's own name.

        Raises:
            DataError: It is none of these.
        """
        name = name or str(
            getattr(tokenizer, "name_or_path", "") or getattr(tokenizer, "name", "") or type(tokenizer).__name__
        )
        if hasattr(tokenizer, "encode_ordinary"):  # tiktoken
            return cls(name, lambda text: len(tokenizer.encode_ordinary(text)))
        fast = getattr(tokenizer, "backend_tokenizer", tokenizer)
        if isinstance(fast, Tokenizer):
            whole = _without_limits(fast)
            return cls(name, lambda text: len(whole.encode(text, add_special_tokens=False).ids))
        if not callable(tokenizer) or hasattr(tokenizer, "encode"):
            kinds = "a fast tokenizer of transformers, one of tokenizers or tiktoken, or a function from text to a number"
            raise DataError(f"{type(tokenizer).__name__} cannot count tokens: pass {kinds}")
        return cls(name, tokenizer)

    def __call__(self, text: str) -> int:
        """Return the number of tokens of ``text``."""
        if text not in self._known:
            self._known[text] = int(self._count(text))
        return self._known[text]


def _without_limits(tokenizer: Tokenizer) -> Tokenizer:
    """Return a copy that neither cuts nor pads."""
    copy = Tokenizer.from_str(tokenizer.to_str())
    copy.no_truncation()
    copy.no_padding()
    return copy
