"""The loss of lists is ListNet's, and a batch taken side by side has the gradients of the whole."""

import pytest
import torch
from sentence_transformers.cross_encoder.losses import ListNetLoss

from tutorial_lib.models.encoder import Encoder
from tutorial_lib.training.cross_encoder import with_fresh_head
from tutorial_lib.training.list_loss import ListLoss, backward_side_by_side

QUERIES = ["how to cancel", "reset a password", "share the router"]
LISTS = [["cancel invoice", "open the page"], ["reset the password of a router : open", "email"], ["router", "invoice"]]
LABELS = [torch.tensor([20.0, 0.0]), torch.tensor([0.0, 1.0]), torch.tensor([20.0, 0.0])]


@pytest.fixture
def loss(tiny_folder, float32):
    torch.manual_seed(0)
    return ListLoss(with_fresh_head(Encoder.load(tiny_folder, device=torch.device("cpu")).with_window(32)))


def test_it_is_the_loss_of_sentence_transformers(loss):
    expected = ListNetLoss(loss.model)([QUERIES, LISTS], LABELS)
    torch.testing.assert_close(loss([QUERIES, LISTS], LABELS), expected)


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_side_by_side_gives_the_gradients_of_the_whole_batch(loss, threads, monkeypatch):
    whole = loss([QUERIES, LISTS], LABELS)
    whole.backward()
    expected = {name: p.grad for name, p in loss.model.named_parameters()}
    loss.model.zero_grad()
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    batch = {"query": QUERIES, "documents": LISTS, "label": LABELS}
    found = backward_side_by_side(lambda part: loss([part["query"], part["documents"]], part["label"]), batch, loss.model)
    torch.testing.assert_close(found, whole.detach())
    for name, p in loss.model.named_parameters():
        assert (p.grad is None) == (expected[name] is None)  # the pooler that is left alone
        if p.grad is not None:
            torch.testing.assert_close(p.grad, expected[name], atol=1e-6, rtol=1e-4)
