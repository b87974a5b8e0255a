"""Late interaction with token vectors that were trained, on a tiny model."""

from benchmarks.late_trained import row_of


def test_each_way_reranks_the_same_first_documents(finished, tiny_folder):
    row = row_of("tiny", finished.root, 1e-3, 0, str(tiny_folder))
    assert set(row["shares"]) == {"untrained", "from tuned", "from base"}
    told = row["nDCG@10"]
    assert told["tuned -> untrained"]["after"] == told["untrained -> from tuned"]["before"]
    assert told["tuned -> from tuned"]["before"] == told["tuned -> untrained"]["before"]
    assert all(0 <= d["after"] <= 1 for d in told.values())
