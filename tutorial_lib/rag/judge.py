"""A language model as a judge of answers: what it says, and how far that agrees with the facts before anybody believes it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from tutorial_lib.data.dataset import DataError
from tutorial_lib.rag.agreement import Agreement, agreement
from tutorial_lib.rag.answer import Answer, Answerer, Messages, answer_all
from tutorial_lib.rag.cells import as_json
from tutorial_lib.rag.endpoint import NoTextError
from tutorial_lib.rag.facts import Fact, Facts, facts_in
from tutorial_lib.rag.prompts import PromptTemplate

JUDGE = Path(__file__).parent / "judges" / "judge.v1.txt"
"""The prompt of the course's judge."""
BELIEVED = 0.6
"""Kappa from which agreement is called substantial. Reference: Landis and Koch 1977, Biometrics 33(1), 159-174."""

_VERDICT = re.compile(r"^[\W_]*verdict\W*:\W*(yes|no)[\W_]*$", re.IGNORECASE | re.MULTILINE)


def judge_template(path: str | Path = JUDGE) -> PromptTemplate:
    """Read a template for ``judge``: beside question and context (the facts) it is given the ``answer``.

    Args:
        path: A file named ``name.v1.txt``; by default the one of the course.

    Raises:
        PromptError: As ``PromptTemplate.read``.
    """
    return PromptTemplate.read(path, answer="")


def verdict(said: str) -> bool | None:
    r"""Return the verdict that a judge gave, or None where it gave none, or two that differ: never a pass.

    >>> verdict("The limit is right.\nVERDICT: yes"), verdict("**Verdict: No.**"), verdict("Yes, it does.")
    (True, False, None)
    """
    given = {found.casefold() == "yes" for found in _VERDICT.findall(said)}
    return given.pop() if len(given) == 1 else None


@dataclass(frozen=True)
class Judged:
    """What a judge said of answers, beside what the facts say.

    Attributes:
        answers: Index query id; "judge" (1 for yes, 0 for no, not a number where it gave no verdict or there was no answer),
            "facts" (1 where the answer holds all of them, else 0), "said" (the judge's words; None where it was not asked).
        clusters: Cluster of each query.
        judge: Name of the judge.
        template: Name and version of its prompt.
    """

    answers: pd.DataFrame
    clusters: Mapping[str, str]
    judge: str
    template: str

    @property
    def missing(self) -> int:
        """Answers of which the judge was asked and gave no verdict."""
        return int((self.answers["judge"].isna() & self.answers["said"].notna()).sum())

    def agreement(self, seed: int = 0) -> Agreement:
        """Return how far the judge (first) agrees with the facts (second), on the answers with a verdict.

        Raises:
            DataError: It gave no verdict at all.
        """
        given = self.answers[self.answers["judge"].notna()]
        if given.empty:
            raise DataError(f"{self.judge} gave no verdict on {self.missing} answers: read what it said, and mend its prompt")
        judged, by_facts = (given[column].to_numpy() == 1 for column in ("judge", "facts"))
        return agreement(judged, by_facts, [self.clusters[q] for q in given.index], seed=seed)

    def believed(self, least: float = BELIEVED) -> float:
        """Return the share of all answers that the judge passes, if it agrees with the facts; no verdict is no pass.

        Args:
            least: What the lower end of kappa's interval must reach.

        Raises:
            DataError: It agrees less, or nothing is known of that; the message gives kappa and its interval.
        """
        found = self.agreement()
        if not found.low >= least:
            known = (
                "says nothing" if math.isnan(found.kappa) else f"is {found.kappa:.2f} ({found.low:.2f} to {found.high:.2f})"
            )
            raise DataError(
                f"{self.judge} is not believed: its kappa with the facts {known}, and {least:.2f} is asked of the lower end; "
                "mend its prompt, ask another, or stay with the facts"
            )
        return float((self.answers["judge"] == 1).mean())

    def table(self) -> pd.DataFrame:
        """Return one row: answers, missing verdicts, who says yes how often, kappa with its interval, who says yes alone.

        Kappa is not a number where nothing is known of it: no verdict at all is a row too.
        """
        unknown = float("nan")
        given = self.answers["judge"].notna().any()
        found = self.agreement() if given else Agreement(unknown, unknown, unknown, 0, 0, 0, 0)
        row = {
            "answers": len(self.answers),
            "missing": self.missing,
            "judge: yes": int((self.answers["judge"] == 1).sum()),
            "facts: yes": int(self.answers["facts"].sum()),
            "kappa": found.kappa,
            "low": found.low,
            "high": found.high,
            "judge alone": found.first_alone,
            "facts alone": found.second_alone,
        }
        return pd.DataFrame([row], index=pd.Index([self.judge], name="judge"))

    def record(self) -> dict[str, Any]:
        """Return all of it as JSON has it: the row of ``table``, and every verdict with the judge's words."""
        row = {"judge": self.judge, "template": self.template, **self.table().to_dict("records")[0]}
        return dict(as_json({**row, "said": self.answers.reset_index().to_dict("records")}))


def judge(
    questions: Mapping[str, str],
    answers: Mapping[str, str | None],
    facts: Facts,
    by: Answerer,
    clusters: Mapping[str, str],
    *,
    template: PromptTemplate | None = None,
    workers: int = 4,
) -> Judged:
    """Ask a language model of each answer whether it states the facts.

    An endpoint with a cache is asked once of each; a run that broke off goes on.

    Args:
        questions: Text by query id.
        answers: What was answered, by query id; of none, or an empty one, the judge is not asked.
        facts: What an answer must contain; queries without are passed over.
        by: The judge: a ``ChatEndpoint``, or ``stand_in.MatchesWords``.
        clusters: Cluster of each query.
        template: Of ``judge_template``.
        workers: Prompts under way at once.

    Raises:
        DataError: No answer has facts, or a query no question or cluster.
        EndpointError: The judge cannot be asked. That it answers without text is a missing verdict.
    """
    template = template or judge_template()
    asked = {q: answers[q] for q in answers if q in facts}
    if not any(asked.values()):
        raise DataError(f"{len(answers)} answers, {len(facts)} queries with facts, none in common: key both by query id")
    if unknown := [q for q in asked if q not in questions or q not in clusters]:
        raise DataError(f"query {unknown[0]} has no {'cluster' if unknown[0] in questions else 'question'}: pass it")
    prompts = {q: _prompt(template, questions[q], facts[q], text) for q, text in asked.items() if text}
    given = answer_all(_Patient(by), list(prompts.values()), workers=workers, label=f"judge by {by.name}")
    said = {q: answer.text for q, answer in zip(prompts, given, strict=True)}
    rows = {
        q: {"judge": _as_number(said.get(q)), "facts": float(all(facts_in(text or "", facts[q]))), "said": said.get(q)}
        for q, text in asked.items()
    }
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("query_id")
    return Judged(frame, {q: clusters[q] for q in asked}, by.name, template.label)


def _prompt(template: PromptTemplate, question: str, facts: Sequence[Fact], answer: str) -> Messages:
    told = [
        template.render(str(n), f"{first} (or: {'; '.join(more)})" if more else first)
        for n, (first, *more) in enumerate(facts)
    ]
    return replace(template, variables={**template.variables, "answer": answer}).messages(question, "\n".join(told))


def _as_number(said: str | None) -> float:
    found = None if said is None else verdict(said)
    return float("nan") if found is None else float(found)


@dataclass(frozen=True)
class _Patient:
    """A judge whose silence is an answer without a verdict, not the end of the run."""

    by: Answerer

    @property
    def name(self) -> str:
        return self.by.name

    def answer(self, messages: Messages) -> Answer:
        try:
            return self.by.answer(messages)
        except NoTextError:
            return Answer("", None, None, seconds=0.0)
