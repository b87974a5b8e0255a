"""Late interaction: a bi-encoder's own token vectors compared, query token by query token, for the first documents of a run.

Nothing is trained and no model is added: the vector of a text is pooled from the same token vectors. They take some hundred
times the room of the pooled ones, so they are made for the documents of a shortlist only, when they are first met.

Reference: Khattab and Zaharia 2020, "ColBERT", arXiv:2004.12832, section 3.2.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.matrix import turned
from tutorial_lib.models.token_vectors import TokenVectors, clustered, query_token_vectors, token_vectors
from tutorial_lib.retrieval.reranking import DEPTH, WEIGHT, candidates, reranked
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.text import has_words

AT_A_TIME = 256
"""Documents whose token vectors are held in float32 until they are packed."""


@dataclass(frozen=True)
class Match:
    """A word of a query and the word of a document that comes closest to it.

    Attributes:
        query_word: As it stands in the query.
        document_word: As it stands in the document.
        start: Its first letter in the document's text, counted from 0.
        end: The letter behind its last.
        cosine: Mean over the query word's tokens of the highest cosine with a token of the other, -1 to 1.
    """

    query_word: str
    document_word: str
    start: int
    end: int
    cosine: float


@dataclass(frozen=True)
class _Kept:
    """Token vectors as they are kept: float32 with ``scale`` None, or int8, each row to be multiplied by its scale."""

    vectors: NDArray[np.float32] | NDArray[np.int8]
    scale: NDArray[np.float32] | None

    @classmethod
    def of(cls, vectors: NDArray[np.float32], *, packed: bool) -> _Kept:
        if not packed:
            return cls(vectors, None)
        scale = np.abs(vectors).max(axis=1, initial=0.0, keepdims=True) / 127
        return cls(np.rint(vectors / scale).astype(np.int8), scale.astype(np.float32))

    @property
    def plain(self) -> NDArray[np.float32]:
        """The vectors in float32."""
        vectors = self.vectors.astype(np.float32, copy=False)
        return vectors if self.scale is None else vectors * self.scale

    def cosines(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the cosine of each token with each of ``query``'s, (Q, D): float32, (T, Q)."""
        cosines = self.vectors.astype(np.float32, copy=False) @ query.T
        return cosines if self.scale is None else cosines * self.scale


@dataclass
class LateInteraction:
    """MaxSim with an encoder's token vectors: for each token of the query the closest one of the document.

    Special tokens and those of prompts are left out, on both sides: they say nothing of the words.

    >>> help_centre = {"policy": "An annual plan is refunded in full.", "cancel": "Cancel the annual plan."}
    >>> late = LateInteraction(Encoder.load(), help_centre)
    >>> list(late.rerank({"q": "money back"}, {"q": {"cancel": 0.31, "policy": 0.3}}, weight=1.0)["q"])
    ['policy', 'cancel']

    Attributes:
        encoder: The encoder, base or fine-tuned; texts are read through its window and behind its prompts.
        documents: Document id -> text.
        packed: Keep token vectors as int8, a quarter of float32's room; their cosines change by some thousandths.
        factor: Keep so many times fewer vectors of a document, the means of like tokens (``models.token_vectors.clustered``);
            1 keeps all. ``matches`` looks at all of them all the same.
    """

    encoder: Encoder
    documents: Mapping[str, str]
    packed: bool = True
    factor: int = 1
    _kept: dict[str, _Kept] = field(default_factory=dict, init=False, repr=False)

    @property
    def megabytes(self) -> float:
        """Room that the token vectors met so far take, in MB."""
        return sum(k.vectors.nbytes + (0 if k.scale is None else k.scale.nbytes) for k in self._kept.values()) / 2**20

    def rerank(self, queries: Mapping[str, str], run: Run, *, depth: int = DEPTH, weight: float = WEIGHT) -> Run:
        """Return ``run`` with its first documents ordered by their scores and MaxSim, fused (``reranking.reranked``).

        Args:
            queries: Query id -> text, of all queries of the run.
            run: Any run.
            depth: How many documents of each query to rank again.
            weight: MaxSim's share, 0 to 1.

        Raises:
            ValueError: As ``maxsim`` and ``reranked`` do.
        """
        return reranked(run, self.maxsim(queries, run, depth=depth), weight)

    def maxsim(self, queries: Mapping[str, str], run: Run, *, depth: int = DEPTH) -> dict[str, dict[str, float]]:
        """Return for each query the MaxSim of the first ``depth`` documents of its ranking.

        It is the mean over the query's tokens of the highest cosine with a token of the document: -1 to 1, higher is
        better; 0 where one of the two has no token. (ColBERT takes the sum, which orders the documents of a query alike.)

        Args:
            queries: Query id -> text, of all queries of the run.
            run: Any run.
            depth: How many documents of each query.

        Raises:
            ValueError: ``depth`` is no whole number above 0; queries and run are not the same; the run names a document that
                is not among ``documents``.
            NotFiniteError: A text has no vectors of finite numbers.
        """
        shortlists = candidates(run, queries, depth)
        self.read(a for found in shortlists.values() for a in found)
        asked = query_token_vectors(self.encoder, list(queries.values()))
        return {q: self.compare(tokens, shortlists[q]) for q, tokens in zip(queries, asked, strict=True)}

    def compare(self, query: TokenVectors, document_ids: Iterable[str]) -> dict[str, float]:
        """Return the MaxSim of some documents with a query whose token vectors are made already: id -> -1 to 1.

        Raises:
            ValueError: There is no such document.
        """
        ids = list(document_ids)
        self.read(ids)
        return {a: self._maxsim(query.vectors, a) for a in ids}

    def _maxsim(self, query: NDArray[np.float32], document_id: str) -> float:
        document = self._kept[document_id]
        if not len(query) or not len(document.vectors):
            return 0.0
        return float(document.cosines(query).max(axis=0).mean())

    def read(self, document_ids: Iterable[str]) -> None:
        """Make the token vectors of documents that were not met before.

        Raises:
            ValueError: There is no such document.
        """
        new = [a for a in dict.fromkeys(document_ids) if a not in self._kept]
        self._check_known(new)
        for start in range(0, len(new), AT_A_TIME):
            part = new[start : start + AT_A_TIME]
            made = zip(part, self._token_vectors([self.documents[a] for a in part]), strict=True)
            self._kept |= {a: _Kept.of(clustered(t.vectors, self.factor), packed=self.packed) for a, t in made}

    def _check_known(self, document_ids: Iterable[str]) -> None:
        unknown = next((a for a in document_ids if a not in self.documents), None)
        if unknown is not None:
            raise ValueError(f"no document {unknown!r} among the {len(self.documents)} given: pass those that were searched")

    def _token_vectors(self, texts: list[str]) -> list[TokenVectors]:
        return token_vectors(self.encoder, texts, self.encoder.settings.document_prompt)

    def turned(self, matrix: NDArray[np.float32], *, queries_only: bool = False) -> LateInteraction:
        """Return late interaction as a matrix behind the encoder makes it; no document is read again.

        Args:
            matrix: (D, D), as ``training.distill`` gives it.
            queries_only: As for ``Encoder.with_matrix``.

        Raises:
            ModelError: As ``Encoder.with_matrix`` does.
        """
        encoder = self.encoder.with_matrix(matrix, queries_only=queries_only)
        made = LateInteraction(encoder, self.documents, self.packed, self.factor)
        made._kept = dict(self._kept)
        for a, kept in self._kept.items() if not queries_only else ():
            made._kept[a] = _Kept.of(turned(kept.plain, matrix), packed=self.packed)
        return made

    def matches(self, query: str, document_id: str) -> list[Match]:
        """Return for each word of a query the word of a document that comes closest: what to highlight, and how strongly.

        Words are the tokenizer's; punctuation is left out.

        Args:
            query: The query's text.
            document_id: Which of ``documents``.

        Raises:
            ValueError: There is no such document.
        """
        self._check_known([document_id])
        text = self.documents[document_id]
        document, asked = self._token_vectors([text])[0], query_token_vectors(self.encoder, [query])[0]
        words, own = _words_of(asked.words, asked.spans, query), _words_of(document.words, document.spans, text)
        if not words or not own:
            return []
        cosines = document.vectors @ asked.vectors.T  # (T, Q)
        closest = np.stack([cosines[tokens].max(axis=0) for tokens, _, _ in own])  # (words of the document, Q)
        matches = []
        for tokens, start, end in words:
            by_word = closest[:, tokens].mean(axis=1)
            best = int(by_word.argmax())
            _, first, last = own[best]
            matches.append(Match(query[start:end], text[first:last], first, last, float(by_word[best])))
        return matches


def _words_of(words: NDArray[np.int32], spans: NDArray[np.int32], text: str) -> list[tuple[slice, int, int]]:
    """Return each word that holds a letter or digit: its tokens, its first letter, and the one behind its last."""
    starts = np.flatnonzero(np.diff(words, prepend=-2))
    found = []
    for first, last in itertools.pairwise([*starts.tolist(), len(words)]):
        start, end = int(spans[first, 0]), int(spans[last - 1, 1])
        start += len(text[start:end]) - len(text[start:end].lstrip())  # some tokenizers count the space before a word to it
        if has_words(text[start:end]):
            found.append((slice(first, last), start, end))
    return found
