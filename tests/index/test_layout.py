import pytest

from tutorial_lib.index import Layout


@pytest.mark.parametrize(
    ("documents", "embedded", "kind"),
    [
        (999, True, "FLAT"),
        (1000, True, "IVF_FLAT"),
        (100_000, True, "IVF_FLAT"),
        (100_001, True, "HNSW"),
        (100_000, False, "FLAT"),
        (100_001, False, "HNSW"),
    ],
)
def test_the_index_type_goes_by_the_number_of_articles(documents, embedded, kind):
    assert Layout().index_for(documents, embedded=embedded)[0] == kind
    assert Layout("DISKANN").index_for(documents, embedded=embedded)[0] == "DISKANN"


@pytest.mark.parametrize("field", ["shards", "replicas"])
def test_what_no_server_can_do_is_refused(field):
    with pytest.raises(ValueError, match=f"{field} is 0: pass a whole number of at least 1"):
        Layout(**{field: 0})
