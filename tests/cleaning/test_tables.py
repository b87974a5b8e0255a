import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorial_lib.cleaning.tables import defused, restored


@pytest.mark.parametrize("cell", ["=1+1", "+49", "-1", "@sum", "\t=1", "\r=1", "'=1", "''=1", "＝1"])
def test_what_a_spreadsheet_would_compute_gets_an_apostrophe(cell):
    assert defused(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "1+1", "a=1", "'tis so", "<EMAIL>", "日本"])
def test_other_cells_stay(cell):
    assert defused(cell) == restored(cell) == cell


@given(st.text(alphabet="'=+-@\t\ra1", max_size=6))
def test_every_cell_comes_back(cell):
    assert restored(defused(cell)) == cell
