from dataclasses import replace

import numpy as np
import pytest

from tests.tiny import LORA, TRAIN, tiny_dataset
from tutorial_lib.cleaning.noise import suspicious_pairs
from tutorial_lib.data.dataset import DataError
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.training import crossfit
from tutorial_lib.training.crossfit import cross_fitted_pairs, cross_fitted_vectors


@pytest.fixture(scope="module")
def fitted(tiny_folder, tmp_path_factory):
    """Two folds of the tiny dataset, and the datasets and negatives that the two models were trained on."""
    dataset, seen, prepare = tiny_dataset(), [], crossfit.prepare_training

    def recorded(part, negatives, *args, **options):
        seen.append((part, negatives, options["settings"]))
        return prepare(part, negatives, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crossfit, "prepare_training", recorded)
        folds = cross_fitted_vectors(
            dataset,
            BM25(dataset.document_texts()),
            tmp_path_factory.mktemp("folds"),
            model=str(tiny_folder),
            lora=LORA,
            settings=replace(TRAIN, epochs=1.0),
        )
    return dataset, folds, seen


def test_every_training_query_is_in_exactly_one_fold(fitted):
    dataset, folds, _ = fitted
    assert sorted(q for fold in folds for q in fold.query_ids) == sorted(dataset.qrels["train"])
    assert [len(fold.query_ids) for fold in folds] == [6, 6]


def test_no_model_was_taught_the_pairs_that_it_judges(fitted):
    dataset, folds, seen = fitted
    assert len(seen) == 2
    for fold, (part, negatives, settings) in zip(folds, seen, strict=True):
        assert set(part.qrels["train"]) == set(dataset.qrels["train"]) - set(fold.query_ids)
        assert negatives == {}
        assert (settings.dev_queries, settings.negatives) == (0, 0)


def test_each_fold_has_vectors_of_its_own_model(fitted):
    _, folds, _ = fitted
    for fold in folds:
        queries, documents = fold.vectors.queries["train"], fold.vectors.documents
        assert (queries.shape, documents.shape) == ((6, 32), (24, 32))
        assert np.allclose(np.linalg.norm(np.vstack([queries, documents]), axis=1), 1, atol=1e-3)
    assert not np.allclose(folds[0].vectors.documents, folds[1].vectors.documents, atol=1e-3)


def test_the_folds_make_one_table(fitted):
    dataset, folds, _ = fitted
    bm25 = BM25(dataset.document_texts())
    table = cross_fitted_pairs(dataset, bm25, folds)
    assert sorted(zip(table["query_id"], table["article_id"], strict=True)) == dataset.pairs("train")
    assert table["suspicion"].is_monotonic_decreasing
    held = {q: dataset.qrels["train"][q] for q in folds[0].query_ids}
    alone = replace(dataset, qrels={**dataset.qrels, "train": held})
    expected = suspicious_pairs(alone, bm25, folds[0].vectors).set_index("query_id")["model_margin"]
    assert table.set_index("query_id")["model_margin"][list(expected.index)].tolist() == expected.tolist()


@pytest.mark.parametrize("folds", [1, 13])
def test_folds_need_queries(tmp_path, folds):
    dataset = tiny_dataset()
    with pytest.raises(ValueError, match=f"{folds} folds of 12 queries: pass at least 2 and at most as many as there are"):
        cross_fitted_vectors(dataset, BM25(dataset.document_texts()), tmp_path, folds=folds)


def test_vectors_of_other_queries_are_refused(fitted):
    dataset, folds, _ = fitted
    mixed = replace(folds[0], query_ids=folds[0].query_ids[:-1])
    with pytest.raises(DataError, match=r"6 query and 24 .* vectors for 5 .*queries and 24"):
        cross_fitted_pairs(dataset, BM25(dataset.document_texts()), [mixed])
