import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import beir_folder, small_dataset, tree
from tutorial_lib.data.beir import read_beir, write_beir
from tutorial_lib.data.dataset import DataError, Document, Query, RetrievalDataset

TWO = [{"_id": "a", "text": "one"}, {"_id": "b", "text": "two"}]
ASKED = [{"_id": "q", "text": "which"}]
HEADER = "query-id\tcorpus-id\tscore"
NO_QRELS = {"dev": None, "test": None}


def tiny_folder(path, *, corpus=TWO, queries=ASKED, train=(HEADER, "q\ta\t1")):
    return beir_folder(path / "data", corpus=corpus, queries=queries, qrels={**NO_QRELS, "train": train})


# --- write, then read ---------------------------------------------------------------------------------------------

CHARACTERS = st.characters(exclude_categories=["Cs"])
IDS = st.one_of(
    st.sampled_from(["a/b c", " lead", "trail ", "ünïcode 日本", "100%", "query-id", "\u2028", "a\x0bb"]),
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n"), min_size=1, max_size=8),
).filter(str.strip)
TEXTS = st.text(alphabet=CHARACTERS, max_size=30).map(lambda t: t + " x")
METADATA = st.dictionaries(st.text(alphabet=CHARACTERS, max_size=5), st.one_of(st.none(), st.booleans(), st.integers()))


@st.composite
def datasets(draw):
    document_ids = draw(st.lists(IDS, min_size=2, max_size=5, unique=True))
    corpus = {a: Document(a, draw(TEXTS), draw(TEXTS), draw(METADATA)) for a in sorted(document_ids)}
    query_ids = sorted(draw(st.lists(IDS, min_size=1, max_size=5, unique=True)))
    queries = {q: Query(q, draw(TEXTS), draw(METADATA)) for q in query_ids}
    qrels = {"train": {}, "dev": {}, "test": {}}
    for q in query_ids:
        split = draw(st.sampled_from(["train", "dev", "test"]))
        qrels[split][q] = {document_ids[0]: draw(st.integers(1, 3)), document_ids[1]: draw(st.integers(-1, 0))}
    groups, notes = draw(st.sampled_from([(), (tuple(sorted(document_ids[:2])),)])), draw(st.sampled_from([(), ("made up",)]))
    return RetrievalDataset(draw(st.text("xyz", min_size=1)), corpus, queries, qrels, {"k": 1}, groups, notes)


@given(datasets())
def test_write_then_read_is_equality(dataset):
    with tempfile.TemporaryDirectory() as folder:
        write_beir(dataset, Path(folder) / "data")
        read = read_beir(Path(folder) / "data")
    assert read == dataset
    assert list(read.corpus) == sorted(dataset.corpus)
    assert read.fingerprint() == dataset.fingerprint()


@given(st.randoms(use_true_random=False))
def test_order_of_lines_does_not_matter(random):
    with tempfile.TemporaryDirectory() as folder:
        write_beir(small_dataset(), Path(folder))
        for file, first in (("corpus.jsonl", 0), ("queries.jsonl", 0), ("qrels/train.tsv", 1)):
            lines = (Path(folder) / file).read_text(encoding="utf-8").splitlines()
            body = lines[first:]
            random.shuffle(body)
            (Path(folder) / file).write_text("\n".join([*lines[:first], *body]), encoding="utf-8")
        read = read_beir(folder)
    assert read == small_dataset()
    assert list(read.corpus) == sorted(read.corpus)
    assert read.fingerprint() == small_dataset().fingerprint()


def test_a_split_without_judgments_has_no_file(tmp_path):
    unsplit = small_dataset()
    unsplit.qrels.update(dev={}, test={})
    write_beir(unsplit, tmp_path)
    assert [p.name for p in (tmp_path / "qrels").iterdir()] == ["train.tsv"]
    assert read_beir(tmp_path).counts() == {"articles": 6, "train": 6, "dev": 0, "test": 0}


# --- what is accepted ---------------------------------------------------------------------------------------------


def test_bom_windows_line_ends_blank_lines_and_numbers_as_ids(tmp_path):
    corpus = [b'\xef\xbb\xbf{"_id": 7, "text": "one", "title": null}\r', "", {"_id": "b", "text": "two", "metadata": None}]
    read = read_beir(tiny_folder(tmp_path, corpus=corpus, train=[b"\xef\xbb\xbf" + HEADER.encode(), "", "q\t7\t2\r"]))
    assert read.corpus == {"7": Document("7", "", "one"), "b": Document("b", "", "two")}
    assert read.qrels == {"train": {"q": {"7": 2}}, "dev": {}, "test": {}}


def test_qrels_need_no_header(tmp_path):
    assert read_beir(tiny_folder(tmp_path, train=["q\ta\t1"])).qrels["train"] == {"q": {"a": 1}}


def test_a_line_separator_inside_a_text_ends_no_line(tmp_path):
    line = '{"_id": "a", "text": "one\u2028\u0085two"}'
    assert read_beir(tiny_folder(tmp_path, corpus=[line, TWO[1]])).corpus["a"].text == "one\u2028\u0085two"


def test_judged_queries_without_positive_are_left_out_and_noted(tmp_path):
    queries = [*ASKED, {"_id": "r", "text": "what"}]
    read = read_beir(tiny_folder(tmp_path, queries=queries, train=["q\ta\t1", "r\ta\t0"]))
    assert read.qrels["train"] == {"q": {"a": 1}}
    assert list(read.notes) == ["qrels/train.tsv: 1 of 2 judged queries have no relevant article and were left out"]


def test_drop_blank_leaves_lines_out_and_says_so(tmp_path):
    corpus = [*TWO, {"_id": "c", "text": "  "}, {"_id": "d", "text": "🙂", "title": ""}, {"_id": "e", "text": "three"}]
    folder = tiny_folder(tmp_path, corpus=corpus, train=["q\ta\t1", "q\tc\t1"])
    with pytest.raises(
        DataError,
        match=r'corpus.jsonl line 3, 4: "text" has no letter or digit in 2 of 5 lines: '
        r"give them text, or pass drop_blank=True \(--drop-blank\)",
    ):
        read_beir(folder)
    read = read_beir(folder, drop_blank=True)
    assert list(read.corpus) == ["a", "b", "e"]
    assert read.qrels["train"] == {"q": {"a": 1}}
    assert list(read.notes) == ["corpus.jsonl: 2 of 5 lines have no letter or digit and were left out"]


# --- what is refused ----------------------------------------------------------------------------------------------

BAD_CORPUS = {
    "not JSON": ([*TWO, "{oops"], "corpus.jsonl line 3: not JSON (Expecting property name"),
    "a list": ([*TWO, "[1]"], "corpus.jsonl line 3: a JSON list, not an object: write an object"),
    "endless number": ([*TWO, '{"_id": ' + "9" * 5000 + "}"], "corpus.jsonl line 3: not JSON (Exceeds the limit"),
    "nested too deeply": (["[" * 100_000], "corpus.jsonl line 1: not JSON that can be read: nested too deeply"),
    "no _id": ([TWO[0], {"id": "b", "text": "x"}], 'corpus.jsonl line 2: no "_id" (keys: id, text): add the field "_id"'),
    "no text": ([{"_id": "a", "body": "x"}], 'corpus.jsonl line 1: no "text" (keys: _id, body): add the field "text"'),
    "no key": (["{}"], 'corpus.jsonl line 1: no "_id" (keys: none)'),
    "repeated _id": ([*TWO, TWO[0]], "corpus.jsonl line 3: \"_id\" 'a' was already used on line 1: give each line an id"),
    "number and string": ([{"_id": 1, "text": "x"}, {"_id": "1", "text": "x"}], "line 2: \"_id\" '1' was already used on"),
    "_id a list": ([{"_id": ["a"], "text": "x"}], "corpus.jsonl line 1: \"_id\" is list (['a']): pass a string"),
    "_id true": ([{"_id": True, "text": "x"}], 'corpus.jsonl line 1: "_id" is bool (True): pass a string'),
    "_id blank": ([{"_id": " ", "text": "x"}], "corpus.jsonl line 1: \"_id\" is ' ': pass an id that is not blank"),
    "_id with tab": ([{"_id": "a\tb", "text": "x"}], "corpus.jsonl line 1: \"_id\" is 'a\\tb': pass an id"),
    "text a number": ([{"_id": "a", "text": 3}], 'corpus.jsonl line 1: "text" is int (3): pass a string'),
    "text null": ([{"_id": "a", "text": None}], 'corpus.jsonl line 1: "text" is NoneType (None): pass a string'),
    "title a list": ([{"_id": "a", "text": "x", "title": ["t"]}], "line 1: \"title\" is list (['t']): pass a string"),
    "metadata a list": ([{"_id": "a", "text": "x", "metadata": [1]}], '"metadata" is list: pass an object'),
    "half a character": ([r'{"_id": "a", "text": "\ud83d"}'], "corpus.jsonl line 1: a field holds half a surrogate pair"),
    "half in metadata": ([r'{"_id": "a", "text": "x", "metadata": {"k": "\ud83d"}}'], "line 1: a field holds half a"),
    "only spaces": ([*TWO, {"_id": "c", "text": "  "}], 'corpus.jsonl line 3: "text" has no letter or digit in 1 of 3'),
    "not UTF-8": ([*TWO, b'{"_id": "c", "text": "caf\xe9"}'], "corpus.jsonl line 3: not UTF-8 (invalid continuation byte"),
    "no line": ([], "corpus.jsonl holds no usable line: pass at least one JSON object with _id and text"),
    "blank lines": (["", "  "], "corpus.jsonl holds no usable line"),
}


@pytest.mark.parametrize(("corpus", "message"), BAD_CORPUS.values(), ids=BAD_CORPUS)
def test_a_corpus_that_cannot_be_used(tmp_path, corpus, message):
    refused(tiny_folder(tmp_path, corpus=corpus), message)


def test_queries_are_checked_like_the_corpus(tmp_path):
    refused(tiny_folder(tmp_path, queries=[{"_id": "q", "text": "🙂"}]), 'queries.jsonl line 1: "text" has no letter')
    refused(tiny_folder(tmp_path, queries=[*ASKED, {"_id": "r"}]), 'queries.jsonl line 2: no "text" (keys: _id)')


BAD_QRELS = {
    "unknown query": ([HEADER, "z\ta\t1"], "line 2: query 'z' is not in queries.jsonl: add it there or remove the line"),
    "unknown article": ([HEADER, "q\tz\t1"], "line 2: article 'z' is not in corpus.jsonl: add it there or remove"),
    "half a point": ([HEADER, "q\ta\t0.5"], "line 2: score is '0.5': pass a whole number, above 0 for relevant"),
    "first line": (["q\ta\t1.0", "q\tb\t1"], "line 1: score is '1.0': pass a whole number"),
    "two columns": ([HEADER, "q\ta"], "line 2: 2 columns ('q\\ta'): pass query-id, corpus-id, score, divided by tabs"),
    "four columns": ([HEADER, "q\t0\ta\t1"], "line 2: 4 columns"),
    "spaces": (["q a 1"], "line 1: 1 columns"),
    "line break": ([HEADER, "q\ta\rb\t1"], "line 2: article 'a\\rb' is not in corpus.jsonl"),
    "graded twice": (["q\ta\t1", "q\ta\t2"], "line 2: 'q' and 'a' were graded 1 before and 2 now: keep one"),
    "no positive": ([HEADER, "q\ta\t0"], ": no query has a relevant article (score above 0) among 1 judged queries"),
    "header only": ([HEADER], ": no query has a relevant article (score above 0) among 0 judged queries"),
    "all relevant": (["q\ta\t1", "q\tb\t1"], ": every one of the 2 articles is relevant for query 'q': nothing is left"),
    "not UTF-8": ([HEADER, b"q\t\xff\t1"], "line 2: not UTF-8 (invalid start byte at byte 2): save the file as UTF-8"),
}


@pytest.mark.parametrize(("train", "message"), BAD_QRELS.values(), ids=BAD_QRELS)
def test_judgments_that_cannot_be_used(tmp_path, train, message):
    folder = tiny_folder(tmp_path, train=train)
    refused(folder, message)
    refused(folder, "train.tsv")


@pytest.mark.parametrize(
    "card", ["{oops", "[1]", '{"notes": "x"}', '{"near_duplicates": [["a", 1]]}', '{"near_duplicates": {}}', "\ud83d"]
)
def test_a_card_that_cannot_be_read_is_named(tmp_path, card):
    folder = tiny_folder(tmp_path)
    (folder / "card.json").write_bytes(card.encode("utf-8", "surrogatepass"))
    refused(folder, "card.json: ")


def test_the_card_holds_notes_and_near_duplicates(tmp_path):
    dataset = replace(small_dataset(), near_duplicates=(("billing/cancel", "billing/refund"),), notes=("one", "two"))
    write_beir(dataset, tmp_path)
    card = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))
    assert (card["near_duplicates"], card["notes"]) == ([["billing/cancel", "billing/refund"]], ["one", "two"])
    assert read_beir(tmp_path) == dataset
    assert read_beir(tmp_path).card == {}


def test_missing_folder_and_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere is not a folder: pass a BEIR folder \(corpus.jsonl, queries.jsonl"):
        read_beir(tmp_path / "nowhere")
    folder = tiny_folder(tmp_path)
    (folder / "queries.jsonl").unlink()
    refused(folder, "queries.jsonl is missing: a BEIR folder holds corpus.jsonl, queries.jsonl and qrels/train.tsv")


def refused(folder, message):
    before = tree(folder)
    with pytest.raises(DataError) as error:
        read_beir(folder)
    assert message in str(error.value)
    assert tree(folder) == before


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
    lambda children: st.lists(children, max_size=2),
    max_leaves=3,
)
MANGLED = st.one_of(
    st.binary(max_size=30),
    st.tuples(st.integers(0, 40), st.integers(0, 9), st.binary(max_size=3)),  # cut and paste in a good line
    st.dictionaries(st.sampled_from(["_id", "text", "title", "metadata"]), JSON).map(lambda row: json.dumps(row).encode()),
)


@given(st.sampled_from(["corpus.jsonl", "queries.jsonl", "qrels/train.tsv"]), MANGLED)
def test_readers_raise_nothing_but_data_errors(name, mangled):
    with tempfile.TemporaryDirectory() as folder:
        file = tiny_folder(Path(folder)) / name
        first, *rest = file.read_bytes().split(b"\n")
        if isinstance(mangled, tuple):
            at, length, paste = mangled
            mangled = first[:at] + paste + first[at + length :]
        file.write_bytes(b"\n".join([*rest, mangled]))
        try:
            assert "a" in read_beir(file.parents[name.count("/")]).corpus
        except DataError as error:
            assert file.name in str(error)
