import numpy as np
import pytest

from tests.tiny import tiny_dataset
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.token_vectors import token_vectors
from tutorial_lib.retrieval.late_interaction import LateInteraction
from tutorial_lib.retrieval.reranking import reranked

DOCUMENTS = {"export": "export your invoice", "password": "reset the password", "refund": "refund: cancel", "silent": ""}
RUN = {"q": {"password": 0.9, "refund": 0.8, "export": 0.1}}


@pytest.fixture
def late(tiny_folder):
    return LateInteraction(Encoder.load(tiny_folder), DOCUMENTS)


@pytest.mark.parametrize(("packed", "apart"), [(False, 1e-6), (True, 0.01)])
def test_maxsim_is_the_mean_over_query_tokens_of_the_closest_document_token(tiny_folder, packed, apart):
    encoder = Encoder.load(tiny_folder)
    scores = LateInteraction(encoder, DOCUMENTS, packed=packed).maxsim({"q": "reset invoice"}, RUN)["q"]
    (query,) = token_vectors(encoder, ["reset invoice"])
    for a, score in scores.items():
        (document,) = token_vectors(encoder, [DOCUMENTS[a]])
        by_hand = np.mean([max(float(q @ d) for d in document.vectors) for q in query.vectors])
        assert score == pytest.approx(by_hand, abs=apart)


def test_a_matrix_for_queries_alone_turns_their_tokens_and_reads_no_document_again(tiny_folder):
    matrix = np.diag(np.linspace(0.1, 2.0, 32)).astype(np.float32)
    encoder = Encoder.load(tiny_folder)
    late = LateInteraction(encoder, DOCUMENTS)
    late.read(DOCUMENTS)
    turned, queries = late.turned(matrix, queries_only=True), {"q": "reset invoice"}
    assert turned._kept == late._kept
    afresh = LateInteraction(encoder.with_matrix(matrix, queries_only=True), DOCUMENTS).maxsim(queries, RUN)["q"]
    assert turned.maxsim(queries, RUN)["q"] == pytest.approx(afresh, abs=1e-6)
    assert afresh != pytest.approx(late.maxsim(queries, RUN)["q"], abs=1e-3)


def test_only_the_shortlist_is_read_and_each_document_once(late, monkeypatch):
    read = []
    monkeypatch.setattr(
        "tutorial_lib.retrieval.late_interaction.token_vectors",
        lambda encoder, texts, prompt: read.extend(texts) or token_vectors(encoder, texts, prompt),
    )
    late.maxsim({"q": "refund"}, RUN, depth=2)
    late.maxsim({"q": "reset"}, RUN, depth=2)
    assert read == [DOCUMENTS["password"], DOCUMENTS["refund"]]


def test_rerank_fuses_and_leaves_what_is_below_the_depth(late):
    queries = {"q": "refund: cancel"}
    found = late.rerank(queries, RUN, depth=2, weight=1.0)
    assert list(found["q"]) == ["refund", "password", "export"]
    assert found == reranked(RUN, late.maxsim(queries, RUN, depth=2), 1.0)


def test_int8_takes_a_quarter_of_the_room(tiny_folder):
    late = [LateInteraction(Encoder.load(tiny_folder), DOCUMENTS, packed=packed) for packed in (False, True)]
    for one in late:
        one.read(DOCUMENTS)
    assert late[1].megabytes < late[0].megabytes / 2.5  # with its scales, at 32 numbers a token


def test_texts_without_a_token_match_nothing(late):
    assert late.maxsim({"q": "refund", "p": ""}, {"q": {"silent": 0.5}, "p": {"refund": 0.5}}) == {
        "q": {"silent": 0.0},
        "p": {"refund": 0.0},
    }
    assert late.matches("refund", "silent") == late.matches("", "refund") == []


def test_a_word_matches_itself_whatever_its_pieces_and_says_where_it_stands():
    text = "Cancel your subscription, unsubscribable or not."
    cancel, whole, subscriptions = LateInteraction(Encoder.load(), {"a": text}).matches(
        "Cancel? unsubscribable subscriptions!", "a"
    )
    assert (cancel.query_word, cancel.document_word, cancel.start, cancel.end) == ("Cancel", "Cancel", 0, 6)
    assert whole.query_word == whole.document_word == text[whole.start : whole.end] == "unsubscribable"
    assert (subscriptions.query_word, subscriptions.document_word) == ("subscriptions", "subscription")
    assert all(0.4 < match.cosine <= 1.001 for match in (cancel, whole, subscriptions))


def test_a_document_that_is_not_there_is_told(late):
    with pytest.raises(ValueError, match=r"no document 'gone' among the 4 given"):
        late.maxsim({"q": "refund"}, {"q": {"gone": 0.5}})
    with pytest.raises(ValueError, match=r"no document 'gone'"):
        late.matches("refund", "gone")


def test_a_query_that_the_run_does_not_answer_is_told(late):
    with pytest.raises(ValueError, match=r"does not answer query 'p'"):
        late.rerank({"q": "refund", "p": "reset"}, RUN)


def test_the_order_of_queries_changes_no_score(tiny_folder):
    dataset = tiny_dataset()
    queries = dataset.query_texts("test")
    run = {q: {a: 1.0 - n / 100 for n, a in enumerate(dataset.corpus)} for q in queries}
    scores = LateInteraction(Encoder.load(tiny_folder), dataset.document_texts()).maxsim(queries, run, depth=5)
    again = LateInteraction(Encoder.load(tiny_folder), dataset.document_texts())
    backwards = again.maxsim(dict(reversed(queries.items())), run, depth=5)
    for q in queries:
        assert backwards[q] == pytest.approx(scores[q], abs=2e-3)


def test_a_matrix_turns_what_is_kept_as_if_it_were_read_again(late, tiny_folder):
    matrix = (np.eye(32) + np.random.default_rng(0).normal(0, 0.1, (32, 32))).astype(np.float32)
    late.read(DOCUMENTS)
    anew = LateInteraction(Encoder.load(tiny_folder).with_matrix(matrix), DOCUMENTS)
    turned, afresh = (each.maxsim({"q": "reset invoice"}, RUN)["q"] for each in (late.turned(matrix), anew))
    assert turned == pytest.approx(afresh, abs=0.01)
    assert late.maxsim({"q": "reset invoice"}, RUN)["q"] != pytest.approx(turned, abs=1e-4)


def test_fewer_token_vectors_take_less_room_and_rank_much_alike(tiny_folder):
    encoder = Encoder.load(tiny_folder)
    whole, half = (LateInteraction(encoder, DOCUMENTS, packed=False, factor=factor) for factor in (1, 2))
    queries = {"q": "reset invoice"}
    scores, fewer = (late.maxsim(queries, RUN)["q"] for late in (whole, half))
    kept = [sum(len(document.vectors) for document in late._kept.values()) for late in (whole, half)]
    assert kept[1] == sum(-(-len(document.vectors) // 2) for document in whole._kept.values())
    assert half.megabytes == pytest.approx(whole.megabytes * kept[1] / kept[0])
    assert fewer.keys() == scores.keys() and fewer != scores
    assert half.matches("reset invoice", next(iter(DOCUMENTS))) == whole.matches("reset invoice", next(iter(DOCUMENTS)))
    assert half.turned(np.eye(encoder.dimension, dtype=np.float32)).factor == 2
