import pytest

from tests.cleaning.tickets import DOCUMENTS, GERMAN, LONG, QUOTED, SIGNED, dataset, texts_of, touched
from tutorial_lib.cleaning.report import clean
from tutorial_lib.cleaning.settings import CleaningSettings
from tutorial_lib.cleaning.steps import remove_leaks
from tutorial_lib.cleaning.tickets import TICKET_STEPS, long_texts, personal_data, quoted_threads, superseded_documents
from tutorial_lib.data.dataset import SPLITS, DataError


def test_quoted_mails_and_signatures_are_cut():
    plain = "no mail, just a question about refunds"
    step = quoted_threads(dataset({"train": {"plain": plain, "quoted": QUOTED, "signed": SIGNED}}))
    own = "No answer\nHello, the printer does not answer any more."
    assert texts_of(step.dataset) == {"plain": plain, "quoted": own, "signed": own}
    assert touched(step) == {"quoted": "111 characters cut, 3 lines", "signed": "46 characters cut, 4 lines"}
    assert "Laura" not in step.rows.to_csv()


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("No print\nThe printer does nothing.\nTa,\nJo Brandt\nBrandt Roofing", "No print\nThe printer does nothing."),
        ("The printer does nothing.\nJo Brandt", "The printer does nothing.\nJo Brandt"),  # the first two lines always stay
        ("Plan\nWhich plan is right for\nBrandt Roofing", "Plan\nWhich plan is right for\nBrandt Roofing"),  # it goes on
        ("Plan\nWhich plan is right?\nThere are two of us.", "Plan\nWhich plan is right?\nThere are two of us."),
    ],
)
def test_a_signature_without_a_mark_is_cut(text, own):
    assert texts_of(quoted_threads(dataset({"train": {"q": text}})).dataset) == {"q": own}


def test_a_message_that_only_quotes_is_kept():
    text = "> which printer is it?\n> the one upstairs"
    step = quoted_threads(dataset({"train": {"q": text}}))
    assert texts_of(step.dataset) == {"q": text}
    assert touched(step) == {}


def test_personal_data_becomes_placeholders():
    step = personal_data(
        dataset(
            {
                "train": {
                    "1": "My name is Laura Schmidt, mail laura.schmidt@example.com, and the router is broken.",
                    "2": "Please call me back on +49 30 901820 about the refund.",
                    "3": "I paid with card 4111 1111 1111 1111 and was charged twice.",
                    "4": "Send it to IBAN DE89 3704 0044 0532 0130 00 please.",
                    "5": "The router at 192.168.10.25 does not answer.",
                    "6": "Order 4111 has no personal data.",
                }
            }
        )
    )
    assert texts_of(step.dataset) == {
        "1": "My name is <PERSON>, mail <EMAIL>, and the router is broken.",
        "2": "Please call me back on <PHONE> about the refund.",
        "3": "I paid with card <CARD> and was charged twice.",
        "4": "Send it to IBAN <IBAN> please.",
        "5": "The router at <IP> does not answer.",
        "6": "Order 4111 has no personal data.",
    }
    assert touched(step) == {"1": "1 EMAIL, 1 PERSON", "2": "1 PHONE", "3": "1 CARD", "4": "1 IBAN", "5": "1 IP"}
    assert not any(secret in step.rows.to_csv() for secret in ("Laura", "901820", "4111 1111", "0532", "192.168"))


def test_what_an_article_names_is_no_personal_data():
    named = "Error E-1000 means: install firmware 3.2.1.14 and order part 0800-4410-221, or mail help@example.com."
    documents = {**DOCUMENTS, "e": ("E-1000", named)}
    text = "It says E-1000. I have 3.2.1.14 and part 0800-4410-221, as help@example.com said."
    assert texts_of(personal_data(dataset({"train": {"q": text}}, documents=documents)).dataset) == {"q": text}
    other = "The box at 10.2.1.14 does not answer laura@example.com."
    hidden = texts_of(personal_data(dataset({"train": {"q": other}}, documents=documents)).dataset)
    assert hidden == {"q": "The box at <IP> does not answer <EMAIL>."}


DESKS = {
    "de": ("Kennwort vergessen", "Öffnen Sie die Anmeldeseite und folgen Sie dem Link in der Nachricht, die Sie bekommen."),
    "fr": ("Mot de passe oublié", "Ouvrez la page de connexion et suivez le lien du message que vous allez recevoir."),
    "ja": ("パスワードの再設定", "ログイン画面を開き、届いたメールのリンクに従って新しいパスワードを設定してください。"),
    "zh": ("重置密码", "打开登录页面，点击忘记密码，然后按照邮件中的链接操作。链接一小时内有效。"),
    "ar": ("إعادة تعيين كلمة المرور", "افتح صفحة تسجيل الدخول ثم اتبع الرابط الموجود في الرسالة التي تصلك على البريد."),
}
ASKED = {
    "de": "Guten Tag, der Kollege kommt seit dem Urlaub nicht in das Konto und hat keine Rechnungsnummer. Was nun?",
    "fr": "Bonjour, je ne peux plus entrer dans mon compte depuis les vacances. Que dois-je faire maintenant?",
    "ja": "パスワードを忘れたのでログインできません。どうすればいいですか。",
    "zh": "我忘记密码了怎么办？",
    "ar": "نسيت كلمة المرور ولا أستطيع الدخول إلى حسابي، ماذا أفعل الآن؟",
}


@pytest.mark.parametrize("language", DESKS)
def test_a_desk_in_another_language_keeps_its_tickets_as_they_are(language):
    made = dataset({"train": {"q": (ASKED[language], "a")}}, documents={"a": DESKS[language]})
    report = clean(made, TICKET_STEPS)
    assert report.dataset.queries["q"].text == ASKED[language]
    notes = {s.name: s.note for s in report.steps}
    assert notes["personal data"] == f"names of people are looked for in English alone: in {language!r} they stay"
    with_mail = dataset({"train": {"q": (f"{ASKED[language]} x@example.com", "a")}}, documents={"a": DESKS[language]})
    assert texts_of(personal_data(with_mail).dataset) == {"q": f"{ASKED[language]} <EMAIL>"}


def test_names_are_looked_for_in_the_english_tickets_of_a_desk_of_two_languages():
    documents = {**{f"e{n}": v for n, v in enumerate(DOCUMENTS.values())}, "a": DESKS["de"]}
    asked = {"de": (ASKED["de"], "a"), "en": ("My name is Laura Schmidt and I have forgotten which password is right.", "e0")}
    cleaned = clean(dataset({"train": asked}, documents=documents), TICKET_STEPS).dataset
    assert cleaned.queries["de"].text == ASKED["de"]
    assert cleaned.queries["en"].text == "My name is <PERSON> and I have forgotten which password is right."


def test_what_would_hold_up_the_import_is_cut_and_told():
    log = "The router fails.\n" + "=" * 5000 + "\n" * 9000 + "x=1," * 5000 + "\n" + "again and again " * 2000
    made = dataset({"train": {"long": log, "plain": "The router fails.\n\nAgain: " + "=" * 30}})
    step = long_texts(made)
    (reason,) = touched(step).values()
    assert reason == f"{len(log) - 10_000} of {len(log)} characters cut"
    text = step.dataset.queries["long"].text
    assert text.startswith("The router fails.\n" + "=" * 40 + "\n\nx=1,x=1,") and "again and again" in text
    assert len(long_texts(made, CleaningSettings(longest_text=100)).dataset.queries["long"].text) <= 100


def test_a_name_that_articles_use_is_no_personal_data():
    documents = {**DOCUMENTS, "laura": ("Ask Laura", "Laura Schmidt is the name of our assistant.")}
    text = "My name is Laura Schmidt and the router is broken."
    assert "<PERSON>" in texts_of(personal_data(dataset({"train": {"q": text}})).dataset)["q"]
    assert touched(personal_data(dataset({"train": {"q": text}}, documents=documents))) == {}


def chained(**successors):
    documents = {a: (a, f"All about {a}.") for a in ("v1", "v2", "v3", "other")}
    metadata = {a: {"superseded_by": s} for a, s in successors.items()}
    judged = {
        "train": {"1": ("old", "v1"), "2": ("both", {"v1": 1, "v3": 2}), "3": ("other", "other")},
        "test": {"4": ("middle", {"v2": 2, "v3": 0, "other": 1})},
    }
    return dataset(judged, documents=documents, metadata={a: metadata.get(a, {}) for a in documents})


def test_the_end_of_the_chain_takes_the_place_of_superseded_articles():
    step = superseded_documents(chained(v1="v2", v2="v3"))
    assert step.dataset.qrels == {
        "train": {"1": {"v3": 1}, "2": {"v3": 2}, "3": {"other": 1}},
        "dev": {},
        "test": {"4": {"v3": 2, "other": 1}},
    }
    assert list(step.dataset.corpus) == ["other", "v3"]
    assert touched(step) == {"1": "v1 -> v3", "2": "v1 -> v3", "4": "v2 -> v3"}
    assert step.dataset.card["superseded"] == {"v1": "v3", "v2": "v3"}


@pytest.mark.parametrize(
    ("successors", "message"),
    [
        ({"v1": "v2", "v2": "v1"}, "superseded_by runs in a circle: v1 -> v2 -> v1"),
        ({"v1": "v1"}, "superseded_by runs in a circle: v1 -> v1"),
        (
            {"v1": "v2", "v2": "v9"},
            "article 'v2' is superseded by 'v9', which is not in the help centre: correct superseded_by",
        ),
    ],
)
def test_chains_that_lead_nowhere_are_refused(successors, message):
    with pytest.raises(DataError, match=message):
        superseded_documents(chained(**successors))


ODD = {"train": {"1": QUOTED, "2": "test", "3": GERMAN, "4": "My name is Laura Schmidt.", "5": LONG, "6": LONG + " help"}}


@pytest.mark.parametrize("source", ["search", "golden"])
def test_queries_that_are_no_tickets_are_never_touched_but_for_personal_data(source):
    made = dataset({"train": ODD["train"], "test": {"t": "router of laura.schmidt@example.com"}}, source=source)
    for step in TICKET_STEPS:
        if step not in (remove_leaks, personal_data):
            done = step(made)
            assert (done.dataset.queries, done.dataset.qrels) == (made.queries, made.qrels)
            assert touched(done) == {}
    hidden = personal_data(made).dataset
    assert hidden.queries["t"].text == "router of <EMAIL>"
    assert hidden.queries["3"].text == GERMAN


def test_a_query_of_personal_data_alone_goes_and_is_counted():
    step = personal_data(dataset({"train": {"a": "laura.schmidt@example.com", "b": "reset the router"}}, source="search"))
    assert touched(step) == {"a": "1 EMAIL, and nothing else: taken out"}
    assert list(step.dataset.queries) == ["b"]


def test_all_steps_in_order(raw):
    report = clean(raw, TICKET_STEPS)
    assert {s.name: list(s.rows["id"]) for s in report.steps} == {
        "long texts": [],
        "quoted threads": ["01"],
        "set apart": ["02", "03"],
        "personal data": ["01"],
        "repeated tickets": ["05", "09"],
        "superseded articles": ["06", "10"],
        "pasted everywhere": [],
        "near-duplicate articles": [],
        "leaks": [],
    }
    assert report.dataset.counts() == {"articles": 3, "train": 4, "dev": 1, "test": 1}
    assert report.dataset.queries["01"].text == "My name is <PERSON> and my password does not work."
    assert report.raw == raw


def test_tickets_keep_their_order_and_splits(raw):
    cleaned = clean(raw, TICKET_STEPS).dataset
    assert list(cleaned.queries) == sorted(cleaned.queries)
    for s in SPLITS:
        assert set(cleaned.qrels[s]) <= set(raw.qrels[s])
