from dataclasses import replace

import pytest
import yaml

from tests.tiny import tiny_dataset
from tutorial_lib.training.card import model_card
from tutorial_lib.training.settings import LoraSettings, TrainResult, TrainSettings

LORA = LoraSettings(rank=4, alpha=8)


RESULT = TrainResult([], [], 4, [], 1.0, 8, 12, 3.0, 4.0, 100, 9000)


def front_matter(base):
    card = model_card(tiny_dataset(), base, LORA, TrainSettings(), RESULT)
    return yaml.safe_load(card.split("---\n")[1])


@pytest.mark.parametrize("name", ["my: model", "model #1", "a\nlicense: mit", "[x]", "yes", "007", "'\"", "Füße"])
@pytest.mark.parametrize("folder", ["", "/home/me/models/"])
def test_whatever_the_base_model_is_called_the_front_matter_names_it_and_not_where_it_lies(folder, name):
    entries = front_matter(folder + name)
    assert set(entries) == {"base_model", "library_name", "pipeline_tag", "tags"}
    assert entries["base_model"] == name


def test_a_model_of_the_hub_keeps_its_owner():
    assert front_matter("intfloat/e5-small")["base_model"] == "intfloat/e5-small"


def test_no_markup_in_what_the_dataset_says_takes_effect():
    evil = "<img src=x onerror=alert(1)> [click](http://x)\n# heading"
    dataset = replace(tiny_dataset(), name=evil, card={"source": evil, "licence": evil})
    card = model_card(dataset, "base", LORA, TrainSettings(query_prompt=evil), RESULT)
    assert "<img" not in card
    assert "[click](" not in card
    assert "\n# heading" not in card
    assert card.count("&lt;img src=x onerror=alert(1)&gt;") == 4


def test_the_card_tells_that_cut_vectors_have_no_unit_length():
    uncut = model_card(tiny_dataset(), "base", LORA, TrainSettings(), RESULT)
    card = model_card(tiny_dataset(), "base", LORA, TrainSettings(matryoshka=(8, 16)), RESULT)
    assert "truncate_dim" not in uncut
    assert "may be cut to 8, 16 numbers (`truncate_dim`). A cut vector is no longer of unit length: compare by cosine" in card


def test_the_card_names_data_settings_and_dev_scores():
    dataset = replace(tiny_dataset(), card={"source": "our own tickets", "licence": "CC0-1.0"})
    result = TrainResult(
        [(1, 2.5), (8, 0.25)], [(0, 0.5), (4, 0.7), (8, 0.625)], 4, [(0.4, 0.71), (1.0, 0.7)], 0.4, 8, 12, 3.0, 4.0, 100, 9000
    )
    card = model_card(dataset, "/models/base-model", LORA, TrainSettings(), result)
    for said in (
        "base_model: base-model\n",
        "base-model fine-tuned on tiny",
        "our own tickets",
        "licence: CC0-1.0",
        "24 articles, 12 training queries, 12 pairs",
        "rank 4, alpha 8, on all-linear",
        "100 of 9,000 parameters",
        "learning_rate 0.002",
        "temperature 0.07",
        "2.500 at step 1, 0.250 at step 8",
        "0.500 before, 0.710 after; 40% of the update of step 4 of 8 kept",
    ):
        assert said in card
