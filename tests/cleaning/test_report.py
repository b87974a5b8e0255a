import csv

import pytest

from tests.cleaning.tickets import dataset
from tests.helpers import DOCUMENTS, JUDGED, make_dataset
from tutorial_lib.cleaning.report import CleaningReport, CleaningStep, clean, private_table, table_of
from tutorial_lib.cleaning.set_apart import set_apart
from tutorial_lib.cleaning.steps import DOCUMENTATION_STEPS
from tutorial_lib.cleaning.tickets import TICKET_STEPS, superseded_documents


def test_clean_chains_steps_and_reports_each():
    documents = {**DOCUMENTS, "x/blank": ("Blank", "…"), "billing/money": DOCUMENTS["billing/refund"]}
    judged = {**JUDGED, "train": {**JUDGED["train"], "t7": ("Stop my subscription from renewing!", "billing/money")}}
    report = clean(make_dataset(documents, judged, families=True), DOCUMENTATION_STEPS)
    summary = report.summary()
    assert summary["step"].tolist() == [
        "empty articles",
        "boilerplate",
        "duplicate articles",
        "duplicate queries",
        "ambiguous queries",
        "near-duplicate articles",
    ]
    assert summary["touched"].tolist() == ["1 article", "0 rows", "1 article", "1 query", "0 queries", "0 articles"]
    assert summary["articles left"].tolist() == [7, 7, 6, 6, 6, 6]
    assert summary["queries left"].tolist() == [13, 13, 13, 12, 12, 12]
    assert report.rows("empty articles")["id"].tolist() == ["x/blank"]
    assert report.dataset.qrels["train"]["t2"] == {"billing/cancel": 1, "billing/money": 1}
    with pytest.raises(KeyError, match="no step 'blank': there are"):
        report.rows("blank")


def test_a_step_can_be_undone(raw):
    report = clean(raw, TICKET_STEPS)
    undone = report.without("personal data")
    assert undone.dataset.queries["01"].text == "My name is Laura Schmidt and my password does not work."
    assert [s.name for s in undone.steps] == [s.name for s in report.steps if s.name != "personal data"]
    assert report.dataset.queries["01"].text.startswith("My name is <PERSON>")
    more = undone.without("quoted threads", "set apart")
    assert more.dataset.queries["01"].text == raw.queries["01"].text
    assert {"02", "03"} < set(more.dataset.queries)
    assert report.without(*(s.name for s in report.steps)).dataset == raw
    with pytest.raises(
        KeyError, match=r"no step 'names': there are \['long texts', 'quoted threads', 'set apart', 'personal data', "
    ):
        report.without("names")


def test_a_report_is_saved_as_tables(raw, tmp_path):
    report = clean(raw, [set_apart, superseded_documents])
    report.save(tmp_path / "cleaning")
    assert {p.name for p in (tmp_path / "cleaning").iterdir()} == {
        "summary.csv",
        "1_set_apart.csv",
        "2_superseded_articles.csv",
    }
    assert (tmp_path / "cleaning" / "2_superseded_articles.csv").read_text(encoding="utf-8").splitlines() == [
        "id,text,reason",
        "06,how long does a refund take,old -> refund",
        '10,"money back for my plan, please",old -> refund',
    ]
    summary = (tmp_path / "cleaning" / "summary.csv").read_text(encoding="utf-8").splitlines()
    assert summary[0] == "step,rule,touched,articles left,queries left"
    assert summary[1].endswith(",2 tickets,4,8")
    with pytest.raises(FileExistsError):
        report.save(tmp_path / "cleaning")


def test_no_cell_of_a_saved_table_is_a_formula(tmp_path):
    formula = '=HYPERLINK("http://example.com","click")'
    step = CleaningStep("odd", "query", "none", dataset({"train": {}}), table_of([("-1", formula, "@x"), ("2", "'=1", "+1")]))
    CleaningReport([step], step.dataset, ()).save(tmp_path / "cleaning")
    with (tmp_path / "cleaning" / "1_odd.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1:] == [["'-1", f"'{formula}", "'@x"], ["2", "''=1", "'+1"]]


def test_rows_of_what_customers_wrote_hide_what_has_a_fixed_form():
    rows = private_table([("1", "Laura: laura@example.com, +44 20 7946 0958, 192.168.10.25", "long")])
    assert list(rows.itertuples(index=False, name=None)) == [("1", "Laura: <EMAIL>, <PHONE>, <IP>", "long")]
