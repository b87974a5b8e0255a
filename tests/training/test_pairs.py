"""Pairs, and batches of them."""

from dataclasses import replace

import pytest
import torch

from tests.helpers import with_twins
from tests.tiny import tiny_dataset
from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import EncoderSettings
from tutorial_lib.training.losses import contrastive_loss
from tutorial_lib.training.pairs import Pair, PairCollator, training_pairs
from tutorial_lib.training.settings import TrainSettings
from tutorial_lib.training.teaching import Teaching

NO_DEV = {"dev_queries": 0, "batch_size": 12, "max_length": 128, "mined": {}}
NOTHING_MASKED = torch.zeros(2, 3, dtype=torch.bool)


@pytest.fixture
def tiny(tiny_folder):
    return Encoder.load(tiny_folder)


def test_one_pair_for_each_positive_with_its_first_negatives():
    dataset = tiny_dataset()
    dataset.qrels["train"]["q00"]["a05"] = 1
    pairs = training_pairs(dataset, {"q00": ["a07", "a08", "a09"]}, count=2)
    text = dataset.queries["q00"].text
    assert pairs[:2] == [Pair("q00", text, "a00", ("a07", "a08")), Pair("q00", text, "a05", ("a07", "a08"))]
    assert [p.positive_id for p in pairs[2:]] == [f"a{n:02}" for n in range(1, 12)]
    assert pairs[2].negative_ids == ()


@pytest.mark.parametrize(("negative", "found"), [("a03", "judged relevant"), ("zz", "not in the corpus")])
def test_a_negative_that_cannot_be_one_is_refused(negative, found):
    with pytest.raises(DataError, match=rf"negative '{negative}' of query 'q03' is {found}: mine the negatives again"):
        training_pairs(tiny_dataset(), {"q03": ["a07", negative]}, count=2)


def test_fewer_than_two_pairs_are_refused():
    dataset = tiny_dataset()
    one = replace(dataset, qrels={**dataset.qrels, "train": {"q00": {"a00": 1}}})
    with pytest.raises(DataError, match="1 training pairs: in-batch negatives need at least 2"):
        training_pairs(one, {}, count=1)


def test_a_batch_holds_each_article_once_and_masks_other_known_positives(tiny):
    dataset = with_twins(tiny_dataset(), ["a02", "a03"])
    dataset.qrels["train"]["q00"]["a01"] = 1
    pairs = [Pair("q00", "x", "a00", ("a05",)), Pair("q01", "x", "a01", ("a05", "a03")), Pair("q02", "x", "a02", ("a05",))]
    batch = PairCollator(dataset, tiny, TrainSettings())(pairs)
    # Columns: a00, a01, a02, a05, a03.
    assert batch["answers"].tolist() == [0, 1, 2]
    assert batch["masked"].tolist() == [
        [False, True, False, False, False],  # a01 answers q00 too
        [False, False, False, False, False],
        [False, False, False, False, True],  # a03 is a near-duplicate of a02
    ]
    assert sum(len(group["input_ids"]) for group in batch["groups"]) == 3 + 5


def test_a_query_that_is_an_article_of_the_batch_is_not_its_own_negative(tiny):
    dataset = tiny_dataset()
    queries = {**dataset.queries, "a01": replace(dataset.queries["q00"], query_id="a01", text=dataset.corpus["a01"].text)}
    qrels = {**dataset.qrels, "train": {"a01": {"a00": 1}, "q01": {"a01": 1}}}
    pairs = [Pair("a01", "x", "a00", ()), Pair("q01", "x", "a01", ())]
    batch = PairCollator(replace(dataset, queries=queries, qrels=qrels), tiny, TrainSettings())(pairs)
    assert batch["masked"].tolist() == [[False, True], [False, False]]


def test_a_batch_carries_what_a_teacher_says_of_its_articles(tiny):
    dataset = tiny_dataset()
    pairs = [Pair("q00", "x", "a00", ("a05",)), Pair("q01", "x", "a01", ("a05",))]
    teaching = Teaching({"q00": {"a05": 0.5, "a01": 0.0, "a09": -0.5}, "q01": {"a01": 1.0}}, weight=2.0)
    batch = PairCollator(dataset, tiny, TrainSettings(), teaching=teaching)(pairs)
    first, second = batch["targets"]  # columns: a00, a01, a05
    torch.testing.assert_close(first, torch.tensor([0.0, *torch.tensor([0.0, 1.0]).softmax(0).tolist()]))
    assert second.tolist() == [0.0, 0.0, 0.0]  # one article alone
    assert batch["weight"] == 2.0
    assert "targets" not in PairCollator(dataset, tiny, TrainSettings())(pairs)


def loss_of(run, pairs):
    """Return the loss of one batch of these pairs."""
    return float(run.trainer.training_step(run.encoder.model, run.trainer.data_collator(pairs)))


def test_an_article_that_comes_twice_in_a_batch_adds_nothing(prepare):
    dataset = tiny_dataset()
    pairs = [Pair(q, dataset.queries[q].text, "a" + q[1:], ("a09",)) for q in ("q00", "q01")]
    once = [pairs[0], replace(pairs[1], negative_ids=())]
    losses = [loss_of(prepare(dataset=dataset, **NO_DEV), batch) for batch in (pairs, once)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_a_near_duplicate_of_a_positive_adds_nothing(prepare):
    dataset = with_twins(tiny_dataset(), ["a00", "a09"])
    dataset.qrels["train"]["q01"]["a09"] = 1  # so that it is no negative of the batch's other query either
    without = [Pair(q, dataset.queries[q].text, "a" + q[1:], ()) for q in ("q00", "q01")]
    batch = [replace(without[0], negative_ids=("a09",)), without[1]]

    def loss(pairs, **settings):
        return loss_of(prepare(dataset=dataset, **NO_DEV, **settings), pairs)

    assert loss(batch) == pytest.approx(loss(without), abs=1e-6)
    assert loss(batch, mask_known_positives=False) > loss(without) + 0.01


def test_with_fixed_articles_only_queries_are_encoded(tiny, prepare):
    dataset = tiny_dataset()
    run = prepare(dataset=dataset, train_documents=False, **NO_DEV)
    pairs = [replace(run.pairs[0], negative_ids=("a03",)), run.pairs[1]]  # columns: a00, a01, a03
    batch = run.trainer.data_collator(pairs)
    rows = sorted(tiny.tokenizer.decode(ids, skip_special_tokens=True) for g in batch["groups"] for ids in g["input_ids"])
    assert rows == sorted(p.query for p in pairs)
    documents = torch.from_numpy(tiny.encode_documents([dataset.corpus[a].full_text for a in ("a00", "a01", "a03")]))
    assert torch.allclose(batch["fixed"], documents, atol=1e-6)
    assert not batch["fixed"].requires_grad
    queries = torch.from_numpy(tiny.encode_queries([p.query for p in pairs]))
    expected = contrastive_loss(queries, documents, torch.tensor([0, 1]), NOTHING_MASKED, run.settings.temperature)
    assert loss_of(run, pairs) == pytest.approx(expected.item(), abs=1e-5)


def test_order_undoes_the_sorting_by_length(tiny):
    dataset = tiny_dataset()
    pairs = training_pairs(dataset, {}, 0)
    batch = PairCollator(dataset, tiny, TrainSettings(token_budget=20))(pairs)
    assert len(batch["groups"]) > 5
    rows = [ids[ids != 0].tolist() for g in batch["groups"] for ids in g["input_ids"]]
    expected = tiny.tokenize([p.query for p in pairs] + [dataset.corpus[p.positive_id].full_text for p in pairs])
    assert [rows[n] for n in batch["order"]] == expected


def test_the_batch_carries_the_prompts_and_the_training_window(tiny):
    prompted = Encoder(tiny.model, tiny.tokenizer, EncoderSettings("mean", 64, "query : ", "article : "), "prompted")
    batch = PairCollator(tiny_dataset(), prompted, TrainSettings(max_length=5))([Pair("q00", "refund", "a00", ())])
    rows = {tiny.tokenizer.decode(ids, skip_special_tokens=True) for g in batch["groups"] for ids in g["input_ids"]}
    assert rows == {"query : refund", "article : cancel"}  # of the article three tokens fit
