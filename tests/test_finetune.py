"""Loss, batches and gradients; adapters are in test_adapters.py, whole runs in test_training.py."""

import math
from dataclasses import replace

import pytest
import torch
from transformers import TrainingArguments

from tests.tiny import set_update, tiny_dataset
from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import EncoderSettings
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.training.dev import dev_set
from tutorial_lib.training.finetune import prepare_training, rises
from tutorial_lib.training.losses import contrastive_loss, matryoshka_loss
from tutorial_lib.training.pairs import Pair, PairCollator, training_pairs
from tutorial_lib.training.settings import LoraSettings, TrainSettings

LORA = LoraSettings(rank=4, alpha=8)
NOTHING_MASKED = torch.zeros(2, 3, dtype=torch.bool)


@pytest.fixture
def tiny(tiny_folder):
    return Encoder.load(tiny_folder)


# --- loss ---------------------------------------------------------------------------------------------------------


def test_the_loss_by_hand():
    queries = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    documents = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, -1.0]])  # cosines: 1, 0.6, 0 and 0, 0.8, -1
    loss = contrastive_loss(queries, documents, torch.tensor([0, 1]), NOTHING_MASKED, temperature=0.5)
    e = math.exp
    first = -math.log(e(2) / (e(2) + e(1.2) + e(0)))
    second = -math.log(e(1.6) / (e(0) + e(1.6) + e(-2)))
    assert loss.item() == pytest.approx((first + second) / 2, abs=1e-6)


def test_a_masked_article_adds_nothing():
    queries, documents = torch.eye(2), torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.8, 0.6]])
    answers = torch.tensor([0, 1])
    masked = NOTHING_MASKED.clone()
    masked[:, 2] = True
    loss = contrastive_loss(queries, documents, answers, masked, 0.1)
    assert loss == contrastive_loss(queries, documents[:2], answers, NOTHING_MASKED[:, :2], 0.1)
    assert loss < contrastive_loss(queries, documents, answers, NOTHING_MASKED, 0.1)


def test_the_matryoshka_loss_by_hand():
    queries = torch.tensor([[0.6, 0.0, 0.8], [0.0, 1.0, 0.0]])
    documents = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]])
    arguments = queries, documents, torch.tensor([0, 1]), NOTHING_MASKED[:, :2], 0.5
    e = math.exp
    # Whole: cosines 0.6, 0.64 and 0, 0.6. The first two numbers at unit length: (1, 0) and (0, 1) of both: 1, 0 and 0, 1.
    whole = (-math.log(e(1.2) / (e(1.2) + e(1.28))) - math.log(e(1.2) / (e(0) + e(1.2)))) / 2
    cut = -math.log(e(2) / (e(2) + e(0)))
    assert matryoshka_loss(*arguments, dimensions=(2,)).item() == pytest.approx((whole + cut) / 2, abs=1e-6)
    assert matryoshka_loss(*arguments, dimensions=()).item() == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ((0.3, 0.1, 0.1, -0.1), True),  # mean 0.1, standard deviation sqrt(0.08 / 3) = 0.163, error of the mean half of that
        ((0.3, 0.1, 0.0, -0.2), False),  # mean 0.05, standard deviation sqrt(0.13 / 3) = 0.208
        ((0.1, 0.1, 0.1, 0.1), True),
        ((0.0, 0.0, 0.0, 0.0), False),
        ((-0.1, -0.1, -0.1, -0.1), False),
        ((0.1,), True),  # one query has no spread
    ],
)
def test_dev_rises_if_the_mean_does_by_more_than_its_standard_error(differences, expected):
    before = {f"q{n}": 0.5 for n in range(len(differences))}
    assert rises(before, {q: 0.5 + d for q, d in zip(before, differences, strict=True)}) is expected


# --- pairs and batches --------------------------------------------------------------------------------------------


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
    dataset = tiny_dataset()
    dataset.qrels["train"]["q00"]["a01"] = 1
    dataset = replace(dataset, near_duplicates=(("a02", "a03"),))
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


def test_an_article_that_comes_twice_in_a_batch_adds_nothing(tiny, float32, tmp_path):
    dataset = tiny_dataset()
    pairs = [Pair(q, dataset.queries[q].text, "a" + q[1:], ("a09",)) for q in ("q00", "q01")]
    once = [pairs[0], replace(pairs[1], negative_ids=())]
    losses = []
    for batch in (pairs, once):
        run = prepare(dataset, tiny.name, tmp_path)
        losses.append(run.trainer.compute_loss(run.encoder.model, run.trainer.data_collator(batch)).item())
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_a_near_duplicate_of_a_positive_adds_nothing(tiny, float32, tmp_path):
    dataset = tiny_dataset()
    dataset = replace(dataset, near_duplicates=(("a00", "a09"),))
    dataset.qrels["train"]["q01"]["a09"] = 1  # so that it is no negative of the batch's other query either
    without = [Pair(q, dataset.queries[q].text, "a" + q[1:], ()) for q in ("q00", "q01")]
    batch = [replace(without[0], negative_ids=("a09",)), without[1]]

    def loss(pairs, **settings):
        run = prepare(dataset, tiny.name, tmp_path, **settings)
        return run.trainer.compute_loss(run.encoder.model, run.trainer.data_collator(pairs)).item()

    assert loss(batch) == pytest.approx(loss(without), abs=1e-6)
    assert loss(batch, mask_known_positives=False) > loss(without) + 0.01


def test_with_fixed_articles_only_queries_are_encoded(tiny, float32, tmp_path):
    dataset = tiny_dataset()
    run = prepare(dataset, tiny.name, tmp_path, train_documents=False)
    pairs = [replace(run.pairs[0], negative_ids=("a03",)), run.pairs[1]]  # columns: a00, a01, a03
    batch = run.trainer.data_collator(pairs)
    rows = sorted(tiny.tokenizer.decode(ids, skip_special_tokens=True) for g in batch["groups"] for ids in g["input_ids"])
    assert rows == sorted(p.query for p in pairs)
    documents = torch.from_numpy(tiny.encode_documents([dataset.corpus[a].full_text for a in ("a00", "a01", "a03")]))
    assert torch.allclose(batch["fixed"], documents, atol=1e-6)
    assert not batch["fixed"].requires_grad
    queries = torch.from_numpy(tiny.encode_queries([p.query for p in pairs]))
    expected = contrastive_loss(queries, documents, torch.tensor([0, 1]), NOTHING_MASKED, run.settings.temperature)
    assert run.trainer.compute_loss(run.encoder.model, batch).item() == pytest.approx(expected.item(), abs=1e-5)


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


def test_the_dev_pool_holds_the_positives_and_the_best_of_bm25():
    dataset = tiny_dataset()
    bm25 = BM25(dataset.document_texts())
    dev = dev_set(dataset, bm25, TrainSettings(dev_queries=2, dev_pool_per_query=1, seed=3))
    assert len(dev.queries) == 2
    assert set(dev.queries) < set(dataset.qrels["dev"])
    best = {next(iter(hits)) for hits in bm25.search(dev.queries, k=1).values()}
    assert set(dev.documents) == best | {"a" + q[1:] for q in dev.queries}


# --- gradients ----------------------------------------------------------------------------------------------------


def prepare(dataset, model, folder, *, lora=LORA, all_weights=False, **settings):
    return prepare_training(
        dataset,
        {},
        BM25(dataset.document_texts()),
        folder,
        model=model,
        lora=lora,
        settings=TrainSettings(dev_queries=0, batch_size=12, **settings),
        device=torch.device("cpu"),
        all_weights=all_weights,
    )


def test_the_gradient_cache_gives_the_gradients_of_the_plain_step(tiny_folder, float32, tmp_path):
    gradients, losses = [], []
    for activation_tokens in (0, 200, 10_000):
        run = prepare(tiny_dataset(), tiny_folder, tmp_path, activation_tokens=activation_tokens, token_budget=40)
        set_update(run.encoder)
        run.trainer.current_gradient_accumulation_steps = 1  # what train() sets before its first step
        batch = run.trainer.data_collator(run.pairs)
        assert len(batch["groups"]) > 3
        losses.append(run.trainer.training_step(run.encoder.model, batch).item())
        gradients.append({n: p.grad for n, p in run.encoder.model.named_parameters() if p.requires_grad and ".layer." in n})
        plain = prepare(tiny_dataset(), tiny_folder, tmp_path)
    set_update(plain.encoder)
    plain.trainer.compute_loss(plain.encoder.model, batch).backward()
    gradients.append({n: p.grad for n, p in plain.encoder.model.named_parameters() if p.requires_grad and ".layer." in n})
    assert losses[0] == pytest.approx(losses[1], abs=1e-6) == pytest.approx(losses[2], abs=1e-6)
    assert max(g.abs().max() for g in gradients[-1].values()) > 1e-3
    for name, gradient in gradients[-1].items():
        assert all(torch.allclose(gradient, other[name], atol=1e-5) for other in gradients[:-1]), name


@pytest.mark.parametrize("all_weights", [False, True])
def test_what_is_encoded_twice_is_encoded_with_the_same_dropout(tiny_folder, float32, tmp_path, all_weights):
    gradients = []
    for activation_tokens in (0, 10_000):
        run = prepare(
            tiny_dataset(),
            tiny_folder,
            tmp_path,
            activation_tokens=activation_tokens,
            token_budget=40,
            lora=replace(LORA, dropout=0.3),
            all_weights=all_weights,
        )
        if not all_weights:
            set_update(run.encoder)
        run.trainer.current_gradient_accumulation_steps = 1
        torch.manual_seed(1)
        run.trainer.training_step(run.encoder.model, run.trainer.data_collator(run.pairs))
        gradients.append({n: p.grad for n, p in run.encoder.model.named_parameters() if p.grad is not None})
    assert max(g.abs().max() for g in gradients[0].values()) > 1e-3
    assert all(torch.allclose(gradients[0][n], gradients[1][n], atol=1e-5) for n in gradients[1])


def test_one_process_takes_one_gpu_even_if_it_sees_several(tiny_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(TrainingArguments, "n_gpu", 3)
    assert prepare(tiny_dataset(), tiny_folder, tmp_path).trainer.args._n_gpu == 1


@pytest.mark.parametrize("share", [0.0, -0.5, 1.5])
def test_a_share_of_the_update_outside_0_to_1_is_refused(share):
    with pytest.raises(ValueError, match=r"strengths .* lie outside 0 to 1"):
        TrainSettings(strengths=(1.0, share))
