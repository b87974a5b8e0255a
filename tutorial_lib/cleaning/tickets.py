"""Cleaning steps for what customers wrote, chained by ``clean``.

Ticket texts are changed or dropped in every split alike; queries from elsewhere (searches, a golden set) stay as they are.
No step looks at who is right: noisy judgments are the business of ``noise``. A step's rows never quote personal data it took
out: the raw export holds it, and ``CleaningReport.without`` undoes a step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from mailparser_reply import EmailReplyParser

from tutorial_lib.cleaning.pasted import pasted_everywhere
from tutorial_lib.cleaning.privacy import find_personal_data, redact
from tutorial_lib.cleaning.report import CleaningStep, Step, table_of
from tutorial_lib.cleaning.set_apart import set_apart
from tutorial_lib.cleaning.settings import DEFAULTS, CleaningSettings
from tutorial_lib.cleaning.steps import merged_grades, near_duplicate_documents, remove_leaks
from tutorial_lib.cleaning.ticket_texts import ticket_texts, with_texts
from tutorial_lib.data.dataset import DataError, Document, Qrels, RetrievalDataset
from tutorial_lib.text import has_words, near_duplicate_groups, tokenize, word_shingles


def quoted_threads(dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS) -> CleaningStep:
    """Cut quoted mails and signatures from tickets: they are somebody else's words, and full of names.

    ``mail-parser-reply`` finds quotes and marked signatures; unmarked ones are the few short lines without a full stop
    after the last full stop. A message that would be empty afterwards is kept as it is.
    """
    parser = EmailReplyParser(languages=["en", "de", "fr"])
    cut, records = {}, []
    for q, text in ticket_texts(dataset).items():
        replies = parser.read(text=text).replies
        own = _without_sign_off(replies[0].body.strip()) if replies else ""
        if has_words(own) and len(own) < len(text.strip()):
            cut[q] = own
            tail = text.strip().removeprefix(own).strip() if text.strip().startswith(own) else ""
            records.append((q, own, f"{len(text.strip()) - len(own)} characters cut, {len(tail.splitlines())} lines"))
    return CleaningStep(
        "quoted threads", "ticket", "quoted mails and signatures are cut", with_texts(dataset, cut), table_of(records)
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


def personal_data(dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS) -> CleaningStep:
    """Replace personal data in tickets by typed placeholders such as <EMAIL>.

    A finding made up of words that the articles use, in any case, is no name: "Season" is the product's.
    """
    texts = ticket_texts(dataset)
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
        "personal data", "ticket", "names, addresses, numbers become typed placeholders", with_texts(dataset, changed), rows
    )


def repeated_tickets(dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS) -> CleaningStep:
    """Merge tickets that share most of their 3-word sequences into the oldest one, with all their articles.

    Found with MinHash (Broder 1997). A repeat in a later split goes too: it would be a question already seen.
    """
    texts = ticket_texts(dataset)
    shingles = {q: word_shingles(t) for q, t in texts.items()}
    groups = near_duplicate_groups(shingles, settings.repeat_threshold, label="repeated tickets")
    judged = {q: (split, grades) for split, queries in dataset.qrels.items() for q, grades in queries.items()}
    qrels = {s: dict(queries) for s, queries in dataset.qrels.items()}
    records = []
    for group in groups:
        oldest, *others = sorted(group, key=lambda q: (str(dataset.queries[q].metadata.get("created_at", "")), q))
        split = judged[oldest][0]
        for q in others:
            if judged[q][0] == split:  # what a later period found out must not reach back into training
                qrels[split][oldest] = merged_grades([qrels[split][oldest], judged[q][1]])
            del qrels[judged[q][0]][q]
            records.append((q, texts[q], f"repeats {oldest}"))
    return CleaningStep(
        "repeated tickets",
        "ticket",
        f"{settings.repeat_threshold:.0%} of 3-word sequences shared: one ticket",
        replace(dataset, qrels=qrels).restrict(),
        table_of(records),
    )


def superseded_documents(dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS) -> CleaningStep:
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
            qrels[split][q] = merged_grades([{last.get(a, a): g} for a, g in grades.items()])
            records += [(q, dataset.queries[q].text, f"{a} -> {last[a]}") for a in grades if a in last]
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


TICKET_STEPS: tuple[Step, ...] = (
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
