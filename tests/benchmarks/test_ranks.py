import pytest

from benchmarks.ranks import gains, mean_ranks


def row(dataset, system, score, trainable=1, train_queries=0):
    return {
        "dataset": dataset,
        "system": system,
        "measures": {"nDCG@10": score},
        "trainable": trainable,
        "train_queries": train_queries,
    }


ROWS = [
    row("desk", "untrained", 0.5, trainable=0),
    row("desk", "lora", 0.75),
    row("desk", "lora", 0.5),  # another seed
    row("desk", "full", 0.75),
    row("code", "untrained", 0.25, trainable=0),
    row("code", "lora", 0.5),
    row("code", "full", 0.375),
]


def test_gains_are_means_over_seeds_above_what_needs_no_training():
    table = gains([*ROWS, row("alone", "lora", 0.9)])  # nothing to compare with
    assert table.to_dict("index") == {"desk": {"lora": 0.125, "full": 0.25}, "code": {"lora": 0.25, "full": 0.125}}


def test_what_is_shipped_is_scored_if_asked_for():
    of_one = {**row("desk", "lora", 0.75), "shipped": {"system": "bm25+tuned", "nDCG@10": 1.0}}
    table = gains([ROWS[0], of_one, ROWS[3]], shipped=True)
    assert table.to_dict("index") == {"desk": {"lora": 0.5}}  # nobody says what is shipped of "full"


def test_ranks_are_taken_where_every_system_was_run():
    some = [row("desk", "untrained", 0.5, 0, 300), row("desk", "lora", 0.6, 1, 300)]
    table = gains([*ROWS, *some])
    assert table.loc["desk, 300", "lora"] == pytest.approx(0.1)
    summary = mean_ranks(table)
    assert summary["mean rank"].to_dict() == {"lora": 1.5, "full": 1.5}
    assert summary["furthest below the best"].to_dict() == {"lora": -0.125, "full": -0.125}
    assert set(summary["collections"]) == {2}
