"""Facts that an answer must contain: is the answer in a text, asked without any judge.

A fact is a list of alternatives, of which one must stand in the text. The first ones are words of an article that is judged
relevant; those after them say the same in other words ("two weeks" for "14 days").
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import regex

from tutorial_lib.data.dataset import DataError, RetrievalDataset
from tutorial_lib.data.json_rows import json_rows
from tutorial_lib.data.paths import is_there

Fact = tuple[str, ...]
"""Alternatives, of which one must appear; the first stands in an article that is judged relevant."""

Facts = dict[str, tuple[Fact, ...]]
"""query id -> the facts that its answer must contain, at least one."""

_THOUSANDS = regex.compile(r"(?<![\d.,:])(\d{1,3})((?:[,'’\u00a0\u2009\u202f]\d{3})+)(?![\d:]|[.,'’]\d{3})")
_PER_CENT = regex.compile(r"%|\bper cent\b")
_WITHIN = regex.compile(r"(?<=\w)['’](?=\w)|\p{Cf}")
"""Apostrophes within a word, and what cannot be seen (soft hyphens, joiners)."""
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_WORD = regex.compile(
    rf"\d+(?:[.,:]\d+)* | {_UNSPACED}\p{{M}}* | [\p{{L}}--{_UNSPACED}][\p{{L}}\p{{M}}--{_UNSPACED}]*",
    regex.VERBOSE | regex.VERSION1,
)
_ROUND = regex.compile(r"^(\d+)\.0+$")


def plain_words(text: str) -> str:
    """Return the words of ``text`` in the form in which facts are compared, one space between them.

    What is one: case and Unicode's compatible forms (NFKC); punctuation, so "Fares → Season" and "Fares > Season"; numbers
    with and without marks for thousands or empty decimals (1,000 and 1000; 15.00 and 15); "%", "percent" and "per cent"; an
    s at the end of a word (14-day, 14 days); a number and what is written to it (4GB, 4 GB). Numbers stay whole: 1.5 holds
    no 5. Scripts that put no spaces between words are cut into characters.

    >>> plain_words("Up to 1,000 clients’ rows (40 %), 14-day limit: 0.20!")
    'up to 1000 client row 40 percent 14 day limit 0.20'
    """
    joined = _THOUSANDS.sub(lambda found: found[1] + regex.sub(r"\D", "", found[2]), text)
    folded = unicodedata.normalize("NFKC", _WITHIN.sub("", joined)).casefold()
    return " ".join(_thin(word) for word in _WORD.findall(_PER_CENT.sub(" percent ", folded)))


def _thin(word: str) -> str:
    """Return a number without empty decimals, a longer word without its last s."""
    if word[0].isdigit():
        return _ROUND.sub(r"\1", word)
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def read_facts(path: str | Path, dataset: RetrievalDataset, split: str = "test") -> Facts:
    """Read the facts of queries: JSON Lines, ``{"query_id": …, "facts": [["14 days", "two weeks"], …]}``.

    Args:
        path: The file.
        dataset: Whose queries they are, and whose articles they are taken from.
        split: Whose judgments say which articles are relevant.

    Returns:
        Facts by query id, in the order of the file.

    Raises:
        DataError: The file is missing or empty; a line is broken, names a query twice or one that is not judged, or holds a
            fact that does not begin with words of a relevant article. Names file and line.
    """
    path = Path(path)
    relevant = dataset.positives(split) if split in dataset.qrels else {}
    if not relevant:
        raise DataError(f"{dataset.name}: the split {split!r} has no judged query: pass one that has")
    facts: Facts = {}
    for line, row in _rows(path):
        try:
            query_id, found = _parsed(row)
            if query_id in facts:
                raise DataError(f"query {query_id!r} has facts already: give each query one line")
            if query_id not in relevant:
                raise DataError(f"query {query_id!r} is not judged in {split} of {dataset.name}: name one that is")
            _refuse_invented(found, [dataset.corpus[a].full_text for a in relevant[query_id]], relevant[query_id])
        except DataError as error:
            raise DataError(f"{path} line {line}: {error}") from None
        facts[query_id] = found
    if not facts:
        raise DataError(f"{path} holds no facts: write one JSON object a line")
    return facts


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if not is_there(path):
        raise DataError(f"{path}: no such file: pass JSON Lines of facts")
    for line, row in json_rows(path):
        if isinstance(row, str):
            raise DataError(f"{path} line {line}: {row}")
        yield line, row


def _parsed(row: Mapping[str, Any]) -> tuple[str, tuple[Fact, ...]]:
    """Return query id and facts of one line, refuse what has another form."""
    for key in ("query_id", "facts"):
        if key not in row:
            raise DataError(f'no "{key}" (keys: {", ".join(row) or "none"}): add it')
    query_id, facts = row["query_id"], row["facts"]
    if not isinstance(query_id, str):
        raise DataError(f'"query_id" is {query_id!r:.60}: pass a string')
    if not isinstance(facts, list) or not facts:
        raise DataError(f'"facts" is {facts!r:.60}: pass a list of at least one fact')
    for fact in facts:
        if not isinstance(fact, list) or not fact or not all(isinstance(a, str) and plain_words(a) for a in fact):
            raise DataError(f"the fact {fact!r:.60} is no list of texts with a letter or digit each: pass its alternatives")
    return query_id, tuple(tuple(fact) for fact in facts)


def _refuse_invented(facts: Sequence[Fact], texts: Sequence[str], names: Sequence[str]) -> None:
    """Refuse a fact whose first alternative stands in none of the ``texts``, which are the articles ``names``."""
    for fact in facts:
        if not any(facts_in(text, [fact[:1]])[0] for text in texts):
            raise DataError(f"{fact[0]!r} does not stand in {' or '.join(names)}: begin the fact with words that do")


def facts_in(text: str, facts: Sequence[Fact]) -> list[bool]:
    """Return for each fact whether one of its alternatives stands in ``text``, as whole words in a row (``plain_words``).

    >>> facts_in("Ask within 14 days; 1,000 rows are read.", [("14 days", "two weeks"), ("1000 rows",), ("4 days",)])
    [True, True, False]
    """
    return _held(_framed(text), _forms(facts))


def _framed(text: str) -> str:
    """Return the words of ``text`` with a space at both ends: one stands in another only as whole words."""
    return f" {plain_words(text)} "


def _forms(facts: Sequence[Fact]) -> list[list[str]]:
    return [[_framed(alternative) for alternative in fact] for fact in facts]


def _held(words: str, forms: Sequence[Sequence[str]]) -> list[bool]:
    return [any(form in words for form in alternatives) for alternatives in forms]


def answer_recall(texts: Mapping[str, str], facts: Mapping[str, Sequence[Fact]]) -> pd.DataFrame:
    """Return how much of each query's answer stands in its text: a context given to a model, or what the model wrote.

    Args:
        texts: Text by query id; those of queries without facts are passed over.
        facts: Facts by query id. A query that has no text counts 0.

    Returns:
        Index query id (ascending, every query of ``facts``); columns "facts" (how many), "recall" (share of them that the
        text contains, 0 to 1, higher is better) and "all" (whether it contains them all). The means of the last two are
        answer recall and the share of queries that can be answered.

    Raises:
        ValueError: No query has both facts and a text, or a query has an empty list of facts (names it).

    >>> said = {"q1": "Write within 14 days.", "q2": "Ask Box 4."}
    >>> answer_recall(said, {"q1": [("14 days",), ("110 %",)], "q2": [("Box 4",)]})["recall"].to_dict()
    {'q1': 0.5, 'q2': 1.0}
    """
    if not facts.keys() & texts.keys():
        raise ValueError(f"{len(texts)} texts, {len(facts)} queries with facts, none in common: key both by query id")
    if empty := [query_id for query_id, its in facts.items() if not its]:
        raise ValueError(f"query {empty[0]!r} has no facts: leave out what has none")
    rows = {}
    for query_id in sorted(facts):
        held = facts_in(texts.get(query_id, ""), facts[query_id])
        rows[query_id] = {"facts": len(held), "recall": sum(held) / len(held), "all": all(held)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("query_id")


def fact_spread(facts: Mapping[str, Sequence[Fact]], documents: Mapping[str, str]) -> pd.DataFrame:
    """Return in how many documents each fact stands: one that stands in many tells nothing of what was retrieved.

    Args:
        facts: Facts by query id.
        documents: Text by document id, length N.

    Returns:
        One row a fact, in the order of ``facts``: "query_id", "fact" (its first alternative), "documents" (how many hold
        one of its alternatives) and "together" (how many hold all facts of its query, each by one alternative).
    """
    texts = [_framed(text) for text in documents.values()]
    rows = []
    for query_id, its in facts.items():
        forms = _forms(its)
        held = np.array([_held(text, forms) for text in texts], dtype=bool).reshape(len(texts), len(its))
        together = int(held.all(axis=1).sum())
        for fact, count in zip(its, held.sum(axis=0), strict=True):
            rows.append({"query_id": query_id, "fact": fact[0], "documents": int(count), "together": together})
    return pd.DataFrame(rows)
