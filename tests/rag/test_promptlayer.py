"""PromptLayer's files, and their upload to a double of the documented form: the service itself was never asked."""

import base64
import csv
import json

import pytest

from tests.double import Double
from tests.helpers import small_dataset
from tutorial_lib.data.dataset import DataError
from tutorial_lib.evaluation.slices import query_slices
from tutorial_lib.http import EndpointError, HttpSettings, JsonClient
from tutorial_lib.rag.promptlayer import as_csv, as_score, to_promptlayer, upload

KEY = "pl_secret"
GROUPS, VERSIONS = "/api/public/v2/dataset-groups", "/api/public/v2/dataset-versions/from-file"
RUN = {"e1": {"billing/cancel": 2.0, "billing/refund": 1.0}}


@pytest.fixture
def files(tmp_path):
    slices = query_slices(small_dataset())
    return to_promptlayer(small_dataset(), RUN, tmp_path / "prompts", name="tuned", slices=slices)


@pytest.fixture
def service(monkeypatch):
    pytest.importorskip("httpx")

    def usual(path, body):
        if path == GROUPS:
            return 201, {"success": True, "dataset_group": {"id": 17, "name": body["name"]}}
        return 200, {"success": True, "message": "started", "dataset_id": 23}

    double = Double(usual)
    monkeypatch.setenv("PROMPTLAYER_BASE_URL", double.url)
    monkeypatch.setenv("PROMPTLAYER_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield double
    double.close()


def test_both_files_hold_the_same_flat_objects(files):
    written, table = files
    assert (written.name, table.name) == ("tuned.json", "tuned.csv")
    rows = json.loads(written.read_text())
    assert all(isinstance(value, str) for row in rows for value in row.values())
    with table.open(newline="") as stream:
        assert list(csv.DictReader(stream)) == rows
    assert rows[0]["retrieved_ids"] == "billing/cancel, billing/refund"
    assert rows[0]["context"].count("\n\n") == 1
    assert rows[0]["article"] == "seen in training"
    assert (rows[3]["context"], rows[3]["expected_ids"]) == ("", "devices/wifi")


def test_a_file_is_uploaded_as_documented(files, service):
    assert upload(files[1], "desk") == 23
    (groups, headers, group), (versions, _, version) = service.asked
    assert (groups, versions) == (GROUPS, VERSIONS)
    assert headers["x-api-key"] == KEY
    assert group == {"name": "desk"}
    assert (version["dataset_group_id"], version["file_name"]) == (17, "tuned.csv")
    assert base64.b64decode(version["file_content_base64"]) == files[1].read_bytes()
    assert KEY not in "".join(f.read_text() for f in files)


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ((401, {"message": f"Unauthorized {KEY}"}), r"dataset-groups answered 401: Unauthorized \*\*\*$"),
        ((500, {"error": "oops"}), r"answered 500: oops \(2 tries\)$"),
        ((200, {"success": False, "dataset_group": {"id": 1}}), "answered no dataset_group.id"),
        ((200, {"dataset_group": None}), "answered no dataset_group.id"),
        ((200, b"<html>"), "answered what is no JSON"),
    ],
)
def test_what_goes_wrong_is_one_line_without_the_key(files, service, reply, message):
    service.replies = [reply, reply]
    client = JsonClient(HttpSettings(retries=1), sleep=lambda _: None)
    with pytest.raises(EndpointError, match=message) as raised:
        upload(files[1], "desk", client=client)
    assert KEY not in str(raised.value)


def test_without_key_or_with_a_file_of_another_kind_nothing_is_sent(files, service, monkeypatch, tmp_path):
    (tmp_path / "run.trec").write_text("")
    with pytest.raises(DataError, match=r"run.trec: pass a .csv or a .json"):
        upload(tmp_path / "run.trec", "desk")
    monkeypatch.setattr("tutorial_lib.rag.promptlayer.LARGEST_FILE", 10)
    with pytest.raises(DataError, match="and the service takes 10: pass a smaller k"):
        upload(files[1], "desk")
    monkeypatch.undo()
    monkeypatch.delenv("PROMPTLAYER_API_KEY", raising=False)
    with pytest.raises(DataError, match="no key for PromptLayer: set PROMPTLAYER_API_KEY"):
        upload(files[1], "desk", base_url=service.url)
    assert service.asked == []


def test_scores_are_whole_numbers():
    assert [as_score(v) for v in (0, 0.851, 1)] == [0, 85, 100]
    with pytest.raises(DataError, match="a score is 85: pass 0 to 1"):
        as_score(85)
    assert as_csv([]) == "\n"
