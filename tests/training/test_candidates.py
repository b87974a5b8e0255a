"""Mining's candidates come out in the order in which they came, whatever the size of a part."""

import pandas as pd

from tutorial_lib.training import candidates
from tutorial_lib.training.candidates import COLUMNS, CandidateTable


def rows(first, number):
    return [(f"q{n}", f"a{n}", n, 0.5, 1.0, 0.25, 0.75, "kept") for n in range(first, first + number)]


def test_parts_are_put_together_in_order(monkeypatch):
    monkeypatch.setattr(candidates, "PART", 3)
    table = CandidateTable()
    for first, number in ((0, 2), (2, 5), (7, 1)):
        table.add(rows(first, number))
    pd.testing.assert_frame_equal(table.whole(), pd.DataFrame(rows(0, 8), columns=list(COLUMNS)))


def test_without_rows_the_columns_stand_there_all_the_same():
    assert (list(CandidateTable().whole().columns), len(CandidateTable().whole())) == (list(COLUMNS), 0)
