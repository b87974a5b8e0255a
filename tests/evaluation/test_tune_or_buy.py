"""What a comparison with a hosted model says."""

import pandas as pd
import pytest

from tutorial_lib.evaluation.significance import Comparison, Difference
from tutorial_lib.evaluation.tune_or_buy import tune_or_buy

RECORD = {
    "model": "large",
    "url": "http://127.0.0.1:1/v1",
    "dimension": 3072,
    "texts": 1200,
    "asked_for": 1000,
    "tokens": 250_000,
    "cost": 0.0325,
}


def compared(difference, low, high):
    empty = pd.DataFrame()
    main = Difference(before=0.5, after=0.5 + difference, difference=difference, low=low, high=high, p=0.01, queries=8)
    return Comparison("hosted", "tuned", empty, empty, {}, {"nDCG@10": main})


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.01, 0.2, "the fine-tuned model ranks better than the hosted one"),
        (-0.2, -0.01, "the hosted model ranks better than the fine-tuned one"),
        (-0.01, 0.2, "neither is shown to rank better than the other"),
        (0.0, 0.2, "neither is shown to rank better than the other"),
    ],
)
def test_only_an_interval_beside_zero_names_a_better_one(low, high, verdict):
    said = tune_or_buy(compared((low + high) / 2, low, high), RECORD)
    assert f"({low:+.3f} to {high:+.3f}): {verdict}. 1,000 of 1,200 texts were asked for, 250,000 tokens, for 0.0325" in said
    assert said.startswith("large (3,072 numbers a vector, at http://127.0.0.1:1/v1): tuned - hosted, nDCG@10: ")
