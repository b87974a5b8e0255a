"""aws_docs, the course's real collection, read from the installed awscli."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from tqdm.auto import tqdm

from tutorial_lib.data.dataset import DataError, Document, Query, RetrievalDataset
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
        The unsplit dataset: all judgments stand under "train" until ``split`` divides them. ``card["skipped"]``
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
    code = f"import json, sys; from {__name__} import _read_awscli; json.dump(_read_awscli(), sys.stdout)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    child = subprocess.run([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, check=True)
    services, examples = json.loads(child.stdout)
    return _assemble(services, examples, version)


def _installed(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        raise DataError(f"{distribution} is not installed: pip install {distribution}=={AWSCLI_VERSION}") from None


def _read_awscli() -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """Return the services (full name, operations) and the example files (service, command, text) of awscli."""
    # The learner's own AWS settings (aliases, plug-ins) must not change the collection.
    os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    from awscli import clidriver

    commands = clidriver.create_clidriver()._get_command_table()
    root = Path(clidriver.__file__).parent / "examples"
    examples = []
    for file in sorted(root.rglob("*.rst")):
        service, *rest = file.relative_to(root).with_suffix("").parts
        examples.append((service, " ".join(rest), file.read_text(encoding="utf-8")))
    services = {s: _read_service(commands[s]) for s in sorted({s for s, _, _ in examples}) if s in commands}
    return services, examples


def _read_service(service: Any) -> dict[str, Any]:
    """Return full name, {operation: (command, HTML)} and {command: operation} of one awscli service command."""
    operations: dict[str, tuple[str, str]] = {}
    operation_of: dict[str, str] = {}
    full_name = ""
    if hasattr(service, "service_model"):  # `s3` and `configure` are programs of their own
        full_name = service.service_model.metadata["serviceFullName"]
        for command, entry in sorted(service._get_command_table().items()):
            model = getattr(entry, "_operation_model", None)
            if model is None:
                continue
            operation_of[command] = model.name
            # An operation with several commands (a hidden old spelling) is one article, under its documented name.
            if model.name not in operations or not getattr(entry, "_UNDOCUMENTED", False):
                operations[model.name] = (command, model.documentation)
    return {"full_name": full_name, "operations": operations, "operation_of": operation_of}


def _assemble(services: dict[str, Any], examples: list[tuple[str, str, str]], version: str) -> RetrievalDataset:
    corpus: dict[str, Document] = {}
    for service, found in tqdm(services.items(), desc="read services"):
        for command, html in found["operations"].values():
            title = f"{found['full_name']}: {command.replace('-', ' ')}"
            corpus[f"{service}/{command}"] = Document(f"{service}/{command}", title, html_to_text(html), {"family": service})
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
    queries = {f"q{n:05d}": (title, sorted(documents)) for n, (title, documents) in enumerate(sorted(positives.items()))}
    card = {
        "source": f"awscli {version}: API service models (articles) and awscli/examples (queries), read at run time",
        "licence": "Apache-2.0 (awscli)",
        "skipped": skipped,
        "notes": [],
    }
    return RetrievalDataset(
        "aws_docs",
        dict(sorted(corpus.items())),
        {q: Query(q, title, {"family": _one_family(documents)}) for q, (title, documents) in queries.items()},
        {"train": {q: dict.fromkeys(documents, 1) for q, (_, documents) in queries.items()}, "dev": {}, "test": {}},
        card,
    )


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
    """
    titles = []
    for bold in _BOLD_TITLE.findall(rst):
        title = _EXAMPLE_NUMBER.sub("", bold.replace("``", "")).strip().rstrip(".:").strip()
        title = title[3:].lstrip() if title[:3].lower() == "to " else title
        if has_words(title) and title.lower() not in _HEADINGS:
            titles.append(title)
    return titles
