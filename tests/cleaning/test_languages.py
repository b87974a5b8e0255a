from tests.cleaning.tickets import ENGLISH, GERMAN, dataset
from tutorial_lib.cleaning.languages import document_languages, language_of, named
from tutorial_lib.cleaning.settings import CleaningSettings

FRENCH = "Mon imprimante n'imprime plus rien depuis hier et je ne sais pas ce que je dois faire."


def of(*texts):
    return dataset({"train": {}}, documents={f"a{n:02d}": ("", text) for n, text in enumerate(texts)})


def test_the_language_of_a_text():
    assert [language_of(t)[0] for t in (ENGLISH, GERMAN, FRENCH)] == ["en", "de", "fr"]
    assert language_of("如何重置我的密码？打印机不工作")[0] == "zh"  # also where another Chinese tongue is nearly as likely
    assert language_of("Router blinkt rot", among=("de", "en"))[0] == "de"


def test_every_language_with_a_fair_share_of_the_articles_is_theirs():
    made = of(*[ENGLISH] * 17, *[GERMAN] * 2, FRENCH)  # 85, 10 and 5 %
    assert document_languages(made) == ("en", "de", "fr")
    assert document_languages(made, CleaningSettings(language_share=0.1)) == ("en", "de")
    assert named(("en", "de")) == "'en', 'de'"


def test_articles_too_short_to_tell_have_the_likeliest_language():
    assert len(document_languages(of("Router", "Plan"))) == 1
