"""Cleaning steps for what customers wrote, chained by ``clean``.

Ticket texts are changed or dropped in every split alike; of queries from elsewhere (searches, a golden set) only personal
data and what is too long are taken out. No step looks at who is right: noisy judgments are the business of ``noise``. A
step's rows never quote a mail address, card, IBAN, IP or phone number, of steps before ``personal_data`` either: the raw
export holds them, and ``CleaningReport.without`` undoes a step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tutorial_lib.cleaning.languages import ENGLISH, SURE, document_languages, named
from tutorial_lib.cleaning.mail import CLOSINGS_OF, own_words
from tutorial_lib.cleaning.pasted import pasted_everywhere
from tutorial_lib.cleaning.privacy import PersonalData, find_personal_data, redact
from tutorial_lib.cleaning.repeats import repeated_tickets
from tutorial_lib.cleaning.report import CleaningStep, Step, private_table, table_of
from tutorial_lib.cleaning.set_apart import set_apart
from tutorial_lib.cleaning.settings import DEFAULTS, CleaningSettings
from tutorial_lib.cleaning.steps import merged_grades, near_duplicate_documents, remove_leaks
from tutorial_lib.cleaning.ticket_texts import (
    LONGEST_RUN,
    says_something,
    shortened,
    ticket_texts,
    with_texts,
    words_of_documents,
)
from tutorial_lib.data.dataset import DataError, Document, Qrels, Query, RetrievalDataset
from tutorial_lib.language import language_of
from tutorial_lib.text import has_words, tokenize


def long_texts(dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS) -> CleaningStep:
    """Cut what no question needs and no tool can bear: runs of one character, endless words, what is beyond ``longest_text``.

    A pasted log in one ticket must not hold up the import: mail and name finders take time with the square of such runs.
    """
    cut, records = {}, []
    for q, query in dataset.queries.items():
        short = shortened(query.text, settings.longest_text)
        if short != query.text:
            cut[q] = short
            records.append((q, short, f"{len(query.text) - len(short)} of {len(query.text)} characters cut"))
    rule = f"at most {settings.longest_text:,} characters are read of a text, and {LONGEST_RUN} of a run of one character"
    return CleaningStep("long texts", "query", rule, with_texts(dataset, cut), private_table(records))


def quoted_threads(dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS) -> CleaningStep:
    """Cut quoted mails and signatures from tickets: they are somebody else's words, and full of names.

    Only what a sign marks is cut (``mail.own_words``). A message that would be empty afterwards is kept as it is.
    """
    known = words_of_documents(dataset)
    cut, records = {}, []
    for q, text in ticket_texts(dataset).items():
        own = own_words(text, known)
        if has_words(own.partition("\n")[2] or own) and len(own) < len(text.strip()):
            cut[q] = own
            lines = _lines(text) - _lines(own)
            records.append((q, own, f"{len(text.strip()) - len(own)} characters cut, {lines} line{'s' * (lines != 1)}"))
    rule = "quoted mails and signatures are cut"
    foreign = [language for language in document_languages(dataset, settings) if language not in CLOSINGS_OF]
    note = f"closings such as 'Regards' are not known in {named(foreign)}" if foreign else ""
    return CleaningStep("quoted threads", "ticket", rule, with_texts(dataset, cut), private_table(records), note)


def _lines(text: str) -> int:
    return sum(bool(line.strip()) for line in text.split("\n"))


def personal_data(dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS) -> CleaningStep:
    """Replace personal data in tickets and searches by typed placeholders such as <EMAIL>.

    What the articles name is none: a name made up of their words ("Season" is the product's), a number or address that
    stands in one as it is. Names are looked for in English texts alone, for their finder knows no other language, and in
    tickets, or searches of ``language_words`` or more; what has a fixed form (mail, card, IBAN, IP, phone) in every query.
    """
    texts = {q: v.text for q, v in dataset.queries.items()}
    languages = document_languages(dataset, settings)
    english = {q: _may_hold_names(v, languages, settings) for q, v in dataset.queries.items()}
    found = find_personal_data(
        list(texts.values()),
        never=words_of_documents(dataset),
        documents=dataset.document_texts().values(),
        names=list(english.values()),
    )
    findings = {q: f for q, f in zip(texts, found, strict=True) if f}
    changed = {q: redact(texts[q], f) for q, f in findings.items()}
    rows = table_of([(q, text, _counted(findings[q], text)) for q, text in changed.items()])
    foreign = [language for language in languages if language != ENGLISH]
    note = f"names of people are looked for in English alone: in {named(foreign)} they stay" if foreign else ""
    rule = "names, addresses, numbers become typed placeholders"
    return CleaningStep("personal data", "query", rule, with_texts(dataset, changed), rows, note)


def _counted(findings: Sequence[PersonalData], text: str) -> str:
    kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(Counter(f.kind for f in findings).items()))
    return kinds if says_something(text) else f"{kinds}, and nothing else: taken out"


def _may_hold_names(query: Query, languages: Sequence[str], settings: CleaningSettings) -> bool:
    source = query.metadata.get("source")
    long = source == "ticket" or (source == "search" and len(tokenize(query.text)) >= settings.language_words)
    if not long or ENGLISH not in languages:
        return False
    foreign, probability = language_of(query.text)
    return not (foreign != ENGLISH and probability > SURE) and language_of(query.text, languages)[0] == ENGLISH


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
    long_texts,
    quoted_threads,
    set_apart,
    personal_data,
    repeated_tickets,
    superseded_documents,
    pasted_everywhere,
    near_duplicate_documents,
    remove_leaks,
)
"""In this order: long runs go before they cost time, signatures before names are
looked for, repeats are compared without either."""
