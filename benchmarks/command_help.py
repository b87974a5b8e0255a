"""The help of two command lines, read from their wheels: the title of an example is asked, its command is the article."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any
from zipfile import ZipFile

import yaml

from benchmarks.wheels import Article

_ANSIBLE = ("amazon", "ansible", "community", "containers", "kubernetes")
"""Namespaces whose modules are read: those of the vendors' devices are thousands that say the same."""


def azure_cli(wheel: ZipFile) -> Iterator[Article]:
    """Yield the commands of Azure's command line: summary, options, and the command lines of its examples."""
    text: dict[str, str] = {}
    titles: dict[str, list[str]] = {}
    for path in sorted(wheel.namelist()):
        if path.endswith("_help.py"):
            found = _written_help(wheel.read(path))
        elif "/aaz/latest/" in path and path.endswith(".py"):
            found = _generated_help(wheel.read(path).decode("utf-8"))
        else:
            continue
        for command, told, examples in found:
            text.setdefault(command, told)
            titles.setdefault(command, []).extend(examples)
    for command in sorted(text):
        asked = (re.sub(r"\s*\(auto-?generated\)", "", title).rstrip(". ") for title in titles[command])
        yield Article(command.replace(" ", "/"), f"az {command}", text[command], tuple(asked))


def _written_help(source: bytes) -> Iterator[tuple[str, str, list[str]]]:
    """Yield command, text and titles of examples of every ``helps["command"] = "YAML"`` whose both sides are literal."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Assign([ast.Subscript(ast.Name("helps"), ast.Constant(command))], ast.Constant(text)):
                told = yaml.load(text, yaml.CSafeLoader)
                if told["type"] == "command":
                    options = (f"{p['name']}: {_flat(p.get('short-summary'))}" for p in told.get("parameters") or ())
                    summaries = (told.get(key) for key in ("short-summary", "long-summary"))
                    examples = told.get("examples") or []
                    lines = (example.get("text") for example in examples)
                    yield command, _flat([*summaries, *options, *lines]), [_flat(e.get("name")) for e in examples]


def _generated_help(source: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield the same of a module that registers a command: its class has a docstring, its options have help."""
    command = re.search(r'@register_command\(\s*"([^"]+)"', source)
    docstring = re.search(r'^class \w+\(AAZ\w*\):\s+r?"""(.*?)"""', source, re.MULTILINE | re.DOTALL)
    if command and docstring:
        summary, *examples = re.split(r"^\s*:example:", docstring[1], flags=re.MULTILINE)
        options = re.findall(r'options=\[.*?"([^"]+)"\],\s+(?:arg_group=.*\s+)?help="(.*)",$', source, re.MULTILINE)
        told = (f"{option}: {text}" for option, text in options)
        titled = [example.partition("\n") for example in examples]
        yield command[1], _flat([summary, *told, *(lines for *_, lines in titled)]), [_flat(t) for t, *_ in titled]


def ansible(wheel: ZipFile) -> Iterator[Article]:
    """Yield modules of Ansible: long articles, description and all options; asked are the names of example tasks."""
    for path in sorted(wheel.namelist()):
        place = re.fullmatch(r"ansible_collections/(\w+)/(\w+)/plugins/modules/(?:\w+/)*(\w+)\.py", path)
        if place and place[1] in _ANSIBLE:
            source = wheel.read(path).decode("utf-8")
            told, examples = (_yaml_block(source, name) for name in ("DOCUMENTATION", "EXAMPLES"))
            if told and "deprecated" not in told:
                tasks = [task for task in examples or () if isinstance(task, Mapping)]
                asked = (_flat(task["name"]) for task in tasks if _runs(task, place[3]))
                text = _flat([told.get("description"), *_options(told.get("options") or {})])
                title = f"{place[3].replace('_', ' ')}: {_flat(told['short_description'])}"
                yield Article(".".join(place.groups()), title, _unmarked(text), tuple(map(_unmarked, asked)))


def _yaml_block(source: str, name: str) -> Any:
    """Return what the YAML in the string ``name`` of a module says; None if there is none or it is broken."""
    found = re.search(rf"^{name} = r?(\"\"\"|''')(.*?)\1", source, re.MULTILINE | re.DOTALL)
    try:
        return yaml.load(found[2], yaml.CSafeLoader) if found else None
    except yaml.YAMLError:
        return None


def _runs(task: Mapping[str, Any], module: str) -> bool:
    return bool(task.get("name")) and any(str(key).split(".")[-1] == module for key in task)


def _options(options: Mapping[str, Any]) -> Iterator[str]:
    for name, option in options.items():
        yield f"{name}: {_flat(option.get('description'))}"
        yield from _options(option.get("suboptions") or {})


def _unmarked(text: str) -> str:
    """Return ``text`` without Ansible's marks: "Set O(state=absent), see L(docs,url)" is "Set state=absent, see docs"."""
    return re.sub(r"\b[A-Z]+\(([^),]*)[^)]*\)", r"\1", text)


def _flat(text: Any) -> str:
    """Return text, or texts in lists, as one line."""
    if isinstance(text, list):
        return " ".join(filter(None, map(_flat, text)))
    return " ".join(str(text or "").split())
