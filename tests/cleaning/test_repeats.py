from dataclasses import replace

from tests.cleaning.tickets import LONG, dataset, touched
from tutorial_lib.cleaning.repeats import repeated_tickets


def test_repeats_are_merged_into_the_oldest():
    step = repeated_tickets(
        dataset(
            {
                "train": {
                    "1": (LONG, "router"),
                    "2": ("how do I get my money back for the annual plan", "refund"),
                    "3": (LONG.upper() + "!", {"refund": 1, "router": 2}),
                    "4": (LONG + " help", {"refund": 2, "router": 1}),
                }
            }
        )
    )
    assert touched(step) == {"3": "repeats 1", "4": "repeats 1"}
    assert step.dataset.qrels["train"] == {"1": {"router": 2, "refund": 2}, "2": {"refund": 1}}  # the higher grade


def test_a_repeat_in_a_later_split_goes_and_teaches_nothing():
    step = repeated_tickets(
        dataset(
            {
                "train": {"1": (LONG, "router")},
                "dev": {"2": (LONG + "!", "refund")},
                "test": {"3": (LONG + " help", "router"), "4": ("refund when", "refund")},
            }
        )
    )
    assert touched(step) == {"2": "repeats 1", "3": "repeats 1"}
    assert step.dataset.qrels == {"train": {"1": {"router": 1}}, "dev": {}, "test": {"4": {"refund": 1}}}


def test_the_oldest_is_so_by_time_not_by_id():
    made = dataset({"train": {"1": LONG}, "test": {"2": LONG + " help"}})
    times = {"1": "2026-05-01", "2": "2026-04-01"}
    made = replace(
        made, queries={q: replace(v, metadata={**v.metadata, "created_at": times[q]}) for q, v in made.queries.items()}
    )
    assert touched(repeated_tickets(made)) == {"1": "repeats 2"}


def test_tickets_that_look_alike_but_have_other_articles_are_two():
    asked = {"1": (LONG + " E-1001", "router"), "2": (LONG + " E-1002", "refund"), "3": (LONG + " please", "router")}
    assert touched(repeated_tickets(dataset({"train": asked}))) == {"3": "repeats 1"}


def test_what_a_form_writes_into_every_ticket_does_not_count():
    form = "Which product do you use: the desktop client. What do you see on the screen when it happens:"
    seen = ["blue", "red", "green", "white", "black", "grey", "brown", "pink", "lilac", "beige", "gold", "teal"]
    asked = {f"{n:02d}": f"{form} a {colour} light" for n, colour in enumerate(seen)}
    asked["99"] = f"{form} a blue light"
    assert touched(repeated_tickets(dataset({"train": asked}))) == {"99": "repeats 00"}


def test_a_ticket_without_judgment_is_passed_over():
    made = dataset({"train": {"1": LONG, "2": LONG + " help"}})
    unjudged = replace(made, qrels={**made.qrels, "train": {"1": made.qrels["train"]["1"]}})
    assert touched(repeated_tickets(unjudged)) == {}
