"""Small datasets of tickets, one written as customers write each."""

from dataclasses import replace

from tests.helpers import make_dataset
from tutorial_lib.data.dataset import Query

DOCUMENTS = {
    "password": ("Reset your password", "Follow the link in the message to choose a new password for the account."),
    "refund": ("Refunds", "An annual plan is paid back in full within fourteen days of the payment."),
    "router": ("Restart the router", "Pull the plug, wait ten seconds, and plug the router in again."),
}


def dataset(texts, *, source="ticket", documents=DOCUMENTS, metadata=None):
    """Build a dataset of split -> query id -> text or (text, article ids); id order is time order."""
    judged = {s: {q: (t, "router") if isinstance(t, str) else t for q, t in rows.items()} for s, rows in texts.items()}
    made = make_dataset(documents, judged, metadata=metadata)
    queries = {
        q: Query(q, v.text, {"source": source, "created_at": f"2026-01-{n:02d}"})
        for n, (q, v) in enumerate(made.queries.items(), 1)
    }
    return replace(made, queries=queries)


def texts_of(dataset):
    return {q: v.text for q, v in dataset.queries.items()}


def touched(step):
    return {row.id: row.reason for row in step.rows.itertuples()}


QUOTED = """No answer
Hello, the printer does not answer any more.

On Mon, 2 Mar 2026 at 10:11, Help Desk <help@example.com> wrote:
> Dear Laura Schmidt,
> which printer is it?"""
SIGNED = """No answer
Hello, the printer does not answer any more.

--
Laura Schmidt
Head of Sales
+49 30 901820"""
ENGLISH = "My printer has not printed anything since yesterday and I do not know what to do."
GERMAN = "Mein Drucker druckt seit gestern nicht mehr und ich weiß nicht, was ich tun soll."
LONG = "the router in the hall blinks red since the storm last night and the phone is dead too"
"""17 words, 15 sequences of three; a word more at the end makes 16, of which 15 are shared: 94 %."""
