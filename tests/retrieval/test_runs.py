import subprocess
import sys
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutorial_lib.evaluation.measures import MEASURE_NAMES, evaluate_run
from tutorial_lib.retrieval.runs import (
    ranked,
    ranking,
    strictly_decreasing,
    top_k,
    trec_id,
    without_own,
    write_trec_qrels,
    write_trec_run,
)

IDS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


# --- order and ties -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scores", [[0.1, np.nan, 0.3], [np.nan, 0.1, 0.3], [np.nan, np.nan, 0.2]])
def test_a_score_that_is_no_number_is_refused_and_shortens_nothing(scores):
    place = int(np.isnan(scores).argmax())
    for k in (1, 2, 3):
        with pytest.raises(ValueError, match=f"score {place} of 3 is not a number: pass finite scores"):
            top_k(np.array(scores), k)


def test_a_querys_own_document_makes_room_for_the_next():
    run = {"q": ranked({"q": 3.0, "a": 2.0, "b": 1.0}), "p": ranked({"q": 3.0, "a": 2.0, "b": 1.0})}
    assert {q: list(found) for q, found in without_own(run, {"q": "q"}, 2).items()} == {"q": ["a", "b"], "p": ["q", "a"]}
    assert without_own(run, {}, 1) == run


def test_top_k_puts_equal_scores_in_index_order():
    assert top_k(np.array([1.0, 3.0, 3.0, 2.0, 3.0]), 4).tolist() == [1, 2, 4, 3]
    assert top_k(np.array([1.0, 1.0, 1.0]), 2).tolist() == [0, 1]
    assert top_k(np.array([1.0]), 5).tolist() == [0]
    assert top_k(np.array([1.0]), 0).tolist() == []
    assert top_k(np.array([]), 3).tolist() == []


@given(st.lists(st.integers(-3, 3).map(float), max_size=60), st.integers(0, 70))
def test_top_k_equals_a_full_stable_sort(scores, k):
    values = np.array(scores, dtype=float)
    assert top_k(values, k).tolist() == np.argsort(-values, kind="stable")[:k].tolist()


@given(st.integers(0, 2**32), st.integers(1, 40), st.sampled_from([33, 700, 1001]))
def test_top_k_of_many_scores_equals_a_full_stable_sort(seed, k, size):
    values = np.random.default_rng(seed).integers(-50, 50, size=size).astype(float)
    assert top_k(values, k).tolist() == np.argsort(-values, kind="stable")[:k].tolist()


def test_ranked_breaks_ties_by_article_id():
    assert list(ranked({"b": 1.0, "c": 2.0, "a": 1.0})) == ["c", "a", "b"]
    assert list(ranked({"b": 1.0, "c": 2.0, "a": 1.0}, 2)) == ["c", "a"]
    assert ranked({}) == {}


@given(st.lists(st.sampled_from([0.0, -1.5, 0.1, 1e-3, 7.0, 1e6]), max_size=30).map(lambda x: sorted(x, reverse=True)))
def test_ranking_is_strictly_decreasing_in_float32_and_barely_lower(scores):
    ids = [f"a{n:02d}" for n in range(len(scores))]
    result = ranking(ids, scores)
    assert list(result) == ids
    lowered = np.array(list(result.values()), dtype=np.float32)
    assert np.all(np.diff(lowered) < 0)
    assert np.allclose(lowered, scores, rtol=1e-5, atol=1e-37)


def test_trec_eval_keeps_the_order_of_ties():
    run = {"q": ranked({"a": 1.0, "b": 1.0, "c": 1.0})}  # left alone, trec_eval would put the later id "c" first
    assert evaluate_run({"q": {"a": 1}}, run)["RR@10"] == 1.0
    assert evaluate_run({"q": {"c": 1}}, run)["RR@10"] == pytest.approx(1 / 3)


def test_strictly_decreasing_rows_of_any_shape_end_in_float32():
    rows = strictly_decreasing(np.array([[1.0, 1.0], [0.0, 0.0]]))
    below_one, below_zero = np.nextafter(np.float32(1), np.float32(0)), np.nextafter(np.float32(0), np.float32(-1))
    assert rows.dtype == np.float32
    assert rows.tolist() == [[1, below_one], [0, below_zero]]


def test_a_ranking_wants_one_score_an_id():
    with pytest.raises(ValueError, match="longer"):
        ranking(["a"], [2.0, 1.0])


# --- TREC files ---------------------------------------------------------------------------------------------------


def test_trec_lines(tmp_path):
    write_trec_run({"q2": {"a/b c": 2.5, "100%": 1.0}, "q 1": {"é\u3000x": 1.0}}, tmp_path / "r.trec", "bm25")
    assert (tmp_path / "r.trec").read_text(encoding="utf-8").split("\n") == [
        "q%201 Q0 é%E3%80%80x 1 1.0 bm25",
        "q2 Q0 a/b%20c 1 2.5 bm25",
        "q2 Q0 100%25 2 1.0 bm25",
        "",
    ]
    assert [p.name for p in tmp_path.iterdir()] == ["r.trec"]  # no temporary file stays behind


@given(st.sets(IDS, max_size=8))
def test_trec_ids_hold_no_white_space_and_stay_apart(ids):
    encoded = [trec_id(i) for i in ids]
    assert all(e.split() == [e] for e in encoded)
    assert len(set(encoded)) == len(ids)


@given(st.dictionaries(IDS, st.dictionaries(IDS, st.sampled_from([1.0, 0.5, -2.0]), min_size=1, max_size=4), max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ir_measures_reads_what_was_written(tmp_path, scores):
    run = {q: ranked(s) for q, s in scores.items()}
    write_trec_run(run, tmp_path / "r.trec", "t")
    write_trec_qrels({q: dict.fromkeys(s, 1) for q, s in scores.items()}, tmp_path / "q.trec")
    expected = {(trec_id(q), trec_id(a)): score for q, s in run.items() for a, score in s.items()}
    read = {(d.query_id, d.doc_id): d.score for d in ir_measures.read_trec_run(str(tmp_path / "r.trec"))}
    judged = {(j.query_id, j.doc_id): j.relevance for j in ir_measures.read_trec_qrels(str(tmp_path / "q.trec"))}
    assert read == expected
    assert judged == dict.fromkeys(expected, 1)


def test_command_line_ir_measures_gives_the_same_figures(tmp_path):
    qrels = {"q 1": {"a b": 2, "c/d": 1}, "q%2": {"é": 1}, "q3": {"x": 1}, "not answered": {"x": 1}}
    run = {
        "q 1": ranked({"c/d": 1.0, "a b": 1.0, "x": 1.0}),
        "q%2": ranked({"x": 3.0, "y": 3.0, "é": 3.0}),
        "q3": ranked({"a b": 0.2, "x": 0.1}),
    }
    write_trec_run(run, tmp_path / "r.trec", "tag")
    write_trec_qrels(qrels, tmp_path / "q.trec")
    command = [str(Path(sys.executable).parent / "ir_measures"), "-p", "6", "q.trec", "r.trec", *MEASURE_NAMES]
    lines = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    shown = {name: float(value) for name, value in (line.split("\t") for line in lines)}
    assert shown == pytest.approx(evaluate_run(qrels, run), abs=1e-6)
    assert shown["RR@10"] == pytest.approx((1 + 1 / 3 + 1 / 2 + 0) / 4, abs=1e-6)
