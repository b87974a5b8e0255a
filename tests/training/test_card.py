from dataclasses import replace

from tests.tiny import tiny_dataset
from tutorial_lib.training.card import model_card
from tutorial_lib.training.settings import LoraSettings, TrainResult, TrainSettings

LORA = LoraSettings(rank=4, alpha=8)


def test_the_card_names_data_settings_and_dev_scores():
    dataset = replace(tiny_dataset(), card={"source": "our own tickets", "licence": "CC0-1.0"})
    result = TrainResult(
        [(1, 2.5), (8, 0.25)], [(0, 0.5), (4, 0.7), (8, 0.625)], 4, [(0.4, 0.71), (1.0, 0.7)], 0.4, 8, 12, 3.0, 4.0, 100, 9000
    )
    card = model_card(dataset, "/models/base-model", LORA, TrainSettings(), result)
    for said in (
        "base_model: /models/base-model",
        "base-model fine-tuned on tiny",
        "our own tickets",
        "licence: CC0-1.0",
        "24 articles, 12 training queries, 12 pairs",
        "rank 4, alpha 8, on all-linear",
        "100 of 9,000 parameters",
        "learning_rate 0.002",
        "temperature 0.07",
        "2.500 at step 1, 0.250 at step 8",
        "0.500 before, 0.710 with 40% of the update of step 4",
    ):
        assert said in card
