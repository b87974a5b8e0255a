"""The card of a cross-encoder says how it was trained, and whether to use it."""

import pytest
import yaml

from tests.tiny import tiny_dataset
from tutorial_lib.training.cross_card import cross_card
from tutorial_lib.training.cross_settings import CrossResult, CrossSettings


def card(weight=0.3, rank=0):
    result = CrossResult([(1, 1.4)], [(0, 0.8), (2, 0.9)], [(0.3, 0.9), (1.0, 0.85)], weight, 2, 2, 12, 10, 1.5, 3, 7)
    return cross_card(tiny_dataset(), "all-MiniLM-L6-v2", CrossSettings(rank=rank), result)


def test_its_front_matter_is_what_hubs_read():
    front = yaml.safe_load(card().split("---")[1])
    assert (front["pipeline_tag"], front["library_name"]) == ("text-ranking", "sentence-transformers")


@pytest.mark.parametrize(
    ("weight", "said"), [(0.3, "use it with a share of 0.3"), (0.0, "no clear rise: keep the first ranking")]
)
def test_it_says_what_dev_scored_and_whether_to_use_it(weight, said):
    assert "0.800 by the first ranking; with its first 10 documents ranked again by the model of step 2" in card(weight)
    assert "0.900 at a share of 0.3, 0.850 at a share of 1" in card(weight)
    assert said in card(weight)


def test_it_tells_an_adapter_from_all_weights():
    assert "All weights; 3 of 7 parameters trained" in card()
    assert "LoRA rank 4, alpha 8" in card(rank=4)
