import numpy as np
import pytest

from tutorial_lib.index.verify import mean_recall

VECTORS = np.array([[1, 0], [0.8, 0.6], [0, 1]] + [[-1, 0]] * 9, dtype=np.float32)
IDS = [f"{n:02}" for n in range(12)]
EAST = np.array([[1, 0]], dtype=np.float32)


def hits(*ids):
    """As an index answers to east, with the right scores."""
    return {a: float(VECTORS[IDS.index(a), 0]) for a in ids}


def test_a_right_document_with_a_wrong_score_is_none_where_scores_are_to_be_right():
    """Of three documents one comes with 0.5 in the place of 0.8."""
    found = [{"00": 1.0, "01": 0.5, "02": 0.0}]
    shares = [mean_recall(found, EAST, IDS[:3], VECTORS[:3], scored=scored) for scored in (False, True)]
    assert shares == [1.0, pytest.approx(2 / 3)]


def test_of_equal_scores_any_ten_will_do():
    """Scores to east: 1, 0.8, 0, and nine times -1, of which seven belong to the top ten."""
    assert mean_recall([hits(*IDS[:3], *IDS[5:12])], EAST, IDS, VECTORS) == 1.0
    assert mean_recall([hits(*IDS[2:12])], EAST, IDS, VECTORS) == 1.0  # -1 is the tenth score, so each -1 counts
    assert mean_recall([hits(*IDS[:4])], EAST, IDS, VECTORS) == pytest.approx(0.4)


def test_the_mean_is_over_queries_and_unknown_ids_count_for_nothing():
    assert mean_recall([hits("00"), {"nowhere": 1.0}], EAST[[0, 0]], ["00"], VECTORS[:1]) == 0.5
    assert mean_recall([], EAST[:0], IDS, VECTORS) == 1.0
