from tutorial_lib.cleaning.privacy import PersonalData
from tutorial_lib.cleaning.privacy_scores import score_findings


def test_scores_counted_by_hand():
    texts = {"1": "Anna Berg, Anna Berg, anna@b.de", "2": "call 0301 2345", "3": "nothing here"}
    planted = {"1": [("PERSON", "Anna Berg"), ("EMAIL", "anna@b.de")], "2": [("PHONE", "0301 2345")]}
    found = {
        "1": [
            PersonalData("PERSON", 0, 9, "Anna Berg"),  # the first time, whole
            PersonalData("PERSON", 11, 15, "Anna"),  # the second time, half: not covered, and no false alarm
            PersonalData("PERSON", 22, 26, "anna"),
            PersonalData("EMAIL", 27, 31, "b.de"),
        ],  # all but "@": covered
        "2": [PersonalData("CARD", 5, 14, "0301 2345")],  # another kind, hidden all the same
        "3": [PersonalData("PERSON", 0, 7, "nothing"), PersonalData("PERSON", 8, 12, "here")],
    }
    scores = score_findings(found, texts, planted)
    assert {k: [v[c] for c in ("planted", "covered", "found", "false_alarms")] for k, v in scores.items()} == {
        "PERSON": [2, 1, 5, 2],
        "EMAIL": [1, 1, 1, 0],
        "PHONE": [1, 1, 0, 0],
        "CARD": [0, 0, 1, 0],
        "IP": [0, 0, 0, 0],
        "IBAN": [0, 0, 0, 0],
        "all": [4, 3, 7, 2],
    }
    assert scores["PERSON"]["recall"] == 0.5
    assert scores["all"]["recall"] == 0.75
    assert scores["CARD"]["recall"] != scores["CARD"]["recall"]  # nan: nothing was planted


def test_a_text_without_findings_is_missed_data():
    scores = score_findings({}, {"1": "Anna"}, {"1": [("PERSON", "Anna")]})
    assert (scores["all"]["recall"], scores["all"]["found"]) == (0.0, 0.0)
