"""Results are read as they were written."""

from tutorial_lib.training.settings import TrainResult


def test_lists_of_tuples_come_back_as_they_were(tmp_path):
    result = TrainResult([(1, 0.5)], [(0, 0.7), (4, 0.8)], 4, [(0.7, 0.8), (1.0, 0.79)], 0.7, 4, 12, 1.5, 8.0, 3, 7)
    result.save(tmp_path / "result.json")
    assert TrainResult.load(tmp_path / "result.json") == result
