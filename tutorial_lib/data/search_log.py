"""Clicked and failed searches as queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from tutorial_lib.data.articles import read_articles
from tutorial_lib.data.columns import Columns, SearchColumns
from tutorial_lib.data.dataset import DataError, Qrels, Query, RetrievalDataset
from tutorial_lib.data.rows import cell_text, checked_rows, read_rows
from tutorial_lib.data.splits import split_by_time
from tutorial_lib.data.times import located_time
from tutorial_lib.text import has_words, normal_form


@dataclass(frozen=True)
class ClickSettings:
    """When a click counts as "this article answers this query".

    Attributes:
        min_dwell: Seconds that the reader must have stayed.
        position_bias: A click at rank r counts r ** position_bias: people look at low places less, so a click there
            says more (Joachims et al. 2017, arXiv:1608.04468, equation 8 with its usual form of the propensity).
        min_weight: Least sum of such counts over all sessions. At 2, one click on the first place is not enough, since
            the first place is clicked for being first; two clicks are, or one further down.
    """

    min_dwell: float = 30.0
    position_bias: float = 0.7
    min_weight: float = 2.0


def from_search_log(
    searches: str | Path,
    articles: str | Path,
    columns: Columns | None = None,
    *,
    settings: ClickSettings | None = None,
    solved: Mapping[str, Collection[str]] | None = None,
    dev_from: str | None = None,
    test_from: str | None = None,
    divide: bool = True,
) -> RetrievalDataset:
    """Return searches as queries, each with the articles that its satisfied clicks point to, divided by time.

    A click is satisfied if it was the last of its search, the reader stayed, and no ticket followed; satisfied clicks are
    weighted against position bias and summed per (query, article). Clicks can only confirm what the old search found.
    Where it failed, and a ticket followed, the article that solved the ticket is the answer: these searches are worth the
    most, for they show the words that the help centre does not use. Spellings that differ only in case, punctuation or
    a/an/the are one query.

    Args:
        searches: The search log: JSONL or Parquet with a list of clicks a row, or any table with one click a row.
        articles: Export of the help centre.
        columns: Which column holds what.
        settings: When a click counts.
        solved: For each ticket id the articles that solved it (see ``solved_tickets``), to learn from failed searches.
        dev_from: As for ``from_ticket_log``.
        test_from: As for ``from_ticket_log``.
        divide: As for ``from_ticket_log``.

    Returns:
        The dataset; ``card["read"]`` counts clicks by what became of them, metadata holds ``source`` ("search"),
        ``created_at`` (of the first satisfied click, or failed search) and ``click_weight``.

    Raises:
        DataError: A file, a column or a value cannot be used, or no query keeps an article.
    """
    columns, settings = columns or Columns(), settings or ClickSettings()
    path, names = Path(searches), columns.search
    corpus = read_articles(articles, columns)
    count: Counter = Counter()
    found: dict[str, _Clicked] = {}
    flat = ("article_id", "rank", "dwell_seconds")
    wanted = {f.name: getattr(names, f.name) for f in fields(names) if not (names.clicks and f.name in flat)}
    rows = checked_rows(path, read_rows(path, columns.format, count), wanted, "search")
    for line, row in tqdm(_searches(rows, names), desc="read searches", unit=" searches", mininterval=1, delay=3):
        count["searches"] += 1
        text = cell_text(row.get(names.query))
        if not isinstance(row["clicks"], list):
            raise DataError(
                f"{path} line {line}: {names.clicks} is {row['clicks']!r}, not a list: where a row is one click, "
                "leave clicks out of [search]"
            )
        count["clicks"] += len(row["clicks"])
        ticket = cell_text(row.get(names.ticket_followed or ""))
        if not has_words(text):
            count["empty searches"] += 1
            continue
        gained: dict[str, float] = {}
        if _true(ticket):
            count["a ticket followed"] += 1
            gained = {a: settings.min_weight for a in (solved or {}).get(ticket, ()) if a in corpus}
            count["failed, answered by the ticket"] += bool(gained)
        elif row["clicks"]:
            count["clicks before the last"] += len(row["clicks"]) - 1
            article, rank, dwell = _click(path, line, row["clicks"][-1], names)
            reason = (
                f"left within {settings.min_dwell:.0f} s"
                if dwell < settings.min_dwell
                else "article not in the help centre"
                if article not in corpus
                else "satisfied"
            )
            count[reason] += 1
            gained = {article: max(1.0, rank) ** settings.position_bias} if reason == "satisfied" else {}
        else:
            count["given up without a click"] += 1
        if gained:
            when = located_time(path, line, row.get(names.created_at), columns.format)
            clicked = found.setdefault(normal_form(text), _Clicked(text, when, {}))
            clicked.when = min(clicked.when, when)
            for a, weight in gained.items():
                clicked.weight[a] = clicked.weight.get(a, 0.0) + weight
    queries: dict[str, Query] = {}
    judged: Qrels = {}
    for n, (_, clicked) in enumerate(sorted(found.items())):
        kept = {a: w for a, w in clicked.weight.items() if w >= settings.min_weight}
        count["(query, article) too weak"] += len(clicked.weight) - len(kept)
        if kept:
            id_ = f"search/{n:05d}"
            queries[id_] = Query(
                id_,
                clicked.text,
                {"source": "search", "created_at": clicked.when, "click_weight": round(max(kept.values()), 3)},
            )
            judged[id_] = dict.fromkeys(sorted(kept), 1)
    if not judged:
        raise DataError(
            f"{path}: no search keeps an article ({dict(count)}): lower min_weight or min_dwell, or check "
            "[search] in the mapping"
        )
    card = {
        "source": f"{path.name} (searches) and {Path(articles).name} (articles)",
        "read": dict(count),
        "notes": [_search_note(path.name, count, len(judged))],
    }
    dataset = RetrievalDataset(path.parent.name or path.stem, corpus, queries, {"train": judged, "dev": {}, "test": {}}, card)
    if not divide:
        return dataset
    return split_by_time(dataset, dev_from=dev_from, test_from=test_from, allow_empty=dev_from is not None)


def _search_note(name: str, count: Counter, kept: int) -> str:
    return (
        f"{name}: {count['searches']:,} searches with {count['clicks']:,} clicks, {count['satisfied']:,} of them "
        f"satisfied; {count['failed, answered by the ticket']:,} failed and were answered by a ticket; {kept:,} queries "
        "keep an article"
    )


def _click(path: Path, line: int, click: Any, names: SearchColumns) -> tuple[str, float, float]:
    try:
        return cell_text(click[names.article_id]), float(click[names.rank]), float(click[names.dwell_seconds])
    except (KeyError, TypeError, ValueError):
        raise DataError(
            f"{path} line {line}: a click needs {names.article_id}, {names.rank} and {names.dwell_seconds}, found {click}"
        ) from None


@dataclass
class _Clicked:
    text: str
    when: str
    weight: dict[str, float]


def _searches(rows: Iterable[tuple[int, dict[str, Any]]], names: SearchColumns) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield one row a search with its clicks in order; rows of one click are put together while they follow each other."""
    if names.clicks:
        for line, row in rows:
            yield line, {**row, "clicks": row.get(names.clicks) or []}
        return
    current: dict[str, Any] | None = None
    start = 0
    for line, row in rows:
        same = current and all(current.get(c) == row.get(c) for c in (names.session_id, names.query))
        if current and same:
            current["clicks"].append(row)
            continue
        if current:
            yield start, current
        start, current = line, {**row, "clicks": [row] if cell_text(row.get(names.article_id)) else []}
    if current:
        yield start, current


def _true(value: Any) -> bool:
    return cell_text(value).lower() not in ("", "false", "0", "no", "none", "null")
