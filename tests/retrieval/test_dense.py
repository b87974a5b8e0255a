import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import make_dataset, one_hot, small_dataset
from tutorial_lib.data.dataset import DataError
from tutorial_lib.retrieval.dense import Vectors, VectorScorer, dense_run, exact_search
from tutorial_lib.retrieval.runs import ranked
from tutorial_lib.retrieval.scorer import Scorer

WORDS = ["account", "password", "plan", "annual", "router", "channel"]


class Words:
    """An encoder of a number a word: 1 where a text holds it, at unit length."""

    name, fingerprint, dimension = "words", "words", len(WORDS)

    def encode_queries(self, texts):
        return one_hot(WORDS, texts)

    def encode_documents(self, texts):
        return one_hot(WORDS, texts)


# --- exact search -------------------------------------------------------------------------------------------------


def test_exact_search_by_hand():
    documents = one_hot(["refund", "plan", "router"], ["refund plan", "router", "refund", "plan"])
    queries = one_hot(["refund", "plan", "router"], ["refund", "router"])
    run = exact_search(["q1", "q2"], queries, ["a", "b", "c", "d"], documents, k=2)
    assert list(run["q1"].items()) == [("c", 1.0), ("a", pytest.approx(0.5**0.5))]
    assert list(run["q2"]) == ["b", "a"]  # a, c and d score 0: the first id comes first
    assert run["q2"]["b"] == 1.0


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_vector_that_is_not_finite_is_refused_by_name(wrong):
    documents, queries = np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[:2]
    documents[1, 0] = wrong
    for chunk in (1, 2, 3):
        with pytest.raises(DataError, match="vectors hold NaN or infinity, that of 'b' first"):
            exact_search(["q1", "q2"], queries, ["a", "b", "c"], documents, k=2, document_chunk=chunk)
    queries[1, 2] = wrong
    with pytest.raises(DataError, match="1 of 2 query vectors hold NaN or infinity, that of 'q2' first"):
        exact_search(["q1", "q2"], queries, ["a", "b", "c"], np.eye(3, dtype=np.float32))


def test_vectors_of_a_dataset_that_are_not_finite_are_refused_by_name():
    dataset = small_dataset()
    vectors = Vectors.of(dataset, Words())
    vectors.documents[2] = np.nan
    with pytest.raises(DataError, match="1 of 6 document vectors hold NaN or infinity, that of 'billing/cancel' first"):
        vectors.check(dataset, "test")
    vectors = Vectors.of(dataset, Words())
    vectors.queries["train"][1, 0] = np.inf
    with pytest.raises(DataError, match="1 of 6 train query vectors hold NaN or infinity, that of 't2' first"):
        vectors.check(dataset, "train")


def test_a_querys_own_document_is_left_out_and_the_run_keeps_its_length():
    documents = {"x": ("", "reset a password"), "y": ("", "an account password"), "z": ("", "the router")}
    dataset = make_dataset(documents, {"test": {"x": ("Reset a password", "y")}})
    vectors = Vectors.of(dataset, Words(), ["test"])
    assert list(dense_run(dataset, vectors, "test", k=2)["x"]) == ["y", "z"]
    with_own = exact_search(["x"], vectors.queries["test"], ["x", "y", "z"], vectors.documents, k=2)
    assert list(with_own["x"]) == ["x", "y"]


SIGNS = st.lists(st.tuples(*[st.sampled_from([-0.5, 0.5])] * 4), min_size=1, max_size=12)


@given(SIGNS, SIGNS, st.integers(1, 5), st.integers(1, 5), st.integers(1, 13))
def test_chunk_size_does_not_matter(queries, documents, chunk, document_chunk, k):
    q, a = np.array(queries, dtype=np.float32), np.array(documents, dtype=np.float32)  # unit vectors, exact products
    q_ids, a_ids = [f"q{n:02d}" for n in range(len(q))], [f"a{n:02d}" for n in range(len(a))]
    whole = exact_search(q_ids, q, a_ids, a, k=k)
    assert exact_search(q_ids, q, a_ids, a, k=k, chunk=chunk, document_chunk=document_chunk) == whole
    for query, vector in zip(q_ids, q, strict=True):
        assert whole[query] == ranked(dict(zip(a_ids, (a @ vector).tolist(), strict=True)), k)


class Rows:
    """Vectors that give only slices of themselves, as a file would, and note them."""

    def __init__(self, vectors):
        self.vectors, self.shape, self.read = vectors, vectors.shape, []

    def __getitem__(self, part):
        self.read.append((part.start, part.stop))
        return self.vectors[part]


def test_articles_are_read_once_and_a_chunk_at_a_time():
    vectors = one_hot(["a", "b", "c"], ["a b", "b", "c", "a", "b c"])
    documents, queries = Rows(vectors), one_hot(["a", "b", "c"], ["a", "b", "c"])
    ids = ["v", "w", "x", "y", "z"]
    run = exact_search(["1", "2", "3"], queries, ids, documents, k=2, chunk=1, document_chunk=2)
    assert documents.read == [(0, 2), (2, 4), (4, 6)]
    assert run == exact_search(["1", "2", "3"], queries, ids, vectors, k=2)
    assert [list(hits) for hits in run.values()] == [["y", "v"], ["w", "v"], ["x", "z"]]  # "b": v and z tie


@pytest.mark.parametrize(
    ("q_ids", "a_ids", "shape", "message"),
    [
        (["q"], ["a"], (2, 3), "1 article ids for 2 vectors"),
        (["q", "r"], ["a", "b"], (2, 3), "2 query ids for 1 vectors"),
        (["q"], ["a", "b"], (2, 4), "3 dimensions and article vectors 4"),
        (["q"], ["b", "a"], (2, 3), "not in ascending order"),
    ],
)
def test_exact_search_refuses_what_does_not_fit(q_ids, a_ids, shape, message):
    with pytest.raises(ValueError, match=message):
        exact_search(q_ids, np.ones((1, 3), dtype=np.float32), a_ids, np.ones(shape, dtype=np.float32))


# --- the vectors of a dataset -------------------------------------------------------------------------------------


def test_vectors_of_a_dataset_stand_in_id_order():
    vectors = Vectors.of(small_dataset(), Words(), ["dev"])
    assert vectors.documents.shape == (6, 6)
    assert vectors.documents[3] == pytest.approx(np.array([0, 0, 1, 1, 0, 0]) / 2**0.5)  # billing/refund: "annual plan"
    assert list(vectors.queries) == ["dev"]
    assert vectors.queries["dev"].shape == (2, 6)


def test_dense_run_is_exact_search_of_a_split():
    dataset = small_dataset()
    vectors = Vectors.of(dataset, Words())
    run = dense_run(dataset, vectors, "train", k=2)
    assert list(run) == ["t1", "t2", "t3", "t4", "t5", "t6"]
    # "refund for annual plan": of the annual plan both words, of the cancelled plan one of one.
    assert run["t1"] == {"billing/refund": pytest.approx(1), "billing/cancel": pytest.approx(0.5**0.5)}


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("test", "no vectors of the test queries, only of train, dev"),
        ("dev", "1 query and 6 document vectors for 2 dev queries and 6 documents"),
    ],
)
def test_vectors_of_another_split_or_dataset_are_refused(split, message):
    dataset = small_dataset()
    made = Vectors.of(dataset, Words(), ["train", "dev"])
    vectors = Vectors(made.documents, {**made.queries, "dev": made.queries["dev"][:1]})
    with pytest.raises(DataError, match=message):
        dense_run(dataset, vectors, split)


def test_vectors_come_back_from_disk(tmp_path):
    vectors = Vectors.of(small_dataset(), Words(), ["train", "test"])
    vectors.save(tmp_path)
    read = Vectors.load(tmp_path)
    assert np.array_equal(read.documents, vectors.documents)
    assert list(read.queries) == ["train", "test"]
    assert all(np.array_equal(read.queries[s], vectors.queries[s]) for s in read.queries)


# --- a scorer of vectors ------------------------------------------------------------------------------------------


def scorer():
    return VectorScorer(["a", "b", "c"], one_hot(WORDS, ["annual plan", "router", "plan"]), Words())


def test_scores_are_cosines():
    scores = scorer().scores(["plan", "router plan", "nothing"])
    half = 0.5**0.5
    assert scores == pytest.approx(np.array([[half, 0, 1], [0.5, half, half], [0, 0, 0]]))
    assert scores.dtype == np.float32
    assert isinstance(scorer(), Scorer)


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join), min_size=1, max_size=8))
def test_a_scorer_ranks_as_exact_search_does(texts):
    dataset = small_dataset()
    vectors = Vectors.of(dataset, Words(), [])
    rows = VectorScorer(list(dataset.corpus), vectors.documents, Words()).scores(texts)
    names = [f"q{n}" for n in range(len(texts))]
    run = exact_search(names, one_hot(WORDS, texts), list(dataset.corpus), vectors.documents)
    assert run == {
        q: ranked(dict(zip(dataset.corpus, row.tolist(), strict=True))) for q, row in zip(names, rows, strict=True)
    }


def test_a_scorer_refuses_one_string_for_queries():
    with pytest.raises(ValueError, match="'plan': pass a list of query texts"):
        scorer().scores("plan")


@pytest.mark.parametrize(
    ("ids", "message"), [(["a"], "1 article ids for 2 vectors"), (["b", "a"], "ids are not in ascending order")]
)
def test_a_scorer_refuses_ids_that_are_not_those_of_the_vectors(ids, message):
    with pytest.raises(ValueError, match=message):
        VectorScorer(ids, one_hot(WORDS, ["plan", "router"]), Words())
