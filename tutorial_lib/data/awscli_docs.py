"""aws_docs, the course's real collection, read from the installed awscli."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from typing import Any

from bs4 import BeautifulSoup
from tqdm.auto import tqdm

from tutorial_lib.data.dataset import DataError, Document, Query, RetrievalDataset
from tutorial_lib.private_api import read_awscli
from tutorial_lib.text import has_words

AWSCLI_VERSION = "1.46.3"


_BOLD_TITLE = re.compile(r"^\*\*(.+?)\*\*\s*$", re.MULTILINE)


_EXAMPLE_NUMBER = re.compile(r"^\s*(?:example\s*\d*|\d+)\s*(?:[:.\-–]|$)\s*", re.IGNORECASE)


_HEADINGS = frozenset({"output", "title"})


def aws_docs() -> RetrievalDataset:
    """Read the real collection of the course: AWS operations as articles, example titles as queries.

    Articles are the API operations of every service that has examples in ``awscli``; queries are the titles its
    documentation authors gave to the examples, each judged relevant to the operation it documents. Commands are
    mapped to operations by awscli's own command tables, so its renames and aliases hold.

    Returns:
        The unsplit dataset: all judgments stand under "train" until ``split_at_random`` divides them. ``card["skipped"]``
        lists every example file that gave no query, with the reason.

    Raises:
        DataError: The installed ``awscli`` is not the version the committed figures were made with.
    """
    version = _installed("awscli")
    if version != AWSCLI_VERSION:
        raise DataError(
            f"awscli {version} is installed: the figures of the course hang on its data, so "
            f"pip install awscli=={AWSCLI_VERSION}"
        )
    # A child process: importing awscli redirects every later `import botocore` of the process to its own copy. Not
    # multiprocessing, whose children run the caller's script again (without end if it has no `__main__` guard).
    code = f"import json, sys; from {read_awscli.__module__} import read_awscli; json.dump(read_awscli(), sys.stdout)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    child = subprocess.run([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, check=True)
    services, examples = json.loads(child.stdout)
    return _assemble(services, examples, version)


def _installed(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        raise DataError(f"{distribution} is not installed: pip install {distribution}=={AWSCLI_VERSION}") from None


def _assemble(services: dict[str, Any], examples: list[tuple[str, str, str]], version: str) -> RetrievalDataset:
    """Return the dataset of what ``read_awscli`` found in this version."""
    positives, skipped = _titles(services, examples)
    queries = {f"q{n:05d}": (title, sorted(documents)) for n, (title, documents) in enumerate(sorted(positives.items()))}
    card = {
        "source": f"awscli {version}: API service models (articles) and awscli/examples (queries), read at run time",
        "licence": "Apache-2.0 (awscli)",
        "skipped": skipped,
    }
    return RetrievalDataset(
        "aws_docs",
        _corpus(services),
        {q: Query(q, title, {"family": _one_family(documents)}) for q, (title, documents) in queries.items()},
        {"train": {q: dict.fromkeys(documents, 1) for q, (_, documents) in queries.items()}, "dev": {}, "test": {}},
        card,
    )


def _corpus(services: dict[str, Any]) -> dict[str, Document]:
    """Return one article an operation, under its command."""
    corpus: dict[str, Document] = {}
    for service, found in tqdm(services.items(), desc="read services"):
        for command, html in found["operations"].values():
            title = f"{found['full_name']}: {command.replace('-', ' ')}"
            corpus[f"{service}/{command}"] = Document(f"{service}/{command}", title, html_to_text(html), {"family": service})
    return dict(sorted(corpus.items()))


def _titles(
    services: dict[str, Any], examples: list[tuple[str, str, str]]
) -> tuple[dict[str, set[str]], list[dict[str, Any]]]:
    """Return the articles of each example title, and the example files that give none, with the reason."""
    positives: dict[str, set[str]] = {}
    skipped = []
    for service, command, text in examples:
        found = services.get(service, {"operations": {}, "operation_of": {}})
        operation = found["operation_of"].get(command)
        titles = example_titles(text)
        if operation is None or not titles:
            reason = "no example title" if not titles else "no operation behind the command"
            skipped.append({"command": f"{service} {command}".strip(), "titles": len(titles), "reason": reason})
            continue
        for title in titles:
            positives.setdefault(title, set()).add(f"{service}/{found['operations'][operation][0]}")
    return positives, skipped


def _one_family(document_ids: list[str]) -> str:
    families = sorted({a.split("/")[0] for a in document_ids})
    return families[0] if len(families) == 1 else "several"


def html_to_text(html: str) -> str:
    """Return the visible text of an HTML fragment, white space folded."""
    text = " ".join(BeautifulSoup(html or "", "html.parser").get_text(" ").split())
    return text.replace(" .", ".").replace(" ,", ",")


def example_titles(rst: str) -> list[str]:
    """Return the bold titles of an awscli example file as a user would type them: no "Example 1:", no "To".

    Bold headings of a section ("Output") and bare numbers ("Example 1") are no titles.

    >>> example_titles("**Example 1: To list all volumes**")
    ['list all volumes']
    """
    titles = []
    for bold in _BOLD_TITLE.findall(rst):
        title = _EXAMPLE_NUMBER.sub("", bold.replace("``", "")).strip().rstrip(".:").strip()
        title = title[3:].lstrip() if title[:3].lower() == "to " else title
        if has_words(title) and title.lower() not in _HEADINGS:
            titles.append(title)
    return titles
