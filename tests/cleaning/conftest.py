import pytest

from tests.cleaning.tickets import DOCUMENTS, GERMAN, LONG, dataset


@pytest.fixture
def raw():
    return dataset(
        {
            "train": {
                "01": "My name is Laura Schmidt and my password does not work.\n\n--\nLaura Schmidt\nHead of Sales",
                "02": "test",
                "03": GERMAN,
                "04": LONG,
                "05": LONG + " help",
                "06": ("how long does a refund take", "old"),
                "07": "Where is the plug of the router?",
            },
            "dev": {"08": ("I forgot my password again", "password")},
            "test": {"09": "where is the plug of the router", "10": ("money back for my plan, please", "old")},
        },
        documents={**DOCUMENTS, "old": ("Old refunds", "Within seven days.")},
        metadata={"old": {"superseded_by": "refund"}},
    )
