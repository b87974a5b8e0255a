import math

import pytest
import torch

from tutorial_lib.training.losses import batch_loss, contrastive_loss, matryoshka_loss, teaching_loss
from tutorial_lib.training.settings import TrainSettings

NOTHING_MASKED = torch.zeros(2, 3, dtype=torch.bool)


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


def test_the_loss_of_a_batch_undoes_its_order_and_takes_what_the_settings_say():
    queries = torch.tensor([[0.6, 0.0, 0.8], [0.0, 1.0, 0.0]])
    documents = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]])
    arguments = queries, documents, torch.tensor([0, 1]), NOTHING_MASKED[:, :2]
    batch = {"order": torch.tensor([3, 1, 0, 2]), "answers": arguments[2], "masked": arguments[3]}
    shuffled = torch.stack([documents[0], queries[1], documents[1], queries[0]])  # row 3 is the first query, row 1 the second
    plain, sizes = TrainSettings(temperature=0.5), TrainSettings(temperature=0.5, matryoshka=(2,))
    assert batch_loss(shuffled, batch, plain) == contrastive_loss(*arguments, 0.5)
    assert batch_loss(shuffled, batch, sizes) == matryoshka_loss(*arguments, 0.5, (2,))
    fixed = {**batch, "order": torch.tensor([1, 0]), "fixed": documents}
    assert batch_loss(queries.flip(0), fixed, plain) == contrastive_loss(*arguments, 0.5)


def test_the_divergence_from_a_teacher_by_hand():
    cosines = torch.tensor([[0.8, 0.6, 0.9], [0.1, 0.2, 0.3]])
    targets = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]])  # nobody taught the second query
    e = math.exp
    own = e(4) / (e(4) + e(3)), e(3) / (e(4) + e(3))  # the third document is not compared
    expected = sum(0.5 * math.log(0.5 / share) for share in own)
    assert teaching_loss(cosines, targets, temperature=0.2).item() == pytest.approx(expected, abs=1e-6)
    assert teaching_loss(cosines, torch.zeros(2, 3), temperature=0.2).item() == 0


def test_a_teacher_is_agreed_with_where_the_divergence_is_nothing_and_its_gradient_goes_there():
    targets = torch.tensor([[0.7, 0.3, 0.0]])
    cosines = torch.zeros(1, 3, requires_grad=True)
    for _ in range(200):
        (gradient,) = torch.autograd.grad(teaching_loss(cosines, targets, temperature=1.0), cosines)
        cosines = (cosines - gradient).detach().requires_grad_()
    assert teaching_loss(cosines, targets, temperature=1.0).item() == pytest.approx(0, abs=1e-6)
    assert cosines[0, 2] == 0  # not ranked by the teacher: left where it was
    assert (cosines[0, 0] - cosines[0, 1]).item() == pytest.approx(math.log(0.7 / 0.3), abs=1e-3)


def test_the_loss_of_a_batch_adds_the_teachers_by_its_weight():
    queries, documents = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    batch = {"order": torch.arange(4), "answers": torch.tensor([0, 1]), "masked": NOTHING_MASKED[:, :2]}
    taught = {**batch, "targets": torch.tensor([[0.2, 0.8], [0.5, 0.5]]), "weight": 3.0}
    vectors, settings = torch.cat([queries, documents]), TrainSettings(temperature=0.5)
    added = batch_loss(vectors, taught, settings) - batch_loss(vectors, batch, settings)
    expected = 3 * teaching_loss(queries @ documents.T, taught["targets"], 0.5)
    assert added.item() == pytest.approx(expected.item(), abs=1e-6)
