import importlib.metadata
import re
import subprocess
import sys

import pytest

from tutorial_lib.cleaning.prepare import prepare
from tutorial_lib.data.awscli_docs import _assemble, _installed, aws_docs, example_titles, html_to_text
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.registry import Kind


@pytest.fixture(scope="module")
def raw():
    return aws_docs()


@pytest.fixture(scope="module")
def cleaned(raw):
    return prepare(raw, Kind.DOCUMENTATION).dataset


# --- the pieces ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bold", "title"),
    [
        ("**To cancel a key deletion**", "cancel a key deletion"),
        ("**Example 1: To list all volumes**", "list all volumes"),
        ("**Example 12 - to list ``io1`` volumes:**", "list io1 volumes"),
        ("**example: Describe the thing.**", "Describe the thing"),
        ("**Today's usage**", "Today's usage"),
        ("**Examples of use**", "Examples of use"),
    ],
)
def test_titles_are_what_a_user_would_type(bold, title):
    assert example_titles(f"{bold}\n\nThe following example ... ::\n") == [title]


def test_only_whole_bold_lines_are_titles():
    assert example_titles("**First one**\n\nUse **care** here.\n\n  **indented**\n\n**Second one**  \n") == [
        "First one",
        "Second one",
    ]
    assert example_titles("**...**\n\n**Example 3:**\n\nplain text") == []


def test_html_becomes_visible_text():
    html = "<p>Gets the <code>Key</code>.</p>\n<ul><li>One</li><li><b>Two</b>, too</li></ul>"
    assert html_to_text(html) == "Gets the Key. One Two, too"
    assert html_to_text("") == ""
    assert html_to_text(None) == ""


def test_assembly_by_hand():
    services = {
        "ec2": {
            "full_name": "EC2",
            "operations": {"Stop": ("stop", "<p>Stops.</p>"), "Start": ("start", "Starts.")},
            "operation_of": {"stop": "Stop", "halt": "Stop", "start": "Start"},
        },
        "rds": {"full_name": "RDS", "operations": {"Stop": ("stop-db", "Stops it.")}, "operation_of": {"stop-db": "Stop"}},
    }
    examples = [
        ("ec2", "halt", "**To stop it**"),
        ("ec2", "start", "no title"),
        ("rds", "stop-db", "**To stop it**"),
        ("s3", "cp", "**One**\n**Two**"),
        ("ec2", "stop", "**Example 1: To end**\n**To stop it**"),
    ]
    dataset = _assemble(services, examples, "1.0")
    assert {a: (v.title, v.text, v.metadata) for a, v in dataset.corpus.items()} == {
        "ec2/start": ("EC2: start", "Starts.", {"family": "ec2"}),
        "ec2/stop": ("EC2: stop", "Stops.", {"family": "ec2"}),
        "rds/stop-db": ("RDS: stop db", "Stops it.", {"family": "rds"}),
    }
    assert {v.text: (dataset.qrels["train"][q], v.metadata["family"]) for q, v in dataset.queries.items()} == {
        "end": ({"ec2/stop": 1}, "ec2"),
        "stop it": ({"ec2/stop": 1, "rds/stop-db": 1}, "several"),
    }
    assert dataset.card["skipped"] == [
        {"command": "ec2 start", "titles": 0, "reason": "no example title"},
        {"command": "s3 cp", "titles": 2, "reason": "no operation behind the command"},
    ]


def test_another_awscli_is_refused(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.0.0")
    with pytest.raises(DataError, match=r"awscli 1\.0\.0 is installed: .* pip install awscli==1\.46\.3"):
        aws_docs()


def test_a_missing_distribution_is_named():
    with pytest.raises(DataError, match=r"no-such-thing is not installed: pip install no-such-thing=="):
        _installed("no-such-thing")


# --- the real collection ------------------------------------------------------------------------------------------


def test_raw_counts(raw):
    assert raw.counts() == {"articles": 10_876, "train": 6_201, "dev": 0, "test": 0}
    assert list(raw.corpus) == sorted(raw.corpus)
    assert raw.queries.keys() == raw.qrels["train"].keys()


def test_counts_after_cleaning_and_splitting(cleaned):
    assert cleaned.counts() == {"articles": 10_870, "train": 4_237, "dev": 605, "test": 1_211}


def test_an_article_is_an_operation_under_its_command(raw):
    document = raw.corpus["ec2/describe-instances"]
    assert document.title == "Amazon Elastic Compute Cloud: describe instances"
    assert document.text.startswith("Describes the specified instances or all instances.")
    assert document.metadata == {"family": "ec2"}
    assert not any("<p>" in a.text for a in raw.corpus.values())


@pytest.mark.parametrize(("service", "full_name"), [("deploy", "AWS CodeDeploy"), ("configservice", "AWS Config")])
def test_services_that_awscli_renames(raw, service, full_name):
    titles = {a.title.split(": ")[0] for i, a in raw.corpus.items() if i.startswith(f"{service}/")}
    assert titles == {full_name}
    assert not any(i.startswith(("codedeploy/", "config/")) for i in raw.corpus)


def test_skipped_files_are_listed_with_the_reason(raw):
    skipped = {s["command"]: s for s in raw.card["skipped"]}
    assert skipped["s3 cp"] == {"command": "s3 cp", "titles": 15, "reason": "no operation behind the command"}
    assert skipped["s3api get-object"]["reason"] == "no example title"
    assert {s["reason"] for s in skipped.values()} == {"no operation behind the command", "no example title"}


def test_queries_are_titles_without_lead_in(raw):
    texts = [q.text for q in raw.queries.values()]
    assert len(set(texts)) == len(texts)
    assert not [t for t in texts if re.match(r"to\s|example\s*\d*\s*:", t, re.IGNORECASE)]


def test_a_title_of_several_operations_has_several_positives(raw):
    several = {raw.queries[q].text: sorted(grades) for q, grades in raw.qrels["train"].items() if len(grades) > 1}
    assert {a.split("/")[0] for a in several["tag a resource"]} >= {"ecs", "efs", "omics"}
    assert all(
        raw.queries[q].metadata["family"] == "several"
        for q, grades in raw.qrels["train"].items()
        if len({a.split("/")[0] for a in grades}) > 1
    )


def test_awscli_is_not_imported_into_this_process(raw):
    assert raw.name == "aws_docs"
    assert "awscli" not in sys.modules


def test_a_script_without_main_guard_can_read_it(raw):
    # multiprocessing would run such a script again in every child, without end.
    script = "from tutorial_lib.data.awscli_docs import aws_docs\nprint(aws_docs().fingerprint())"
    done = subprocess.run([sys.executable, "-"], input=script, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == raw.fingerprint()
