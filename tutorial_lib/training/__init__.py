"""Settings, hard negatives, pairs, losses, the training run. A name's module is imported when the name is first used."""

from tutorial_lib.lazy import lazy_face

__all__ = [
    "LoraSettings",
    "MinedNegatives",
    "MiningSettings",
    "TrainResult",
    "TrainSettings",
    "contrastive_loss",
    "cross_fitted_pairs",
    "cross_fitted_vectors",
    "mine_negatives",
    "preflight",
    "prepare_training",
    "training_pairs",
]
_HOMES = {
    "tutorial_lib.training.settings": ["LoraSettings", "TrainResult", "TrainSettings"],
    "tutorial_lib.training.mining": ["MinedNegatives", "MiningSettings", "mine_negatives"],
    "tutorial_lib.training.losses": ["contrastive_loss"],
    "tutorial_lib.training.crossfit": ["cross_fitted_pairs", "cross_fitted_vectors"],
    "tutorial_lib.training.checks": ["preflight"],
    "tutorial_lib.training.finetune": ["prepare_training"],
    "tutorial_lib.training.pairs": ["training_pairs"],
}
"""Module -> names; no name is a module's too, or the module would hide it once it is imported."""
__getattr__, __dir__ = lazy_face(__name__, _HOMES, __all__)
