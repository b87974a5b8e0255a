"""Checks before minutes are spent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.text import has_words, normal_form
from tutorial_lib.training.findings import Finding, PreflightReport
from tutorial_lib.training.finetune import FineTuning
from tutorial_lib.training.memory import TokenCounts, memory, token_counts, tokens_read
from tutorial_lib.training.one_batch import one_batch
from tutorial_lib.training.pairs import documents_of

ADAPTER_RATE, ALL_WEIGHTS_RATE = 5e-3, 5e-4
"""Learning rates above which training comes apart.

Dev nDCG@10 of all-MiniLM-L6-v2 after one pass over support_desk in batches of 32 (``python -m benchmarks.sweep --groups
diverging,diverging_all_weights --seeds 1``). Adapter: 0.780 at 0.002, 0.710 at 0.004, 0.674 at 0.005, 0.454 at 0.007, 0.028
at 0.02. All weights: 0.779 at 0.0002, 0.735 at 0.0005, 0.640 at 0.001, 0.536 at 0.002.
"""


CUT_SHARE = 0.2
"""Share of texts that may lose their end to ``max_length`` without a warning."""


def preflight(run: FineTuning, dataset: RetrievalDataset) -> PreflightReport:
    """Check a prepared run; it is left exactly as it was: weights, modes and random numbers.

    Args:
        run: What ``prepare_training`` returned, not yet trained.
        dataset: The dataset it was prepared from.

    Returns:
        The findings on repeated queries, learning rate, number of steps, unusable texts, texts that are cut, memory, and
        whether the loss of one batch falls. The checks that read texts are left out where texts are unusable, the last one
        wherever there is an error.
    """
    findings = [*repeated_queries(dataset), *learning_rate(run), *number_of_steps(run), *mined_negatives(run)]
    if unusable := unusable_texts(run, dataset):
        return PreflightReport([*findings, *unusable])
    lengths = token_counts(run, dataset)
    findings += [*cut_texts(run, lengths), *memory(run, lengths)]
    if PreflightReport(findings).ok:
        findings += one_batch(run)
    return PreflightReport(findings)


def repeated_queries(dataset: RetrievalDataset) -> list[Finding]:
    """Return findings on training queries that say the same under different ids (case, punctuation and a/the aside)."""
    groups: dict[str, list[str]] = {}
    for q, text in dataset.query_texts("train").items():
        groups.setdefault(normal_form(text), []).append(q)
    repeated = [ids for ids in groups.values() if len(ids) > 1]
    answers = dataset.positives("train")
    differing = [ids for ids in repeated if len({frozenset(answers[q]) for q in ids}) > 1]
    alike = [ids for ids in repeated if ids not in differing]
    findings = []
    if differing:
        findings.append(
            Finding(
                "warning",
                f"{_example(dataset, differing)} with different positives: where two of them meet "
                "in a batch, each one's article counts as wrong for the other; merge them "
                "(cleaning.steps.duplicate_queries)",
            )
        )
    if alike:
        findings.append(
            Finding(
                "note",
                f"{_example(dataset, alike)} with the same positives, and so weigh more than others: "
                "merge them (cleaning.steps.duplicate_queries) unless that is meant",
            )
        )
    return findings


def _example(dataset: RetrievalDataset, groups: Sequence[Sequence[str]]) -> str:
    ids = groups[0]
    stand = "training query stands" if len(groups) == 1 else "training queries stand"
    shown = ", ".join(ids[:3]) + (", …" if len(ids) > 3 else "")
    return f"{len(groups):,} {stand} under several ids, such as {dataset.queries[ids[0]].text[:60]!r} ({shown}),"


def unusable_texts(run: FineTuning, dataset: RetrievalDataset) -> list[Finding]:
    """Return errors for positives that are not in the corpus, and for texts of pairs without a letter or digit.

    ``read_beir`` refuses both; a dataset made in another way may hold them.
    """
    asked_by = {p.positive_id: p.query_id for p in run.pairs}
    used = documents_of(run.pairs)
    missing = [a for a in used if a not in dataset.corpus]
    blank = [a for a in used if a in dataset.corpus and not has_words(dataset.corpus[a].full_text)]
    queries = {p.query_id: p.query for p in run.pairs}
    blank_queries = [q for q, text in queries.items() if not has_words(text)]
    findings = []
    if missing:
        findings.append(
            f"{len(missing):,} of {len(used):,} articles of the training pairs are not in the corpus, first "
            f"{missing[0]!r} (query {asked_by.get(missing[0])!r}): add them, or take their judgments out"
        )
    for kind, ids, count in (("articles", blank, len(used)), ("queries", blank_queries, len(queries))):
        if ids:
            findings.append(
                f"{len(ids):,} of {count:,} {kind} of the training pairs have no letter or digit, first "
                f"{ids[0]!r}: give them text, or leave them out (read_beir(…, drop_blank=True))"
            )
    return [Finding("error", what) for what in findings]


def cut_texts(run: FineTuning, lengths: TokenCounts) -> list[Finding]:
    """Return findings on texts that lose their end: a warning above ``CUT_SHARE`` of them, unless dev chose the window."""
    limit, own = tokens_read(run), run.encoder.settings.max_length
    chosen = limit == run.trainer.encoder.settings.max_length < own
    if chosen:
        advice = "on dev the base model did no better with more"
    elif limit < own:
        advice = f"raise max_length (the model reads {own}), or begin texts with what tells them apart"
    else:
        advice = "the model reads no more: divide long texts, or begin texts with what tells them apart"
    findings = []
    for kind, counts in (("queries", lengths.queries), ("articles", lengths.documents)):
        share, lost = float((counts > limit).mean()), float(np.maximum(counts - limit, 0).sum() / counts.sum())
        if share:
            cut = f"{share:.0%} of the {kind} of the training pairs are cut at {limit} tokens"
            findings.append(
                Finding(
                    "warning" if share > CUT_SHARE and not chosen else "note",
                    f"{cut}, and {lost:.0%} of their tokens are not trained on: {advice}",
                )
            )
    return findings


def learning_rate(run: FineTuning) -> list[Finding]:
    """Return a warning if the rate lies where MiniLM was seen to diverge."""
    rate = run.settings.learning_rate
    most, what = (ALL_WEIGHTS_RATE, "all weights") if run.lora is None else (ADAPTER_RATE, "an adapter")
    if rate <= most:
        return []
    return [
        Finding(
            "warning",
            f"learning_rate is {rate:g}: training {what} of all-MiniLM-L6-v2 came apart above {most:g}; "
            f"pass {most / 2.5:g} or less unless a trial run shows otherwise",
        )
    ]


def number_of_steps(run: FineTuning) -> list[Finding]:
    """Return warnings if the pairs do not fill one batch, or make fewer than two steps."""
    pairs, size = len(run.pairs), run.settings.batch_size
    steps = run.trainer.schedule.steps
    findings = []
    if size > pairs:
        findings.append(
            f"batch_size is {size}, but there are {pairs} training pairs: each step sees all of them; pass a "
            f"batch_size of at most {max(2, pairs // 2)}"
        )
    if steps < 2:
        findings.append(f"training ends after {steps} step: pass more epochs, a higher min_steps or a smaller batch_size")
    return [Finding("warning", what) for what in findings]


def mined_negatives(run: FineTuning) -> list[Finding]:
    """Return a warning if fewer negatives were mined, for any pair, than the settings ask for."""
    asked, found = run.settings.negatives, max(len(p.negative_ids) for p in run.pairs)
    if found in (0, asked):
        return []
    return [
        Finding(
            "warning",
            f"negatives is {asked}, but no pair has more than {found}: mine more "
            f"(MiningSettings(per_query={asked})), or pass fewer",
        )
    ]
