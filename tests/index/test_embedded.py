import numpy as np
import pytest

from tutorial_lib.data.dataset import DataError
from tutorial_lib.index.embedded import check_finite, check_rows, corpus_hash, text_hash


def test_the_hash_of_a_text_is_the_start_of_its_sha256():
    assert text_hash("abc") == "ba7816bf8f01cfea"  # FIPS 180-2, appendix B.1
    assert text_hash("été") != text_hash("ete")


def test_the_hash_of_a_corpus_goes_by_ids_and_texts_and_not_by_their_order():
    assert corpus_hash(["a", "b"], ["1", "2"]) == corpus_hash(["b", "a"], ["2", "1"])
    assert len({corpus_hash(["a", "b"], pair) for pair in (["1", "2"], ["2", "1"], ["1", "1"])}) == 3
    with pytest.raises(ValueError):
        corpus_hash(["a", "b"], ["1"])


def test_the_first_vector_that_is_no_number_is_named_with_the_advice():
    vectors = np.array([[1, 0], [np.inf, 0], [0, np.nan]], dtype=np.float32)
    with pytest.raises(DataError, match=r"vector of article 'b' holds NaN or infinity \(2 such in all\): encode it again"):
        check_finite(["a", "b", "c"], vectors, "encode it again")
    check_finite(["a"], vectors[:1], "")


def test_rows_that_fit_together_pass():
    check_rows(["a", "b"], np.eye(2, dtype=np.float32), None)
    with pytest.raises(DataError, match="1 text hashes for 2 articles"):
        check_rows(["a", "b"], np.eye(2, dtype=np.float32), ["1"])
