"""What settings refuse, field by field, and a result written and read."""

import dataclasses
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from tutorial_lib.training.mining import MiningSettings
from tutorial_lib.training.settings import LoraSettings, TrainResult, TrainSettings

NAN, INF = float("nan"), float("inf")
WHOLE = {  # the least that is taken
    TrainSettings: {
        "min_steps": 0,
        "batch_size": 2,
        "negatives": 0,
        "max_length": 3,
        "dev_evaluations": 1,
        "dev_queries": 0,
        "dev_pool_per_query": 1,
        "activation_tokens": 0,
        "token_budget": 1,
        "seed": 0,
    },
    LoraSettings: {"rank": 1, "alpha": 1, "upper_layers": 0},
    MiningSettings: {"per_query": 1},
}
POSITIVE = {TrainSettings: ["epochs", "learning_rate", "temperature"]}
BETWEEN = {TrainSettings: {"warmup": 1.0}, LoraSettings: {"dropout": 0.9}}  # from 0 to this
SHARES = {MiningSettings: ["max_bm25_share", "max_model_share"]}
FLAGS = {TrainSettings: ["gentle_pass", "mask_known_positives", "train_documents"]}
OTHER = {  # value -> message
    TrainSettings: {
        "strengths": {
            (1.0, 0.0): "strengths [0.0] lie outside 0 to 1: pass shares of the update",
            (-0.5,): "strengths [-0.5] lie outside 0 to 1",
            (1.0, 1.5): "strengths [1.5] lie outside 0 to 1",
            (NAN,): "strengths [nan] lie outside 0 to 1",
            ("all",): "strengths hold 'all': pass numbers above 0 and at most 1",
            (True,): "strengths hold True: pass numbers",
            0.5: "strengths is 0.5: pass a tuple, such as (0.5,), or () for none",
        },
        "matryoshka": {
            (8, 0): "matryoshka is 0: pass at least 1",
            (8.5,): "matryoshka is 8.5: pass a whole number, at least 1",
            64: "matryoshka is 64: pass a tuple, such as (64,), or () for none",
        },
        "batch_size": {10**20: "batch_size is 100000000000000000000: pass at most 9223372036854775807"},
        "seed": {2**32: "seed is 4294967296: pass at least 0 and at most 4294967295"},
        "query_prompt": {
            "\udcff: ": "query_prompt is '\\udcff: ': pass a text",
            3: "query_prompt is 3: pass a text, or None for the base model's own",
        },
        "runs": {
            0: "runs is 0: pass at least 1, or None",
            True: "runs is True: pass a whole number",
            1.5: "runs is 1.5: pass a whole number",
        },
        "document_prompt": {False: "document_prompt is False: pass a text, or None for the base model's own"},
    },
    LoraSettings: {
        "target_modules": {
            (): 'target_modules is (): pass "all-linear", or names of layers',
            "": "target_modules is '': pass",
            ("query", 3): "target_modules is ('query', 3): pass",
            None: "target_modules is None: pass",
        }
    },
    MiningSettings: {
        "range_min": {
            0: "BM25 ranks 0 to 50: pass 1 <= range_min <= range_max",
            51: "BM25 ranks 51 to 50",
            1.5: "range_min is 1.5: pass a whole number",
        },
        "range_max": {0: "BM25 ranks 1 to 0", "9": "range_max is '9': pass a whole number"},
    },
}
LEGAL = [
    TrainSettings(epochs=2, learning_rate=0.05, temperature=3, warmup=0, min_steps=0, max_length=3, batch_size=2),
    TrainSettings(epochs=0.25, learning_rate=10.0, warmup=1, strengths=(), matryoshka=(8, 16), query_prompt=""),
    TrainSettings(seed=np.int64(3), learning_rate=np.float32(0.02), dev_queries=0, negatives=0, activation_tokens=0),
    TrainSettings(strengths=[1.0, 0.5], matryoshka=[8]),  # as JSON gives them back
    LoraSettings(rank=1, alpha=1, dropout=0.9, target_modules=("query", "value"), upper_layers=2),
    LoraSettings(target_modules="query"),
    MiningSettings(1, 1, 1, None, 0.0),
    MiningSettings(100, 200, 9, 1.2, 0),
]


def refused():
    """Return every (class, field, value, message)."""
    for kind, fields in WHOLE.items():
        for name, least in fields.items():
            yield kind, name, least - 1, f"{name} is {least - 1}: pass at least {least}"
            for value in (least + 0.5, float(least), True, "3", None, NAN, INF):
                yield kind, name, value, f"{name} is {value!r}: pass a whole number, at least {least}"
    for kind, names in POSITIVE.items():
        for name in names:
            for value in (0, -1, NAN, INF, -INF):
                yield kind, name, value, f"{name} is {value}: pass a number above 0"
            for value in (True, "1", None, (1.0,)):
                yield kind, name, value, f"{name} is {value!r}: pass a number above 0"
    for kind, fields in BETWEEN.items():
        for name, most in fields.items():
            for value in (-0.1, 3, NAN, INF):
                yield kind, name, value, f"{name} is {value}: pass at least 0 and at most {most}"
            yield kind, name, "0.1", f"{name} is '0.1': pass a number, at least 0 and at most {most}"
    for kind, names in SHARES.items():
        for name in names:
            for value in (-0.1, NAN, INF, "1", True):
                yield kind, name, value, f"{name} is {value!r}: pass a number of at least 0, or None"
    for kind, names in FLAGS.items():
        for name in names:
            for value in (1, 0, None, "yes"):
                yield kind, name, value, f"{name} is {value!r}: pass True or False"
    for kind, fields in OTHER.items():
        for name, cases in fields.items():
            for value, message in cases.items():
                yield kind, name, value, message


CASES = list(refused())


@pytest.mark.parametrize(("kind", "name", "value", "message"), CASES, ids=[f"{c[1]}={c[2]!r}" for c in CASES])
def test_what_cannot_be_is_refused_with_its_name_its_value_and_what_to_pass(kind, name, value, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        kind(**{name: value})
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):  # as a notebook changes one setting of many
        dataclasses.replace(kind(), **{name: value})


def test_every_field_is_checked():
    fields = {
        (kind, field.name) for kind in (TrainSettings, LoraSettings, MiningSettings) for field in dataclasses.fields(kind)
    }
    assert fields == {(kind, name) for kind, name, _, _ in CASES}


def test_odd_values_that_train_are_taken():
    for settings in LEGAL:
        assert dataclasses.replace(settings) == settings


def test_settings_come_without_torch():
    script = "import sys, types; sys.modules['tutorial_lib'] = types.ModuleType('tutorial_lib'); " + (
        "sys.modules['tutorial_lib'].__path__ = ['tutorial_lib']; "  # the root may load more
        "from tutorial_lib.training import LoraSettings, MiningSettings, TrainSettings, mine_negatives; "
        "import tutorial_lib.training.settings; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_result_is_the_same_after_saving_and_loading(tmp_path):
    result = TrainResult([(1, 2.5)], [(0, 0.5), (4, 0.7)], 4, [(1.0, 0.7)], 1.0, 8, 12, 3.0, 4.0, 100, 9000)
    result.save(tmp_path / "training.json")
    assert json.loads((tmp_path / "training.json").read_text())["best_step"] == 4
    assert TrainResult.load(tmp_path / "training.json") == result
