import pytest

from tutorial_lib.cleaning.mail import own_words

HEAD = "Printer\nThe printer does nothing."


@pytest.mark.parametrize(
    "tail",
    [
        "Error 0x800F0922",
        "E-1001 Paper jam",
        "HTTP 502",
        "https://app.example.com/map?customer=17",
        "App 4.2.1\nAndroid 14\nPrinter LX-4410",
        "Single sign-on\nAudit log\nHoliday calendar",
        "- Single sign-on\n- Audit log",
        "> kubectl rollout status\n> kubectl describe pod web\nand the second one says ImagePullBackOff.",
        ">= 5 boxes ship free\nbut 7 boxes were charged. Please look.",
        "--dry-run\nany more. It worked last week.",
        "---\nname: worker\nretries: 3\n---\nand the worker restarts all the time.",
        "Best regards\nis printed twice under each reminder mail. How can I change it?",
        "Thanks for the quick help last week!\nNow the light stays red.",
        "On Monday I wrote:\nthe order is missing two boxes. Nobody answered.",
        "They leave with the wrong sender:\nFrom: a@example.com\nDate: 2 March 2026\nTo: b@example.com\nSubject: Bill\nWhy?",
        "Sent from my iPhone app, pictures arrive rotated. From the tablet they are fine.",
        '{\n"event": "job.done",\n"id": 17\n}',
        "卡纸\n标签打不出来\n红灯一直亮",
        "Thanks\nError 0x800F0922 in the log of the print server since this morning.",
    ],
)
def test_what_the_customer_says_last_is_kept(tail):
    assert own_words(f"{HEAD}\n{tail}") == f"{HEAD}\n{tail}"


@pytest.mark.parametrize(
    "tail",
    [
        "Regards,\nKwaku Mensa\nMensa Lifts",
        "Thanks, Kwaku",
        "Mit freundlichen Grüßen\nJürgen Pfaff",
        "Cordialement,\nMireille Tshimanga",
        "-- \nAnna Berg\nHead of Sales\n+49 30 901820",
        "Laura Schmidt\nBrandt Roofing",
        "Laura Schmidt, 07700 900482",
        "laura@example.com\n+49 30 901820",
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "On Mon, 2 Mar 2026 at 10:11, Help <help@example.com> wrote:\n> which printer?",
        "Am 02.03.2026 um 10:11 schrieb Help <help@example.com>:\n> welcher?",
        "Le lun. 2 mars 2026 à 10:11, Aide <help@example.com> a écrit :\n> laquelle?",
        "-----Original Message-----\nFrom: Help\nwhich printer?",
        "From: Help <help@example.com>\nSent: Monday, 2 March 2026 10:11\nTo: Anna\nSubject: RE: Printer\n\nWhich one?",
    ],
)
def test_quotes_and_signatures_with_a_sign_are_cut(tail):
    assert own_words(f"{HEAD}\n{tail}") == HEAD


def test_what_is_written_below_a_quote_is_the_customers():
    quote = "On Mon, 2 Mar 2026 at 10:11, Help <help@example.com> wrote:\n> which printer?\n"
    assert own_words(f"Printer\n{quote}\nThe one upstairs.") == "Printer\nThe one upstairs."


def test_lines_of_a_signature_that_say_something_stay():
    text = f"{HEAD}\nRegards,\nKwaku Mensa\nPaper jam\nError 0x800F0922"
    assert own_words(text, {"paper", "jam"}) == f"{HEAD}\nPaper jam\nError 0x800F0922"
