"""Draw chapter 8's picture of a prompt's budget, filled by keyword search and by the tuned model, from their runs.

    python docs/img/filling_a_budget.py --workspace workspace/support_desk

It takes a workspace in which ``runs`` are made (chapter 0), and writes ``docs/img/filling_a_budget.svg``.
"""

from __future__ import annotations

import argparse
import textwrap
from html import escape
from pathlib import Path

from tutorial_lib import Workspace
from tutorial_lib.data.support_desk_files import SUPPORT_DESK_ANSWERS
from tutorial_lib.files import write_text
from tutorial_lib.rag import ContextSettings, TokenCounter, fill_context, read_facts
from tutorial_lib.rag.facts import facts_in

BUDGET = 1000
LEFT, SCALE = 20, 0.76  # pixels: where 0 tokens are, and one token
GREY, BLUE, GREEN, RED = "#444444", "#4c78a8", "#3b7a33", "#c0392b"
FILLS = {True: ("#e9f4e8", "#54a24b"), False: ("#f2f2f2", "#999999")}
NAMES = {"bm25": "Keyword search (BM25)", "tuned": "The tuned model"}
HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 {h}" width="960" height="{h}" role="img" font-family="{f}">'


def text(
    x: float, y: float, said: str, *, fill: str = GREY, size: int = 13, bold: bool = False, anchor: str = "start"
) -> str:
    """Return a line of text."""
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" fill="{fill}" font-size="{size}"{weight} text-anchor="{anchor}">{escape(said)}</text>'
    )


def box(start: int, tokens: int, y: int, title: str, *, answers: bool, shown: bool) -> list[str]:
    """Return an article as a box as wide as its tokens; one that does not fit is dashed."""
    x, width = LEFT + SCALE * start, SCALE * tokens - 3
    fill, stroke = FILLS[answers]
    dashes = "" if shown else ' stroke-dasharray="5 4"'
    drawn = [
        f'<rect x="{x:.0f}" y="{y}" width="{width:.0f}" height="78" rx="5" fill="{fill if shown else "white"}" '
        f'stroke="{stroke}" stroke-width="1.5"{dashes}/>'
    ]
    colour = GREEN if answers else GREY
    left = x + 9 if shown else max(x, LEFT + SCALE * BUDGET) + 9  # not across the budget's line
    for n, line in enumerate(textwrap.wrap(title, 21 if shown else 16)[:3]):
        drawn.append(text(left, y + 20 + 16 * n, line, fill=colour, bold=answers))
    drawn.append(text(left, y + 70, f"{tokens} tokens" if shown else "does not fit", fill=colour, size=12))
    return drawn


def row(space: Workspace, system: str, query: str, y: int) -> tuple[list[str], str]:
    """Return a filled budget as drawn, and a sentence that says the same."""
    dataset, count = space.dataset(), TokenCounter.load()
    facts = read_facts(SUPPORT_DESK_ANSWERS, dataset)[query]
    found, texts = space.runs()[system][query], dataset.document_texts()
    parts = fill_context(found, texts, ContextSettings(BUDGET), count).parts
    drawn, start, held = [text(LEFT, y - 12, NAMES[system], size=15, bold=True)], 0, []
    for part in parts:
        held.append(all(facts_in(part.text, facts)))
        drawn += box(start, part.tokens, y, dataset.corpus[part.part_id].title, answers=held[-1], shown=True)
        start += part.tokens
    after = list(found)[len(parts)]
    drawn += box(start, count(texts[after]), y, dataset.corpus[after].title, answers=False, shown=False)
    if any(held):
        needed = sum(part.tokens for part in parts[: held.index(True) + 1])
        said, colour = f"All of it stands in the first {needed} tokens.", GREEN
    else:
        said, colour = f"{len(parts)} articles on the topic, {start} tokens, and no answer in them.", RED
    return [*drawn, text(LEFT, y + 98, said, fill=colour, bold=True)], f"{NAMES[system]}: {said}"


def drawing(space: Workspace) -> str:
    """Return the picture as SVG."""
    dataset = space.dataset()
    query, facts = next(iter(read_facts(SUPPORT_DESK_ANSWERS, dataset).items()))
    asked = f"Question: {dataset.queries[query].text}"
    wanted = "An answer must say: " + ", and ".join(fact[0] for fact in facts)
    (above, first), (below, second) = row(space, "bm25", query, 126), row(space, "tuned", query, 282)
    end = LEFT + SCALE * BUDGET
    title = f"A budget of {BUDGET:,} tokens, filled by two rankings of the same articles"
    return "\n".join(
        [
            HEAD.format(h=396, f="DejaVu Sans, Arial, sans-serif"),
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(f'{asked}. {wanted}. {first} {second}')}</desc>",
            '<rect width="960" height="396" rx="8" fill="white"/>',
            text(LEFT, 32, asked, fill=BLUE, size=16, bold=True),
            text(LEFT, 56, wanted),
            text(end, 76, f"the budget: {BUDGET:,} tokens", fill=RED, bold=True, anchor="middle"),
            *above,
            *below,
            f'<line x1="{end:.0f}" y1="84" x2="{end:.0f}" y2="384" stroke="{RED}" stroke-width="2" stroke-dasharray="7 4"/>',
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", default="workspace/support_desk")
    folder = parser.parse_args().workspace
    write_text(Path(__file__).with_suffix(".svg"), drawing(Workspace(folder, "support_desk")))
