"""Long articles cut into passages, and what is found among passages told as articles again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tutorial_lib.data.dataset import DataError, Document, LeakageError, RetrievalDataset
from tutorial_lib.rag.tokens import TokenCounter
from tutorial_lib.retrieval.runs import Run, ranked


@dataclass(frozen=True)
class PassageSettings:
    """Where articles are cut.

    Attributes:
        tokens: Tokens that a passage takes at most, its article's title not counted.
        overlap: Tokens at most that a passage repeats of the one before it.
        markup: "text" is cut between paragraphs, else lines, else sentences, else words; "markdown" before headings first.
    """

    tokens: int = 200
    overlap: int = 0
    markup: Literal["text", "markdown"] = "text"

    def __post_init__(self) -> None:
        if self.tokens < 1:
            raise DataError(f"tokens is {self.tokens}: pass at least 1")
        if not 0 <= self.overlap < self.tokens:
            raise DataError(f"overlap is {self.overlap}: pass 0 to {self.tokens - 1}, less than a passage")
        if self.markup not in ("text", "markdown"):
            raise DataError(f"markup is {self.markup!r}: pass 'text' or 'markdown'")


def cut(corpus: Mapping[str, Document], settings: PassageSettings, count: TokenCounter) -> dict[str, Document]:
    """Return the passages of every article, in ascending order of ids: at least one each, ``article#1``, ``article#2``, ….

    Each keeps its article's title and metadata, so that it is searched and read as an article is: a corpus of its own. Who
    judges passages and trains on them calls ``check_splits`` first: ids alone tell nobody else that two belong together.

    Args:
        corpus: Articles by id.
        settings: Where to cut.
        count: Counts tokens.

    Raises:
        DataError: The package semantic-text-splitter is not installed.
    """
    splitter = _splitter(settings, count)
    passages = {}
    for a, document in corpus.items():
        for n, text in enumerate(splitter.chunks(document.text) or [document.text], 1):
            passages[f"{a}#{n}"] = Document(f"{a}#{n}", document.title, text, document.metadata)
    return dict(sorted(passages.items()))  # as in every corpus: #10 stands before #2


def _splitter(settings: PassageSettings, count: TokenCounter) -> Any:
    try:
        import semantic_text_splitter as library
    except ImportError:
        raise DataError(
            "to cut articles into passages takes the package semantic-text-splitter: pip install 'tutorial-lib[rag]'"
        ) from None
    kind = library.MarkdownSplitter if settings.markup == "markdown" else library.TextSplitter
    return kind.from_callback(count, settings.tokens, settings.overlap)


def article_of(passage_id: str) -> str:
    """Return the id of the article that a passage was cut from.

    Raises:
        DataError: It is no id of a passage.

    >>> article_of("billing/refund#2")
    'billing/refund'
    """
    article, mark, number = passage_id.rpartition("#")
    if not (article and mark and number.isdecimal()):
        raise DataError(f"{passage_id!r} is no id of a passage: pass ids such as 'article#1'")
    return article


@dataclass(frozen=True)
class Pooled:
    """A run of passages told as one of articles.

    Attributes:
        run: Query id -> article id -> score of its best passage, best first, in the order of the tie rule.
        best: Query id -> article id -> id of that passage: what to show of the article.
    """

    run: Run
    best: dict[str, dict[str, str]] = field(repr=False)


def pool(run: Run, k: int | None = None) -> Pooled:
    """Return articles ranked by their best passage, the first ``k`` of each query; all that have a passage without ``k``.

    A run of passages as deep as one of articles holds fewer articles: search deeper, by the passages of an article.

    Raises:
        DataError: The run ranks what is no passage.

    Reference: Dai and Callan 2019, SIGIR, "Deeper text understanding for IR …", arXiv:1905.09217 (MaxP).

    >>> pooled = pool({"q": {"a#2": 0.9, "b#1": 0.8, "a#1": 0.7}})
    >>> {a: round(score, 3) for a, score in pooled.run["q"].items()}, pooled.best["q"]
    ({'a': 0.9, 'b': 0.8}, {'a': 'a#2', 'b': 'b#1'})
    """
    articles: Run = {}
    best: dict[str, dict[str, str]] = {}
    for q, found in run.items():
        first: dict[str, str] = {}
        for passage in found:  # best first
            first.setdefault(article_of(passage), passage)
        articles[q] = ranked({a: found[passage] for a, passage in first.items()}, k)
        best[q] = {a: first[a] for a in articles[q]}
    return Pooled(articles, best)


def check_splits(dataset: RetrievalDataset) -> None:
    """Refuse a dataset of passages in which training and held-out queries are answered by passages of one article.

    Such an article was seen in training, and its other passages would count as unseen. Judge articles and ``pool`` the
    runs of passages instead: the two kinds of queries are then told apart (``evaluation.query_slices``).

    Raises:
        LeakageError: There is such an article; the message names it.
        DataError: A judged document is no passage.
    """
    trained: dict[str, dict[str, str]] = {}
    for passage, query in _answers(dataset, "train").items():
        trained.setdefault(article_of(passage), {})[passage] = query
    for split in ("dev", "test"):
        for passage, query in _answers(dataset, split).items():
            seen = trained.get(article_of(passage), {})
            if seen and passage not in seen:
                other, asked = next(iter(seen.items()))
                raise LeakageError(
                    f"{article_of(passage)}: its passage {other} answers query {asked} of train and {passage} query {query} "
                    f"of {split}: keep an article's passages in one split, or judge articles and pool the runs"
                )


def _answers(dataset: RetrievalDataset, split: str) -> dict[str, str]:
    """Return each passage that is judged relevant in ``split``, and a query that it answers."""
    return {passage: q for q, passage in dataset.pairs(split)} if split in dataset.qrels else {}
