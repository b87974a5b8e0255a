import numpy as np
import pytest
import torch
import yaml
from sentence_transformers import CrossEncoder as Peer

from tests.helpers import damaged, tree
from tests.tiny import Interrupt, tiny_dataset
from tests.training.cross_runs import SHORT, cross_pairs, first_run, prepare_cross
from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.cross_encoder import CrossEncoder
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import ModelError
from tutorial_lib.retrieval.dense import Vectors, VectorScorer
from tutorial_lib.training import cross_encoder
from tutorial_lib.training.cross_encoder import reranking_pairs, train_cross_encoder
from tutorial_lib.training.cross_settings import RESULT_FILE, WEIGHTS, CrossResult, CrossSettings
from tutorial_lib.training.mining import MiningSettings

RANKS = pytest.mark.parametrize("rank", [0, 4], ids=["all weights", "lora"])
PAIRS = [("how to cancel", "cancel invoice : open the page"), ("reset a password", "share the router"), ("a", "email")]


def train(model, folder, **changes):
    dataset = tiny_dataset()
    settings = CrossSettings(**{**SHORT, **changes})
    return train_cross_encoder(
        dataset,
        cross_pairs(dataset),
        first_run(dataset),
        folder / "cross",
        folder / "checkpoints",
        model=model,
        settings=settings,
        device=torch.device("cpu"),
    )


def weights(training):
    return {name: p.detach().clone() for name, p in training.model.model.named_parameters()}


@RANKS
def test_what_is_saved_gives_equal_scores_in_sentence_transformers(tiny_folder, tmp_path, float32, rank, monkeypatch):
    kept = {}
    save = cross_encoder.save_cross_encoder

    def keep(model, folder, card):
        kept["scores"] = model.scores(PAIRS)
        save(model, folder, card)

    monkeypatch.setattr(cross_encoder, "save_cross_encoder", keep)
    result = train(tiny_folder, tmp_path, rank=rank)
    peer = Peer(str(tmp_path / "cross"), device="cpu")
    np.testing.assert_allclose(peer.predict(PAIRS), kept["scores"], atol=1e-5)
    np.testing.assert_allclose(CrossEncoder.load(tmp_path / "cross").scores(PAIRS), kept["scores"], atol=1e-5)
    assert len(set(kept["scores"].tolist())) == 3  # no dead pooler: pairs differ
    assert result.parameters == sum(p.numel() for p in peer.parameters())
    assert (result.trainable < result.parameters) == bool(rank)
    assert isinstance(peer.activation_fn, torch.nn.Identity)


def test_the_folder_holds_plain_weights_a_card_and_the_result(tiny_folder, tmp_path, float32):
    result = train(tiny_folder, tmp_path, rank=4)
    files = tree(tmp_path)
    assert not [name for name in files if name.startswith("checkpoints") or "adapter" in name or name.endswith(".bin")]
    card = (tmp_path / "cross/README.md").read_text(encoding="utf-8")
    assert yaml.safe_load(card.split("---")[1])["pipeline_tag"] == "text-ranking"
    assert str(tmp_path) not in card
    assert f"{result.dev[0][1]:.3f} by the first ranking" in card
    assert CrossResult.load(tmp_path / "cross" / RESULT_FILE) == result


def test_weights_that_were_changed_are_noticed_the_heads_too(tiny_folder, tmp_path, float32):
    train(tiny_folder, tmp_path)
    damaged(tmp_path / "cross/2_Dense/model.safetensors", "bit")
    with pytest.raises(ModelError, match="SHA-256"):
        CrossEncoder.load(tmp_path / "cross")


def test_a_list_can_be_learnt(tiny_folder, tmp_path, float32):
    result = prepare_cross(
        tiny_folder, tmp_path / "run", epochs=15.0, batch_size=12, dev_evaluations=1, learning_rate=3e-3
    ).train()
    assert result.losses[0][1] > 1  # ln 4 = 1.386 by chance
    assert result.losses[-1][1] < 0.3


def test_the_result_counts_steps_and_names_the_weights_tried(tiny_folder, tmp_path, float32):
    result = prepare_cross(tiny_folder, tmp_path / "run").train()
    assert (result.steps, result.pairs, result.depth) == (4, 12, 5)
    assert [step for step, _ in result.dev] == [0, 2, 4]
    assert [weight for weight, _ in result.weights] == list(WEIGHTS)
    best = dict(result.dev)[result.best_step]
    assert best == pytest.approx(max(score for _, score in result.weights))


@RANKS
@pytest.mark.parametrize("step", [1, 3])
def test_an_interrupted_run_goes_on_to_the_same_weights(tiny_folder, tmp_path, float32, step, rank, capsys):
    straight = prepare_cross(tiny_folder, tmp_path / "straight", rank=rank)
    expected = straight.train()
    broken = prepare_cross(tiny_folder, tmp_path / "run", rank=rank)
    broken.trainer.add_callback(Interrupt(step))
    with pytest.raises(KeyboardInterrupt):
        broken.train()
    resumed = prepare_cross(tiny_folder, tmp_path / "run", rank=rank)
    result = resumed.train(resume=True)
    assert ("training goes on from step 2" in capsys.readouterr().err) == (step == 3)
    assert (result.dev, result.weight, result.best_step) == (expected.dev, expected.weight, expected.best_step)
    for name, tensor in weights(straight).items():
        torch.testing.assert_close(weights(resumed)[name], tensor)


def test_a_run_broken_off_leaves_no_folder(tiny_folder, tmp_path, float32, monkeypatch):
    def refuse(*_):
        raise OSError("no room")

    monkeypatch.setattr(cross_encoder, "save_cross_encoder", refuse)
    with pytest.raises(OSError, match="no room"):
        train(tiny_folder, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoints"]  # from which the next call goes on


def test_the_first_ranking_is_kept_where_dev_does_not_rise(tiny_folder, tmp_path, float32, monkeypatch):
    monkeypatch.setattr(cross_encoder, "rises", lambda before, after: False)
    assert prepare_cross(tiny_folder, tmp_path / "run").train().weight == 0


def test_the_seed_makes_the_head(tiny_folder, tmp_path, float32):
    one, same, other = (prepare_cross(tiny_folder, tmp_path / str(n), seed=s) for n, s in enumerate((0, 0, 1)))
    head = "2.linear.weight"
    assert torch.equal(weights(one)[head], weights(same)[head])
    assert not torch.equal(weights(one)[head], weights(other)[head])


def test_the_adapter_trains_with_the_head(tiny_folder, tmp_path, float32):
    training = prepare_cross(tiny_folder, tmp_path / "run", rank=4)
    trained = {name for name, p in training.model.model.named_parameters() if p.requires_grad}
    assert {"2.linear.weight", "2.linear.bias"} < trained
    assert all(".lora_" in name or name.startswith("2.") for name in trained)
    rates = {group["lr"] for group in training.trainer.create_optimizer().param_groups if group["params"]}
    assert rates == {1e-3, 1e-2}


def test_negatives_are_mined_by_the_ranker_that_is_to_be_mended(tiny_folder):
    dataset, encoder = tiny_dataset(), Encoder.load(tiny_folder, device=torch.device("cpu"))
    vectors = Vectors.of(dataset, encoder)
    scorer = VectorScorer(list(dataset.corpus), vectors.documents, encoder)
    pairs = reranking_pairs(dataset, scorer, vectors, MiningSettings(range_max=10, per_query=5))
    first = pairs[0]
    ranked = np.argsort(-(vectors.documents @ vectors.queries["train"][0]))[:10]
    assert first.positive_id == "a00"
    assert set(first.negative_ids) <= {f"a{n:02}" for n in ranked}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"pairs": []}, DataError, "no training pairs"),
        ({"max_length": 65}, ModelError, "cannot be 65 tokens"),
    ],
)
def test_what_cannot_be_trained_is_refused(tiny_folder, tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        prepare_cross(tiny_folder, tmp_path / "run", **options)
    assert not list(tmp_path.iterdir())


def test_a_run_without_the_dev_queries_is_refused(tiny_folder, tmp_path):
    dataset = tiny_dataset()
    with pytest.raises(ValueError, match="does not answer query 'q12'"):
        cross_encoder.prepare_cross_training(
            dataset, cross_pairs(dataset), first_run(dataset, "test"), tmp_path / "run", model=tiny_folder
        ).train()
