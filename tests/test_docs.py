"""What the documents name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "benchmarks/README.md"])
def test_every_file_that_is_named_exists(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:tutorial_lib|tests|benchmarks|notebooks|data|docs|docker)/[\w./-]*)`", text))
    named |= {link for link in re.findall(r"\]\(([\w./-]+)\)", text) if not link.startswith("http")}
    named -= {"notebooks/NN_name.ipynb", "notebooks/solutions/NN_name.ipynb"}  # a chapter to be written
    places = (ROOT, (ROOT / document).parent)
    missing = [name for name in sorted(named) if not any((place / name).exists() for place in places)]
    assert missing == []


def test_every_module_has_its_place_in_the_layers():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    house = text[text.index("## The house") : text.index("| to change |")]
    modules = {p.stem for p in (ROOT / "tutorial_lib").iterdir() if not p.name.startswith("_") and p.suffix in (".py", "")}
    assert sorted(m for m in modules if m not in house) == []


def test_every_module_of_the_package_has_a_test_file():
    missing = [
        str(module.relative_to(ROOT))
        for module in sorted((ROOT / "tutorial_lib").rglob("*.py"))
        if not module.name.startswith("_")
        and not (ROOT / "tests" / module.relative_to(ROOT / "tutorial_lib").with_name(f"test_{module.name}")).exists()
    ]
    assert missing == []
