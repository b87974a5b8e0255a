from tutorial_lib.report import evaluate_workspace
from tutorial_lib.report_page import sections


def test_every_section_says_something_and_the_losses_are_the_candidates(copied):
    report = evaluate_workspace(copied, candidate="tuned+late")
    made = sections(report)
    assert [title for title, _, _ in made] == [
        "The six systems",
        "Where the answer stands",
        "Is the gain real?",
        "Won and lost",
        "Slices",
        "The worst losses",
    ]
    assert all(text and below for _, text, below in made)
    assert "the fine-tuned model with late interaction" in made[0][1]
    assert "tuned+late against base" in made[2][1]
