import pytest

from tutorial_lib.language import language_shares, main_language

TEXTS = {
    "en": "Open the billing page, choose the invoice that you want to pay and enter the number of your card.",
    "de": "Öffnen Sie die Seite mit den Rechnungen, wählen Sie eine aus und geben Sie die Nummer Ihrer Karte ein.",
    "fr": "Ouvrez la page des factures, choisissez celle que vous voulez payer et saisissez le numéro de votre carte.",
    "ja": "請求書のページを開き、支払いたい請求書を選んで、カードの番号を入力してください。",
    "ar": "افتح صفحة الفواتير واختر الفاتورة التي تريد دفعها ثم أدخل رقم بطاقتك.",
}


@pytest.mark.parametrize("code", TEXTS)
def test_texts_of_one_language(code):
    assert language_shares([TEXTS[code]] * 3) == {code: 1.0}
    assert main_language([TEXTS[code]] * 3) == code


def test_shares_are_of_the_texts_that_tell_theirs():
    texts = [TEXTS["en"], TEXTS["de"], TEXTS["en"], "42", ""]
    assert language_shares(texts) == {"en": pytest.approx(2 / 3), "de": pytest.approx(1 / 3)}
    assert list(language_shares(texts)) == ["en", "de"]


def test_mixed_texts_have_no_main_language():
    assert main_language([TEXTS["en"], TEXTS["de"]]) is None
    assert main_language([TEXTS["en"]] * 9 + [TEXTS["de"]]) == "en"  # nine in ten


def test_nothing_tells_no_language():
    assert language_shares([]) == {}
    assert main_language([]) is None
    assert main_language(["", "404"]) is None


def test_of_many_texts_an_even_sample_is_read():
    texts = [TEXTS["de"]] * 30 + [TEXTS["en"]] * 70
    assert language_shares(texts, sample=10) == {"en": 0.7, "de": 0.3}
