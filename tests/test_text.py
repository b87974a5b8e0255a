import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorial_lib.text import (
    char_shingles,
    has_words,
    jaccard,
    normal_form,
    tokenize,
    word_shingles,
)

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)


def test_tokens_are_lower_cased_runs_of_letters_and_digits():
    assert tokenize("Reset the MFA-device: e_mail v2, 日本 ÉTÉ!") == [
        "reset",
        "the",
        "mfa",
        "device",
        "e",
        "mail",
        "v2",
        "日本",
        "été",
    ]


@pytest.mark.parametrize("text", ["", "   ", "\t\n", "🙂🚀", "… — !?", "___"])
def test_no_words_in_blanks_emoji_and_punctuation(text):
    assert tokenize(text) == []
    assert not has_words(text)


@given(TEXTS)
def test_has_words_says_whether_there_are_tokens(text):
    assert has_words(text) == bool(tokenize(text))


@pytest.mark.parametrize(
    "other",
    [
        "delete an s3 bucket",
        "Delete the S3 Bucket!",
        "  DELETE  a  s3-bucket ",
        "delete s3 bucket",
        "ｄｅｌｅｔｅ S3 bucket",
    ],
)
def test_normal_form_ignores_case_articles_punctuation_and_width(other):
    assert normal_form(other) == "delete s3 bucket"


def test_normal_form_of_a_text_without_other_words_is_the_text():
    assert normal_form(" The ") == "The"
    assert normal_form(" 🙂 ") == "🙂"


def test_normal_form_folds_what_lower_case_leaves_apart():
    assert normal_form("Hauptstraße") == normal_form("HAUPTSTRASSE") == "hauptstrasse"


def test_normal_form_joins_composed_and_decomposed_letters():
    assert normal_form("caf\u00e9") == normal_form("cafe\u0301")


def test_shingles_by_hand():
    assert word_shingles("one two three four") == {"one two three", "two three four"}
    assert word_shingles("one two") == {"one two"}
    assert char_shingles("router") == {"rout", "oute", "uter"}
    assert char_shingles("ab") == {"ab"}


def test_jaccard_by_hand():
    assert jaccard(frozenset("abcd"), frozenset("cdef")) == pytest.approx(2 / 6)
    assert jaccard(frozenset("ab"), frozenset("cd")) == 0
    assert jaccard(frozenset(), frozenset()) == 1


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("C, C++ and C#", "c c++ and c#"),
        ("c++17 in Notepad++", "c++ 17 in notepad++"),
        (".NET, ASP.NET, the net.", ".net asp net the net"),
        ("a .csv file is a CSV file", "a csv file is a csv file"),
        ("exit code -1 or 1; pages 1-2", "exit code -1 or 1 pages 1 2"),
        ("−40 °C, 40℃, 40 degrees", "-40 °c 40 °c 40 degrees"),
        ("<= 5 mm, ≤5 mm, < 5 mm, >=5 mm", "<= 5 mm <= 5 mm < 5 mm >= 5 mm"),
        ("Disney+, 50+ users, A+, Ctrl+C", "disney + 50 + users a+ ctrl c"),
        ("Issue #2 and issue#2, order no.: 5", "issue 2 and issue 2 order no 5"),
        ("<b>sign-in</b> --create-internet-gateway", "b sign in b create internet gateway"),
        ("Windows™ x\u00adray", "windows xray"),
    ],
)
def test_signs_that_tell_two_words_apart_are_kept(text, tokens):
    assert tokenize(text) == tokens.split()


PROSE = """You're billed for the Annual-Plan (section 2.1) on the 1st; refunds - if any - take 3-5 days. "Why?", I asked...
It's what e-mail no. 42 said: sign-in fails, 99.9% of the time, at https://example.com/a_b?c=d&e... Thanks! -- J.R. O'Neil"""


def test_the_words_of_english_prose_are_its_runs_of_letters_and_digits():
    assert tokenize(PROSE) == re.findall("[a-z0-9]+", PROSE.lower())


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("重置密码", "重置 置密 密码"),
        ("iPhone用ケーブル 第3章", "iphone 用ケ ケー ーブ ブル 第 3 章"),
        ("ﾊﾟｽﾜｰﾄﾞ", "パス スワ ワー ード"),  # half-width letters
        ("비밀번호를 1회", "비밀 밀번 번호 호를 1 회"),
        ("รหัส", "รหั หัส"),  # a vowel sign above belongs to its letter
    ],
)
def test_scripts_without_spaces_are_cut_into_pairs_of_characters(text, tokens):
    assert tokenize(text) == tokens.split()


def test_a_chinese_question_shares_words_with_its_answer():
    assert set(tokenize("忘记密码")) & set(tokenize("如何重置密码？")) == {"密码"}


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("كَلِمَة الـــمرور", "كلمة المرور"),  # vowel signs and stretching are left out by most
        ("हिन्दी शब्द", "हिन्दी शब्द"),
        ("Пароль Größe naïve", "пароль größe naïve"),
        ("cafe\u0301 ｗｉｄｅ", "café wide"),
    ],
)
def test_words_of_other_scripts_stay_whole(text, tokens):
    assert tokenize(text) == tokens.split()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C SDK", "C++ SDK"),
        ("C# SDK", "C++ SDK"),
        ("plan a", "plan"),
        ("Plan A or B", "Plan or B"),
        ("exit code -1", "exit code 1"),
        (".NET client", "net client"),
        ("gap <= 5 mm", "gap > 5 mm"),
        ("below 40 °C", "below 40"),
    ],
)
def test_normal_form_keeps_what_tells_two_questions_apart(one, other):
    assert normal_form(one) != normal_form(other)
    assert not word_shingles(one) & word_shingles(other)
