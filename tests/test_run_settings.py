"""Settings of all stages: noted as JSON, read back, told apart."""

import pytest

from tutorial_lib.run_settings import PARTS, RunSettings, plain
from tutorial_lib.training.mining import MiningSettings
from tutorial_lib.training.settings import LoraSettings, TrainSettings


def test_every_part_of_the_settings_has_its_class():
    assert list(PARTS) == list(RunSettings.__dataclass_fields__)
    assert {part: type(getattr(RunSettings(), part)) for part in PARTS} == PARTS


def test_no_two_settings_have_one_name_for_each_is_an_option():
    names = [field for part in PARTS.values() for field in part.__dataclass_fields__]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "settings",
    [
        RunSettings(),
        RunSettings(
            train=TrainSettings(strengths=(0.5,), matryoshka=(64, 128), query_prompt="query: "),
            lora=LoraSettings(target_modules=("query", "value")),
            mining=MiningSettings(max_bm25_share=None),
        ),
    ],
)
def test_a_record_gives_the_settings_back(settings):
    record = settings.record()
    assert RunSettings.from_record(record) == settings
    assert plain(record) == record


def test_what_a_record_leaves_out_has_its_default_and_what_nobody_knows_is_refused():
    assert RunSettings.from_record({"lora": {"rank": 4}}) == RunSettings(lora=LoraSettings(rank=4))
    with pytest.raises(TypeError, match="gradient_cache"):
        RunSettings.from_record({"train": {"gradient_cache": True}})


def test_differences_name_both_values():
    here = RunSettings(train=TrainSettings(epochs=2.0), mining=MiningSettings(per_query=2))
    assert here.differences(RunSettings()) == ["train.epochs 1.0 there and 2.0 here", "mining.per_query 4 there and 2 here"]
    assert here.differences(here) == []
