"""Cleaning steps for what customers wrote: each a function from dataset to ``CleaningStep``, chained by ``cleaning.clean``.

Ticket texts are changed or dropped in every split alike; queries from elsewhere (searches, a golden set) stay as they are.
No step looks at who is right: noisy judgments are the business of ``noise``. A step's rows never quote personal data it took
out: the raw export holds it, and ``CleaningReport.without`` undoes a step.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from mailparser_reply import EmailReplyParser
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from tutorial_lib.cleaning.privacy import find_personal_data, redact
from tutorial_lib.cleaning.report import CleaningStep, table_of
from tutorial_lib.cleaning.steps import near_duplicate_documents, remove_leaks
from tutorial_lib.data.dataset import DataError, Document, Qrels, Query, RetrievalDataset
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.text import has_words, near_duplicate_groups, tokenize, word_shingles

_AUTOMATIC_SUBJECT = re.compile(
    r"\b(out of (the )?office|auto(matic|mated)?[- ]?(reply|response)|delivery (status|failure)|undeliver(able|ed)|"
    r"mail delivery|returned mail)",
    re.IGNORECASE,
)


_AUTOMATIC_TEXT = re.compile(
    r"(\bthis (message|mail|e-?mail|report|notice|notification) (was|is|has been) (sent |generated |created )?automatic|"
    r"\bthis is an automat|\b(please )?do[- ]not[- ]reply to this|\bfrom: \S*no-?reply@|\bmailer-daemon@|"
    r"\b(to|click|here|link)\b.{0,30}\bunsubscribe\b|\bunsubscribe (here|at|from this|any time|link|https?:)|"
    r"\bi (am|will be) (currently )?out of (the )?office)",
    re.IGNORECASE,
)


_TEST_WORDS = frozenset(
    {
        "test",
        "tests",
        "testing",
        "tested",
        "asdf",
        "qwerty",
        "foo",
        "bar",
        "baz",
        "hello",
        "hi",
        "hallo",
        "1",
        "2",
        "3",
        "12",
        "123",
        "1234",
        "ignore",
        "please",
        "pls",
        "this",
        "check",
    }
)


def _ticket_texts(dataset: RetrievalDataset) -> dict[str, str]:
    return {q: v.text for q, v in dataset.queries.items() if v.metadata.get("source") == "ticket"}


def _with_texts(dataset: RetrievalDataset, texts: Mapping[str, str]) -> RetrievalDataset:
    """Return the dataset with these query texts; a query left without words goes."""
    queries = {q: Query(q, texts.get(q, v.text), v.metadata) for q, v in dataset.queries.items()}
    kept = {q for q, v in queries.items() if has_words(v.text)}
    return replace(dataset, queries=queries).restrict(queries=kept)


def quoted_threads(dataset: RetrievalDataset) -> CleaningStep:
    """Cut quoted mails and signatures from tickets: they are somebody else's words, and full of names.

    ``mail-parser-reply`` finds quotes and marked signatures; unmarked ones are the few short lines without a full stop
    after the last full stop. A message that would be empty afterwards is kept as it is.
    """
    parser = EmailReplyParser(languages=["en", "de", "fr"])
    cut, records = {}, []
    for q, text in _ticket_texts(dataset).items():
        replies = parser.read(text=text).replies
        own = _without_sign_off(replies[0].body.strip()) if replies else ""
        if has_words(own) and len(own) < len(text.strip()):
            cut[q] = own
            tail = text.strip().removeprefix(own).strip() if text.strip().startswith(own) else ""
            records.append((q, own, f"{len(text.strip()) - len(own)} characters cut, {len(tail.splitlines())} lines"))
    return CleaningStep(
        "quoted threads", "ticket", "quoted mails and signatures are cut", _with_texts(dataset, cut), table_of(records)
    )


def _without_sign_off(text: str, *, max_lines: int = 5, max_words: int = 8) -> str:
    """Return ``text`` without a last block such as "Ta" above "Jo Brandt, Brandt Roofing"; the first two lines stay."""
    lines = [line for line in text.split("\n") if not line.startswith(">")]
    end = len(lines)
    while end > 2 and len(lines) - end < max_lines and _is_sign_off(lines[end - 1], max_words):
        end -= 1
    above = next((line for line in reversed(lines[:end]) if line.strip()), "")
    if end == len(lines) or not above.rstrip().endswith((".", "?", "!", ")", "…")):
        end = len(lines)  # the sentence goes on: no signature
    return "\n".join(lines[:end]).strip()


def _is_sign_off(line: str, max_words: int) -> bool:
    words = line.split()
    return (
        len(words) <= max_words
        and not line.rstrip().endswith((".", "?", ":"))
        and (not words or words[0][0].isupper() or words[0][0] in "-(+0123456789" or "@" in line or len(words) == 1)
    )


def set_apart(dataset: RetrievalDataset, *, language: str | None = None, min_words: int = 6) -> CleaningStep:
    """Drop tickets that no customer with a question wrote: tests, automatic mail, other languages than the help centre's.

    Args:
        dataset: Dataset whose tickets are looked at.
        language: ISO 639 code to keep; by default that of most articles.
        min_words: Shorter tickets are not judged by language: a few words are not enough to tell.
    """
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    if language is None:
        sample = list(dataset.document_texts().values())[:: max(1, len(dataset.corpus) // 50)]
        language = Counter(identifier.classify(t)[0] for t in sample).most_common(1)[0][0]
    records = []
    for q, text in _ticket_texts(dataset).items():
        words = tokenize(text)
        if not set(words) - _TEST_WORDS or (len(words) <= 3 and _mash(words)):
            records.append((q, text, "a test"))
        elif _AUTOMATIC_SUBJECT.search(text.split("\n")[0]) or _AUTOMATIC_TEXT.search(text):
            records.append((q, text, "automatic mail"))
        elif len(words) >= min_words:
            found, probability = identifier.classify(text)
            if found != language and probability > 0.95:
                records.append((q, text, f"written in {found!r}"))
    rows = table_of(records)
    return CleaningStep(
        "set apart",
        "ticket",
        f"no tests, no automatic mail, only language {language!r}",
        dataset.restrict(queries=set(dataset.queries) - set(rows["id"])),
        rows,
    )


def _mash(words: list[str]) -> bool:
    """Return whether all words look like fingers on a keyboard: long without a vowel, or one row of keys, or one letter."""
    rows = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    return all(
        len(set(w)) == 1 or (len(w) > 3 and (not set(w) & set("aeiouy") or any(set(w) <= set(r) for r in rows)))
        for w in words
    )


def personal_data(dataset: RetrievalDataset) -> CleaningStep:
    """Replace personal data in tickets by typed placeholders such as <EMAIL>.

    A finding made up of words that the articles use, in any case, is no name: "Season" is the product's.
    """
    texts = _ticket_texts(dataset)
    never = {w for a in dataset.corpus.values() for w in tokenize(a.full_text)}
    found = dict(zip(texts, find_personal_data(list(texts.values()), never=never), strict=True))
    changed = {q: redact(texts[q], findings) for q, findings in found.items() if findings}
    rows = table_of(
        [
            (q, text, ", ".join(f"{n} {kind}" for kind, n in sorted(Counter(f.kind for f in found[q]).items())))
            for q, text in changed.items()
        ]
    )
    return CleaningStep(
        "personal data", "ticket", "names, addresses, numbers become typed placeholders", _with_texts(dataset, changed), rows
    )


def repeated_tickets(dataset: RetrievalDataset, *, threshold: float = 0.6) -> CleaningStep:
    """Merge tickets that share most of their 3-word sequences into the oldest one, with all their articles.

    Found with MinHash (Broder 1997). A repeat in a later split goes too: it would be a question already seen.
    """
    texts = _ticket_texts(dataset)
    groups = near_duplicate_groups({q: word_shingles(t) for q, t in texts.items()}, threshold, label="repeated tickets")
    judged = {q: (split, grades) for split, queries in dataset.qrels.items() for q, grades in queries.items()}
    qrels = {s: dict(queries) for s, queries in dataset.qrels.items()}
    records = []
    for group in groups:
        oldest, *others = sorted(group, key=lambda q: (str(dataset.queries[q].metadata.get("created_at", "")), q))
        split = judged[oldest][0]
        for q in others:
            if judged[q][0] == split:  # what a later period found out must not reach back into training
                qrels[split][oldest] = {**judged[q][1], **qrels[split][oldest]}
            del qrels[judged[q][0]][q]
            records.append((q, texts[q], f"repeats {oldest}"))
    return CleaningStep(
        "repeated tickets",
        "ticket",
        f"{threshold:.0%} of 3-word sequences shared: one ticket",
        replace(dataset, qrels=qrels).restrict(),
        table_of(records),
    )


def superseded_documents(dataset: RetrievalDataset) -> CleaningStep:
    """Point judgments of superseded articles to their successors and take the old versions out of the corpus.

    Raises:
        DataError: A successor does not exist, or a chain of successors runs in a circle.
    """
    successor = {a: str(v.metadata["superseded_by"]) for a, v in dataset.corpus.items() if v.metadata.get("superseded_by")}
    last = {a: _end_of_chain(a, successor, dataset.corpus) for a in successor}
    records = []
    qrels: dict[str, Qrels] = {}
    for split, judged in dataset.qrels.items():
        qrels[split] = {}
        for q, grades in judged.items():
            moved: dict[str, int] = {}
            for a, g in grades.items():
                moved[last.get(a, a)] = max(g, moved.get(last.get(a, a), g))
                if a in last:
                    records.append((q, dataset.queries[q].text, f"{a} -> {last[a]}"))
            qrels[split][q] = moved
    corpus = {a: v for a, v in dataset.corpus.items() if a not in successor}
    card = {**dataset.card, "superseded": last}
    return CleaningStep(
        "superseded articles",
        "ticket",
        "the successor takes the place of a superseded article",
        replace(dataset, corpus=corpus, qrels=qrels, card=card),
        table_of(records),
    )


def _end_of_chain(document_id: str, successor: Mapping[str, str], corpus: Mapping[str, Document]) -> str:
    seen = [document_id]
    while seen[-1] in successor:
        following = successor[seen[-1]]
        if following in seen:
            raise DataError(f"superseded_by runs in a circle: {' -> '.join([*seen, following])}")
        if following not in corpus:
            raise DataError(
                f"article {seen[-1]!r} is superseded by {following!r}, which is not in the help centre: correct "
                "superseded_by, or leave it empty"
            )
        seen.append(following)
    return seen[-1]


def pasted_everywhere(
    dataset: RetrievalDataset,
    *,
    min_share: float = 0.04,
    min_tickets: int = 10,
    lost_rank: int = 50,
    lost_share: float = 0.5,
) -> CleaningStep:
    """Weigh down articles that agents paste into whatever ticket: only the plausible pairs are kept.

    An article is suspect if ``min_share`` of all training tickets (and at least ``min_tickets``) were solved with it, and
    ``lost_share`` of these have so little to do with it that BM25 puts it below ``lost_rank`` (or the middle of a small
    corpus). Being lost to BM25 alone proves little: customers and articles may just use other words. Of a suspect article
    the pairs within ``lost_rank`` are kept, the others leave train and dev. Test tickets stay: they report.
    """
    bm25 = BM25(dataset.document_texts())
    position = {a: n for n, a in enumerate(bm25.ids)}
    limit = min(lost_rank, len(position) // 2)
    tickets = _ticket_texts(dataset)
    pairs: dict[str, list[tuple[str, str, int]]] = {}
    for split in ("train", "dev"):
        for q, a in dataset.pairs(split):
            if q in tickets:
                scores = bm25.scores([tickets[q]])[0]
                pairs.setdefault(a, []).append((split, q, int(np.sum(scores > scores[position[a]])) + 1))
    enough = max(min_tickets, min_share * sum(q in tickets for q in dataset.qrels["train"]))
    drop: dict[str, set[str]] = {}
    records = []
    for a, rows in sorted(pairs.items()):
        train = [rank for split, _, rank in rows if split == "train"]
        if len(train) < enough or np.mean([rank > limit for rank in train]) < lost_share:
            continue
        for _, q, rank in rows:
            if rank > limit:
                drop.setdefault(q, set()).add(a)
                records.append((q, tickets[q], f"{a} is pasted everywhere; here BM25 puts it at {rank}"))
    qrels = {
        s: {q: {a: g for a, g in grades.items() if s == "test" or a not in drop.get(q, ())} for q, grades in judged.items()}
        for s, judged in dataset.qrels.items()
    }
    rule = f"articles pasted into anything keep the pairs within BM25 rank {limit}"
    return CleaningStep("pasted everywhere", "ticket", rule, replace(dataset, qrels=qrels).restrict(), table_of(records))


TICKET_STEPS: tuple[Callable[[RetrievalDataset], CleaningStep], ...] = (
    quoted_threads,
    set_apart,
    personal_data,
    repeated_tickets,
    superseded_documents,
    pasted_everywhere,
    near_duplicate_documents,
    remove_leaks,
)
"""In this order: signatures go before names are looked for, repeats are compared without either."""
