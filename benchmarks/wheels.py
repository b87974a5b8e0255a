"""What is read from packages, as articles with the questions that each answers; none of the packages is installed.

Every reader takes the opened wheel and yields ``Article``; nothing is dropped here but what has no text.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import sysconfig
import textwrap
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from zipfile import ZipFile

from benchmarks.python_docs import summary_and_rest


@dataclass(frozen=True)
class Article:
    """A document, and what is asked that it answers."""

    id: str
    title: str
    text: str
    queries: tuple[str, ...]


Reader: TypeAlias = Callable[[ZipFile], Iterator[Article]]


def read_text(wheel: ZipFile, ending: str) -> str:
    """Return the text of the one file of ``wheel`` whose name ends so."""
    return wheel.read(next(n for n in wheel.namelist() if n.endswith(ending))).decode("utf-8")


def weaknesses(wheel: ZipFile) -> Iterator[Article]:
    """Yield what each kind of weakness in software is; asked is an example of it that was observed in a product."""
    for row in csv.DictReader(io.StringIO(read_text(wheel, "2000.csv")), restkey="more"):
        examples = re.findall(r"DESCRIPTION:(.*?)(?=:LINK:|::)", row["Observed Examples"] or "")
        text = f"{row['Description']} {row['Extended Description']}"
        yield Article(f"CWE-{row['CWE-ID']}", row["Name"], text, tuple(examples))


def _terms(wheel: ZipFile) -> Iterator[tuple[str, str, str, str]]:
    """Yield id, name, definition and the whole entry of every phenotype that has a definition."""
    for entry in read_text(wheel, "hp.obo").split("\n[Term]\n")[1:]:
        found = {key: re.search(rf'^{key}: "?(.*?)(?:" \[.*)?$', entry, re.MULTILINE) for key in ("id", "name", "def")}
        id_, name, definition = (match[1].replace('\\"', '"') if match else "" for match in found.values())
        if definition and "\nis_obsolete: true" not in entry:
            yield id_, name, definition, entry


def phenotypes(wheel: ZipFile) -> Iterator[Article]:
    """Yield medical terms with their definitions; asked is what a layperson calls them."""
    for id_, name, definition, entry in _terms(wheel):
        lay = re.findall(r'^synonym: "(.*?)" [A-Z]+ layperson', entry, re.MULTILINE)
        yield Article(id_, name, definition, tuple(lay))


def diseases(wheel: ZipFile) -> Iterator[Article]:
    """Yield the same terms; asked is the name of a rare disease, answered by all the signs it is known to show."""
    lines = [line for line in read_text(wheel, "phenotype.hpoa").splitlines() if not line.startswith("#")]
    shown: dict[str, list[str]] = defaultdict(list)
    for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["aspect"] == "P" and row["qualifier"] != "NOT":
            shown[row["hpo_id"]].append(row["disease_name"])
    for id_, name, definition, _ in _terms(wheel):
        yield Article(id_, name, definition, tuple(shown[id_]))


def functions(wheel: ZipFile) -> Iterator[Article]:
    """Yield functions with their parameters, one a name; asked is what a user wants done."""
    described: dict[str, Counter[str]] = defaultdict(Counter)
    asked: dict[str, list[str]] = defaultdict(list)
    for path in sorted(n for n in wheel.namelist() if re.search(r"/data/possible_answer/.*\.json$", n)):
        answers = {a["id"]: a for a in _json_lines(wheel, path)}
        for task in _json_lines(wheel, path.replace("possible_answer/", "")):
            if len(task["question"]) > 1 or task["id"] not in answers or "function" not in task:
                continue  # a conversation: no single request says what it wants
            for function in task["function"]:
                described[function["name"]][_signature(function)] += 1
            for name in {name for call in answers[task["id"]]["ground_truth"] for name in call}:
                asked[name].append(task["question"][0][-1]["content"])
    for name, texts in sorted(described.items()):
        # The same function is described in many wordings: the most frequent stands for all.
        text = min(texts, key=lambda text: (-texts[text], text))
        yield Article(name, re.sub(r"[._]+", " ", name), text, tuple(asked[name]))


def _json_lines(wheel: ZipFile, path: str) -> Iterator[dict[str, Any]]:
    return map(json.loads, wheel.read(path).decode("utf-8").splitlines())


def _signature(function: dict[str, Any]) -> str:
    parameters = function["parameters"].get("properties", {})
    told = (f"{name}: {value.get('description', '')}" for name, value in parameters.items())
    return " ".join([function["description"], *told])


def techniques(wheel: ZipFile) -> Iterator[Article]:
    """Yield techniques of attackers and how each is detected; asked is what one malware or group was seen doing."""
    patterns, relations, detection = (
        json.loads(read_text(wheel, f"/{name}-lookup-v18.1.json"))
        for name in ("attack-patterns", "relationships", "detection-objects")
    )
    analytics = {a["stix_id"]: a["description"] for a in detection["analytics"]}
    detects = {s["stix_id"]: [analytics[a] for a in s["analytic_refs"]] for s in detection["detection_strategies"]}
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for relation in relations["relationships"]:
        key = (relation["relationship_type"], relation["target_ref"])
        texts = detects[relation["source_ref"]] if key[0] == "detects" else [relation["description"] or ""]
        found[key] += filter(None, map(_plain_sentence, texts))
    for pattern in patterns["attack_patterns"]:
        if not pattern["revoked"] and not pattern["deprecated"]:
            text = [_plain_sentence(pattern["description"], cut=True), *found["detects", pattern["stix_id"]]]
            asked = tuple(sorted(found["uses", pattern["stix_id"]]))
            yield Article(pattern["external_id"], pattern["name"], " ".join(text), asked)


def _plain_sentence(text: str, *, cut: bool = False) -> str:
    """Return ``text`` without links and citations; "" if it breaks off, unless it may be ``cut``."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)|</?code>", r"\1", text)
    text = re.sub(r"\s*\(Cit[^)]*(\)|$)", "", text).strip()
    return text if cut or not text.endswith("...") else ""


def idioms(wheel: ZipFile) -> Iterator[Article]:
    """Yield Chinese idioms with source and example; asked is what one means."""
    seen = set()
    for row in csv.DictReader(io.StringIO(read_text(wheel, "idiom.csv"))):
        text = " ".join(row[key] for key in ("derivation", "example") if row[key] != "无")
        if row["derivation"] != "无" and row["example"] != "无" and row["word"] not in seen:
            seen.add(row["word"])
            yield Article(row["word"], row["word"], text, (row["explanation"],))


def industries(wheel: ZipFile) -> Iterator[Article]:
    """Yield Italy's classes of businesses with what they divide into; asked is an activity that belongs to one.

    A class says both what it includes and what belongs elsewhere ("coltivazione di riso, cfr. 01.12").
    """
    nodes = json.loads(read_text(wheel, "/2025/nodes.json"))["nodes"]
    told: dict[str, list[str]] = defaultdict(list)
    asked: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        of, notes = node["code"][:5], node["notes"]
        told[of] += [node["title"] if node["code"] != of else "", notes.get("centrale", "")]
        asked[of] += [line for key in ("inclusione", "inclusione_aggiuntiva") for line in _listed(notes.get(key, ""))]
        for activity, _, elsewhere in (line.rpartition(", cfr.") for line in _listed(notes.get("esclusione", ""))):
            for code in re.findall(r"\b\d\d\.\d\d\b", elsewhere):
                asked[code].append(activity)
    for node in nodes:
        if node["level"] == "class":
            text = " ".join(dict.fromkeys(filter(None, told[node["code"]])))
            yield Article(node["code"], node["title"], text, tuple(asked[node["code"]]))


def _listed(notes: str) -> list[str]:
    return [line.strip(" -•;.") for line in notes.split("\n") if line]


_LIBRARY = Path(sysconfig.get_path("stdlib"))


def python_docs(_: ZipFile | None = None, library: Path = _LIBRARY) -> Iterator[Article]:
    """Yield docstrings of the standard library without their first sentence, which is asked; needs no wheel."""
    skipped = {"test", "tests", "idlelib", "lib2to3", "site-packages", "dist-packages", "turtledemo"}
    for path in sorted(library.rglob("*.py")):
        parts = path.relative_to(library).with_suffix("").parts
        if not skipped.intersection(parts):
            tree = ast.parse(path.read_text(encoding="utf-8", errors="replace"))
            yield from _docstrings(tree, ".".join(p for p in parts if p != "__init__"))


def _docstrings(node: ast.AST, name: str) -> Iterator[Article]:
    """Yield the docstrings of a module, class or function, and of the public ones in it."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        found = summary_and_rest(textwrap.dedent(ast.get_docstring(node) or ""))
        if found:
            yield Article(name, name, found[1], (found[0],))
        for child in node.body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ():
            if not getattr(child, "name", "_").startswith("_"):
                yield from _docstrings(child, f"{name}.{child.name}")
