import pytest

from tests.data.logs import WORDS, day, table


@pytest.fixture
def articles(tmp_path):
    """Ten articles named after one word each; camera is published on day 85."""
    return table(
        tmp_path / "articles.csv",
        [
            {
                "article_id": w,
                "title": w,
                "body": f"All about the {w}.",
                "created_at": day(85 if w == "camera" else -9),
                "superseded_by": "",
            }
            for w in WORDS
        ],
    )
