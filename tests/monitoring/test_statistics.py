import numpy as np
import pytest

from tutorial_lib.monitoring.statistics import (
    Periods,
    chi_squares,
    cusum,
    distances,
    evidence,
    fourier_features,
    median_distance,
)


def one(past, present, sizes):
    """Sessions 0 to past - 1 before, and one period of the rest."""
    rows = np.arange(past, past + present)[None]
    return Periods(rows, (np.arange(past + present) < past)[None], np.cumsum(sizes))


def test_a_window_goes_back_to_the_first_week():
    periods = one(2, 6, [2, 0, 3, 1])
    assert periods.starts.tolist() == [0, 2, 2, 5]
    assert periods.window_starts(2).tolist() == [0, 0, 2, 2]
    assert periods.by_week(np.arange(6.0)[None]).tolist() == [[1.0, 0.0, 9.0, 5.0]]


def test_evidence_is_the_log_of_the_ratio_of_likelihoods():
    happened = np.array([1, 0, 0, 0, 1, 0, np.nan])  # a quarter before; odds of 1 in 4 doubled are 2 in 5
    found = evidence(one(4, 3, [1, 2]), happened, np.ones(7), odds=2.0)
    assert found == pytest.approx(np.log([[0.4 / 0.25, 0.6 / 0.75]]))


def test_what_was_expected_is_no_evidence():
    happened = np.array([1.0, 0.0, 1.0])
    likely = evidence(one(2, 1, [1]), happened, np.array([0.9, 0.1, 0.9]), odds=2.0)
    unlikely = evidence(one(2, 1, [1]), happened, np.array([0.9, 0.1, 0.1]), odds=2.0)
    assert likely < unlikely


def test_what_was_as_good_as_never_is_taken_for_one_in_a_hundred():
    found = evidence(one(2, 1, [1]), np.array([0.0, 0.0, 1.0]), np.ones(3), odds=2.0)
    assert found == pytest.approx(np.log([[2 / 1.01]]))


def test_a_sum_begins_anew_at_0_and_stops_at_its_cap():
    assert cusum(np.array([[2.0, 2.0, -1.0, -9.0, 1.0]]), cap=3.0).tolist() == [[2.0, 3.0, 2.0, 0.0, 1.0]]


def test_products_of_features_are_the_kernel():
    vectors = np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    features = fourier_features(vectors, 1.5, 8000, seed=1)
    kernel = np.exp(-((vectors[:, None] - vectors[None]) ** 2).sum(axis=2) / 3.0)
    assert features @ features.T == pytest.approx(kernel, abs=0.06)
    assert np.diag(features @ features.T) == pytest.approx(1.0, abs=1e-5)


def test_distances_are_those_of_the_definition():
    features = fourier_features(np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32), 2.0, 64, seed=1)
    found = distances(one(30, 20, [10, 10]), features, window=1, least=5)
    gram = features.astype(float) @ features.T
    x, y = slice(40, 50), slice(0, 30)
    inner = (gram[x, x].sum() - 10) / 90 + (gram[y, y].sum() - 30) / 870 - 2 * gram[x, y].mean()
    assert found[0, 1] == pytest.approx(10 * inner, abs=1e-5)


def test_the_same_distribution_is_near_and_another_is_far():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 4)).astype(np.float32)
    vectors[260:] += 2
    features = fourier_features(vectors, median_distance(vectors, 0), 256, seed=1)
    near, far = distances(one(220, 80, [40, 40]), features, window=1, least=10)[0]
    assert abs(near) < 1 < far
    assert distances(one(220, 80, [40, 40]), features, window=1, least=41).tolist() == [[0.0, 0.0]]


def test_chi_square_by_hand():
    groups = np.array([0] * 6 + [1] * 2 + [0] * 2 + [1] * 2)
    table = np.array([[2, 2], [6, 2]])
    wanted = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / table.sum()
    found = chi_squares(one(8, 4, [4, 0]), groups, window=2)
    assert found == pytest.approx(np.full((1, 2), ((table - wanted) ** 2 / wanted).sum()))


def test_the_median_is_of_different_rows():
    assert median_distance(np.array([[0.0, 0], [3, 4], [0, 0]], dtype=np.float32), 0) == 25
    assert median_distance(np.zeros((3, 2), dtype=np.float32), 0) == 1
