"""Settings of all stages: noted as JSON, read back, told apart."""

import json

import pytest

from tutorial_lib.data.registry import ReadSettings
from tutorial_lib.data.splits import SplitSettings
from tutorial_lib.retrieval.hosted import HostedSettings
from tutorial_lib.run_settings import RunSettings, field_names, from_record
from tutorial_lib.training.mining import MiningSettings
from tutorial_lib.training.settings import LoraSettings, TrainSettings


def test_no_two_settings_have_one_name_for_each_is_an_option():
    names = list(field_names(RunSettings))
    assert len(names) == len(set(names))
    assert {"batch_size", "rank", "per_query", "drop_blank", "dev_from", "min_dwell"} <= set(names)


@pytest.mark.parametrize(
    "settings",
    [
        RunSettings(),
        RunSettings(
            train=TrainSettings(strengths=(0.5,), matryoshka=(64, 128), query_prompt="query: "),
            lora=LoraSettings(target_modules=("query", "value")),
            mining=MiningSettings(max_bm25_share=None),
            read=ReadSettings(drop_blank=True, split=SplitSettings("2026-01-01", "2026-02-01")),
        ),
    ],
)
def test_a_record_gives_the_settings_back(settings):
    record = settings.record()
    assert from_record(RunSettings, record) == settings
    assert json.loads(json.dumps(record)) == record


def test_what_a_record_leaves_out_has_its_default_and_what_nobody_knows_is_refused():
    assert from_record(RunSettings, {"lora": {"rank": 4}}) == RunSettings(lora=LoraSettings(rank=4))
    with pytest.raises(TypeError, match="gradient_cache"):
        from_record(RunSettings, {"train": {"gradient_cache": True}})
    with pytest.raises(ValueError, match="temperature is -1"):
        from_record(RunSettings, {"train": {"temperature": -1}})


def test_differences_name_both_values():
    split = SplitSettings(split_seed=3)
    here = RunSettings(train=TrainSettings(epochs=2.0), mining=MiningSettings(per_query=2), read=ReadSettings(split=split))
    assert here.differences(RunSettings()) == [
        "train.epochs 1.0 there and 2.0 here",
        "mining.per_query 4 there and 2 here",
        "read.split.split_seed 0 there and 3 here",
    ]
    assert here.differences(here) == []


def test_a_hosted_model_is_noted_and_is_no_difference():
    here = RunSettings(hosted=HostedSettings("m@http://localhost/v1"))
    assert from_record(RunSettings, here.record()) == here
    assert here.differences(RunSettings()) == RunSettings().differences(here) == []
