import numpy as np
import pytest

from tutorial_lib.index.verify import mean_recall

VECTORS = np.array([[1, 0], [0.8, 0.6], [0, 1]] + [[-1, 0]] * 9, dtype=np.float32)
IDS = [f"{n:02}" for n in range(12)]
EAST = np.array([[1, 0]], dtype=np.float32)


def test_of_equal_scores_any_ten_will_do():
    """Scores to east: 1, 0.8, 0, and nine times -1, of which seven belong to the top ten."""
    assert mean_recall([[*IDS[:3], *IDS[5:12]]], EAST, IDS, VECTORS) == 1.0
    assert mean_recall([IDS[2:12]], EAST, IDS, VECTORS) == 1.0  # -1 is the tenth score, so each -1 counts
    assert mean_recall([IDS[:4]], EAST, IDS, VECTORS) == pytest.approx(0.4)


def test_the_mean_is_over_queries_and_unknown_ids_count_for_nothing():
    assert mean_recall([["00"], ["nowhere"]], EAST[[0, 0]], ["00"], VECTORS[:1]) == 0.5
    assert mean_recall([], EAST[:0], IDS, VECTORS) == 1.0
