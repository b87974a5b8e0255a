"""Clicked and failed searches as queries."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from tutorial_lib.data.articles import Articles, read_articles
from tutorial_lib.data.cells import cell_text, flag, what_it_holds
from tutorial_lib.data.columns import Columns, SearchColumns
from tutorial_lib.data.dataset import DataError, Document, Qrels, Query, RetrievalDataset
from tutorial_lib.data.splits import SplitSettings, split_by_time
from tutorial_lib.data.table import NO_DATE, Table
from tutorial_lib.data.ubi import MAX_RANK
from tutorial_lib.data.ubi_log import UbiLog, open_log
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

    def __post_init__(self) -> None:
        """Refuse what would count every click, or none."""
        if not self.min_dwell >= 0:
            raise ValueError(f"min_dwell is {self.min_dwell}: pass seconds, 0 or more")
        if not 0 <= self.position_bias <= 5:
            raise ValueError(f"position_bias is {self.position_bias}: pass 0 (every click counts 1) to 5; 0.7 is usual")
        if not self.min_weight > 0:
            raise ValueError(f"min_weight is {self.min_weight}: pass a sum of click weights above 0; 1 is one click")


@dataclass
class _Learnt:
    """What the searches of one wording have shown so far: the first spelling, the earliest time, weight by article."""

    text: str
    when: datetime
    weight: dict[str, float] = field(default_factory=dict)


@dataclass
class _Log:
    """A search log while it is read: its file, what it may name, when a click counts, what became of its rows."""

    table: Table | UbiLog
    names: SearchColumns
    corpus: Mapping[str, Document]
    notes: tuple[str, ...]
    settings: ClickSettings
    solved: Mapping[str, Collection[str]]
    count: Counter[str] = field(default_factory=Counter)


def from_search_log(
    searches: str | Path,
    articles: str | Path,
    columns: Columns | None = None,
    *,
    corpus: dict[str, Document] | None = None,
    clicks: ClickSettings | None = None,
    solved: Mapping[str, Collection[str]] | None = None,
    split: SplitSettings | None = None,
    divide: bool = True,
) -> RetrievalDataset:
    """Return searches as queries, each with the articles that its satisfied clicks point to, divided by time.

    A click is satisfied if it was the last of its search, the reader stayed, and no ticket followed; satisfied clicks are
    weighted against position bias and summed per (query, article). Clicks can only confirm what the old search found.
    Where it failed, and a ticket followed, the article that solved the ticket is the answer: these searches are worth the
    most, for they show the words that the help centre does not use. Spellings that differ only in case, punctuation or
    a/an/the are one query.

    Args:
        searches: The search log: JSONL or Parquet with a list of clicks a row, any table with one click a row, or what the
            service records (``ubi_log``): a folder of JSON lines, or a file, in the schema of User Behavior Insights.
        articles: Export of the help centre.
        columns: Which column holds what.
        corpus: The articles, where ``articles`` has been read already.
        clicks: When a click counts.
        solved: For each ticket id the articles that solved it (see ``solved_tickets``), to learn from failed searches.
        split: As for ``from_ticket_log``; given dates may leave a split without searches.
        divide: As for ``from_ticket_log``.

    Returns:
        The dataset; ``card["read"]`` counts clicks by what became of them, metadata holds ``source`` ("search"),
        ``created_at`` (of the first satisfied click, or failed search) and ``click_weight``.

    Raises:
        DataError: A file, a column or a value cannot be used, or no query keeps an article.
    """
    columns, split = columns or Columns(), split or SplitSettings()
    read = read_articles(articles, columns) if corpus is None else Articles(corpus, ())
    table, names = open_log(Path(searches), columns)
    log = _Log(table, names, *read, clicks or ClickSettings(), solved or {})
    dataset = _dataset_of(log, _added_up(log), Path(articles).name)
    return split_by_time(dataset, split, allow_empty=split.dev_from is not None) if divide else dataset


def _added_up(log: _Log) -> dict[str, _Learnt]:
    """Read the log and return what its searches show, by their wording in normal form."""
    found: dict[str, _Learnt] = {}
    searches = searches_in(log.table.rows(log.count), log.names)
    for line, row in tqdm(searches, desc="read searches", unit=" searches", mininterval=1, delay=3):
        gained = _gained(log, line, row)
        when = log.table.time(line, row) if gained else None
        if gained and when is None:
            log.count[NO_DATE] += 1
        elif when:
            text = cell_text(row.get(log.names.query))
            learnt = found.setdefault(normal_form(text), _Learnt(text, when))
            learnt.when = min(learnt.when, when)
            for a, weight in gained.items():
                learnt.weight[a] = learnt.weight.get(a, 0.0) + weight
    return found


def searches_in(rows: Iterable[tuple[int, dict[str, Any]]], names: SearchColumns) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield one row a search with its clicks in order; rows of one click are put together while they follow each other.

    Of such rows one may be a repeat of the search without a click, and any may name the ticket that followed.
    """
    if names.clicks:
        for line, row in rows:
            yield line, {**row, "clicks": row.get(names.clicks) or []}
        return
    followed = names.ticket_followed or ""
    current: dict[str, Any] | None = None
    start = 0
    for line, row in rows:
        if current is None or any(current.get(c) != row.get(c) for c in (names.session_id, names.query)):
            if current:
                yield start, current
            start, current = line, {**row, "clicks": []}
        if cell_text(row.get(names.article_id)):
            current["clicks"].append((line, row))
        if flag(current.get(followed)) is False:
            current[followed] = row.get(followed)
    if current:
        yield start, current


def _gained(log: _Log, line: int, row: Mapping[str, Any]) -> dict[str, float]:
    """Return the weight that one search adds to each article: of the ticket that followed it, else of its last click."""
    names, count, clicks = log.names, log.count, row["clicks"]
    count["searches"] += 1
    if not isinstance(clicks, list):
        raise DataError(
            f"{log.table.path} line {line}: {names.clicks} is {clicks!r:.60}, not a list: where a row is one click, "
            "leave clicks out of [search]"
        )
    count["clicks"] += len(clicks)
    ticket = cell_text(row.get(names.ticket_followed or ""))
    if not has_words(cell_text(row.get(names.query))):
        count["empty searches"] += 1
    elif ticket in log.solved or flag(ticket) is not False:  # "1" and "y" may be a ticket's id, or say that one followed
        count["a ticket followed"] += 1
        gained = {a: log.settings.min_weight for a in log.solved.get(ticket, ()) if a in log.corpus}
        count["failed, answered by the ticket"] += bool(gained)
        return gained
    elif clicks:
        count["clicks before the last"] += len(clicks) - 1
        return _satisfied(log, *(clicks[-1] if isinstance(clicks[-1], tuple) else (line, clicks[-1])))
    else:
        count["given up without a click"] += 1
    return {}


def _satisfied(log: _Log, line: int, click: Any) -> dict[str, float]:
    """Return the weight of the last click of a search by its article; none, and the reason counted, if it says nothing."""
    names, settings = log.names, log.settings
    try:
        article, rank, dwell = click[names.article_id], float(click[names.rank]), float(click[names.dwell_seconds])
        usable = not what_it_holds(article) and 1 <= rank <= MAX_RANK and 0 <= dwell < math.inf
    except (KeyError, TypeError, ValueError, OverflowError):
        usable = False
    if not usable:
        raise DataError(
            f"{log.table.path} line {line}: a click needs {names.article_id}, {names.rank} (from 1 to {MAX_RANK:,}) and "
            f"{names.dwell_seconds} (0 or more), found {click!r:.300}"
        )
    if dwell < settings.min_dwell:
        log.count[f"left within {settings.min_dwell:.0f} s"] += 1
    elif cell_text(article) not in log.corpus:
        log.count["article not in the help centre"] += 1
    else:
        log.count["satisfied"] += 1
        return {cell_text(article): rank**settings.position_bias}
    return {}


def _dataset_of(log: _Log, found: Mapping[str, _Learnt], articles: str) -> RetrievalDataset:
    """Return the dataset, all in train, of what was learnt well enough; ``articles`` is the name of the articles' file."""
    queries: dict[str, Query] = {}
    judged: Qrels = {}
    for n, (_, learnt) in enumerate(sorted(found.items())):
        kept = {a: w for a, w in learnt.weight.items() if w >= log.settings.min_weight}
        log.count["(query, article) too weak"] += len(learnt.weight) - len(kept)
        if kept:
            id_, weight = f"search/{n:05d}", round(max(kept.values()), 3)
            metadata = {"source": "search", "created_at": learnt.when.isoformat(), "click_weight": weight}
            queries[id_] = Query(id_, learnt.text, metadata)
            judged[id_] = dict.fromkeys(sorted(kept), 1)
    if not judged:
        raise DataError(
            f"{log.table.path}: no search keeps an article ({dict(log.count)}): lower min_weight or min_dwell, or check "
            "[search] in the mapping"
        )
    card = {"source": f"{log.table.path.name} (searches) and {articles} (articles)", "read": dict(log.count)}
    name, qrels = log.table.path.parent.name or log.table.path.stem, {"train": judged, "dev": {}, "test": {}}
    return RetrievalDataset(name, dict(log.corpus), queries, qrels, card, notes=_notes(log, len(judged)))


def _notes(log: _Log, kept: int) -> tuple[str, ...]:
    count = log.count
    note = (
        f"{log.table.path.name}: {count['searches']:,} searches with {count['clicks']:,} clicks, {count['satisfied']:,} of "
        f"them satisfied; {count['failed, answered by the ticket']:,} failed and were answered by a ticket; {kept:,} queries "
        "keep an article"
    )
    left_out = [f"{count[reason]:,} {reason}" for reason in ("broken row", NO_DATE) if count[reason]]
    return (*log.notes, *log.table.notes, note + (f"; left out: {', '.join(left_out)}" if left_out else ""))
