"""A cross-encoder: it reads a query and a document together and gives one score.

Reference: Nogueira and Cho 2019, "Passage re-ranking with BERT", arXiv:1901.04085.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.batching import PAD_TO, length_batches
from tutorial_lib.models.files import check_files, one_line, read_json, read_object
from tutorial_lib.models.folder import check_config
from tutorial_lib.models.hardware import default_device, side_by_side
from tutorial_lib.models.settings import ModelError, NotFiniteError

Model: TypeAlias = Any
"""sentence-transformers' CrossEncoder, whose package takes seconds to load."""
TOKEN_BUDGET = 512
"""Padded tokens read at a time on a CPU: a shortlist has few pairs of one length, and larger batches pad a quarter more."""
TOKEN_BUDGET_GPU = 65_536


class CrossEncoder:
    """sentence-transformers' ``CrossEncoder`` with one score a pair, which it gives faster: pairs go by length in tokens.

    Scores compare documents of one query. They are no probabilities, and no cosines: no threshold serves both.
    """

    def __init__(self, model: Model, name: str) -> None:
        """Wrap a loaded model; most callers want ``CrossEncoder.load``.

        Args:
            model: sentence-transformers' model.
            name: For messages.

        Raises:
            ModelError: It gives more than one number a pair, or reads its tokens from no fast tokenizer.
        """
        if model.num_labels != 1:
            raise ModelError(
                f"{name} gives {model.num_labels} numbers a pair, not one: pass a reranker, whose head has a single output"
            )
        if not getattr(model.tokenizer, "is_fast", False):
            raise ModelError(f"{name} has no fast tokenizer: pass a model with a tokenizer.json")
        self.model, self.name = model.eval(), name

    @classmethod
    def load(cls, folder: str | Path, *, device: torch.device | None = None) -> CrossEncoder:
        """Load a cross-encoder's folder, ours or anybody's. No code that comes with it is run; weights are safetensors.

        Raises:
            ModelError: The folder is missing or damaged, is no cross-encoder's, or its head has several outputs.
        """
        from sentence_transformers import CrossEncoder as Theirs  # here: it takes seconds

        path = Path(folder)
        if not path.is_dir():
            raise ModelError(f"{folder} is not a folder: pass a cross-encoder's")
        for home in (path, *(found for found in sorted(path.iterdir()) if found.is_dir())):  # a module each
            check_files(home)
        _check_kind(path)
        options = {"model_kwargs": {"use_safetensors": True}, "local_files_only": True}
        try:
            model = Theirs(str(path), device=str(device or default_device()), trust_remote_code=False, **options)
        except Exception as error:  # of a dozen kinds
            raise ModelError(f"{folder} cannot be loaded as a cross-encoder: {one_line(error)}") from error
        return cls(model, str(folder))

    @property
    def device(self) -> torch.device:
        """Where the model runs."""
        return torch.device(self.model.device)

    def scores(self, pairs: Sequence[tuple[str, str]], *, token_budget: int | None = None) -> NDArray[np.float32]:
        """Return one score a (query, document) pair: float32, (len(pairs),), higher is better.

        They are those of ``sentence_transformers.CrossEncoder.predict``. Of a pair too long for the model the longer text
        is cut first.

        Args:
            pairs: A query and a document each.
            token_budget: Padded tokens read at a time; changes no score but in its last digits.

        Raises:
            DataError: A pair is not two strings.
            NotFiniteError: A score is not a finite number: the weights are damaged.
        """
        _check_pairs(pairs)
        scores = np.zeros(len(pairs), dtype=np.float32)
        tokens = self._tokens(pairs)
        budget = token_budget or (TOKEN_BUDGET if self.device.type == "cpu" else TOKEN_BUDGET_GPU)

        def score_batch(batch: list[int]) -> None:
            with torch.inference_mode():
                scores[batch] = self._forward(self._padded([tokens[n] for n in batch]))

        batches = length_batches([len(t["input_ids"]) for t in tokens], budget)
        with self._inference(), side_by_side(self.device, len(batches)) as run:
            list(run(score_batch, batches))
        if not np.isfinite(scores).all():
            raise NotFiniteError(f"{self.name} gives a score that is not a finite number: its weights are damaged")
        return scores

    def read(self, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Return the pairs as one batch that ``model`` takes, on its device; it gives them "scores", (len(pairs), 1)."""
        return self._padded(self._tokens(pairs))

    def _tokens(self, pairs: Sequence[tuple[str, str]]) -> list[dict[str, list[int]]]:
        """Return each pair's tokens, with their types where the model wants them."""
        if not pairs:
            return []
        queries, documents = [q for q, _ in pairs], [d for _, d in pairs]
        # Not "only_second": it raises where a query alone is longer than the model's window.
        found = self.model.tokenizer(queries, documents, truncation="longest_first", max_length=self.model.max_seq_length)
        return [{key: values[n] for key, values in found.items()} for n in range(len(pairs))]

    def _padded(self, tokens: Sequence[dict[str, list[int]]]) -> dict[str, Any]:
        multiple = PAD_TO if (self.model.max_seq_length or 0) % PAD_TO == 0 else None
        batch = self.model.tokenizer.pad(list(tokens), return_tensors="pt", pad_to_multiple_of=multiple)
        return {**{key: value.to(self.device) for key, value in batch.items()}, "modality": "text"}

    def _forward(self, inputs: dict[str, Any]) -> NDArray[np.float32]:
        scores = self.model(inputs)["scores"].float()
        if self.model.activation_fn is not None:
            scores = self.model.activation_fn(scores)
        return scores.reshape(-1).cpu().numpy()

    @contextmanager
    def _inference(self) -> Iterator[None]:
        """Within the block no dropout; afterwards the model is as it was, in the midst of a training perhaps."""
        training = self.model.training
        self.model.eval()
        try:
            yield
        finally:
            self.model.train(training)


def _check_kind(folder: Path) -> None:
    """Refuse a folder that says itself that it holds something else than a cross-encoder."""
    config = check_config(folder)
    said = read_object(folder, "config_sentence_transformers.json") or {}
    kind, bare = said.get("model_type"), read_json(folder, "modules.json") is None
    architectures = config.get("architectures") or [""]
    if (kind or "CrossEncoder") != "CrossEncoder" or (not kind and not bare):
        raise ModelError(f"{folder} holds a {kind or 'SentenceTransformer'}, not a cross-encoder: pass a reranker's folder")
    if bare and not str(architectures[0]).endswith(("ForSequenceClassification", "ForCausalLM")):
        raise ModelError(
            f"{folder} holds a {architectures[0] or 'model'} without a head, whose scores would be random: pass a folder "
            "that training.cross_encoder has written, or another cross-encoder's"
        )


def _check_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    for n, pair in enumerate(pairs):
        if isinstance(pair, str) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise DataError(f"pair {n} is {pair!r:.80}: pass (query, document), two strings")
