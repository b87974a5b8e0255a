"""What the course's drawings are made of: boxes, words and arrows in a few roles, each in light and dark."""

from __future__ import annotations

from html import escape
from pathlib import Path

WIDTH = 860
"""Of every drawing, in pixels: a notebook and a README show it at 100 %."""

LIGHT = {  # role -> fill, stroke, words
    "paper": ("#ffffff", "#d0d0d0", "#333333"),
    "panel": ("#f7f7f8", "#c8c8cc", "#333333"),
    "query": ("#e8eff7", "#4c78a8", "#2b5582"),
    "article": ("#e9f4e8", "#54a24b", "#2c6b26"),
    "wrong": ("#fbeaea", "#e45756", "#a82a29"),
    "model": ("#fdf3e1", "#d39a2d", "#7d5200"),
    "quiet": ("#ececee", "#a0a0a6", "#5c5c62"),
}
DARK = {
    "paper": ("#1d1e22", "#4a4b52", "#e2e2e4"),
    "panel": ("#27282d", "#55565e", "#e2e2e4"),
    "query": ("#22374f", "#6f9fd4", "#b5d3f2"),
    "article": ("#213b22", "#6dbb63", "#b4e2ae"),
    "wrong": ("#4a2424", "#ee7b7a", "#f7b6b5"),
    "model": ("#433213", "#d9a74a", "#f0cf90"),
    "quiet": ("#36373d", "#7c7d85", "#b9b9c0"),
}


def _rules(colours: dict[str, tuple[str, str, str]]) -> str:
    """Return one line of CSS a role: a shape's fill and stroke, a word's fill, a line's stroke, an arrowhead's fill."""
    return "\n".join(
        f".{role}{{fill:{fill};stroke:{stroke}}} .{role}-word{{fill:{words}}} .{role}-line{{stroke:{words}}} "
        f".{role}-tip{{fill:{words}}}"
        for role, (fill, stroke, words) in colours.items()
    )


class Drawing:
    """A drawing of ``WIDTH`` by ``height`` pixels; (0, 0) is its upper left corner.

    Attributes:
        parts: SVG elements, those drawn later on top.
    """

    def __init__(self, height: int, title: str, description: str) -> None:
        self.height, self.title, self.description = height, title, description
        self.parts: list[str] = []

    def box(self, x: float, y: float, width: float, height: float, role: str, *, more: str = "", round_: int = 6) -> None:
        """Draw a rectangle with round corners; ``more`` is further attributes, of a dashed border say."""
        self.parts.append(
            f'<rect class="{role}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{round_}" '
            f'stroke-width="1.5" {more}/>'
        )

    def say(
        self, x: float, y: float, words: str, role: str = "paper", *, size: int = 13, bold: bool = False,
        anchor: str = "middle", mono: bool = False,
    ) -> None:  # fmt: skip
        """Write a line of words on the baseline ``y``; ``anchor`` is start, middle or end."""
        style = f'class="{role}-word" font-size="{size}" text-anchor="{anchor}"'
        style += ' font-weight="bold"' * bold + ' font-family="DejaVu Sans Mono, Menlo, Consolas, monospace"' * mono
        self.parts.append(f'<text x="{x:g}" y="{y:g}" {style}>{escape(words)}</text>')

    def labelled(
        self, x: float, y: float, width: float, height: float, role: str, *lines: str, size: int = 13, bold: bool = False
    ) -> None:
        """Draw a box with lines in its middle, the first of them bold if there are several (or ``bold`` says so)."""
        self.box(x, y, width, height, role)
        step = size + 5
        top = y + height / 2 - step * (len(lines) - 1) / 2 + size * 0.36
        for n, line in enumerate(lines):
            first = n == 0 and (bold or len(lines) > 1)
            self.say(x + width / 2, top + n * step, line, role, size=size, bold=first)

    def arrow(self, *points: tuple[float, float], role: str = "paper", dashed: bool = False, width: float = 1.8) -> None:
        """Draw a line through ``points`` with an arrowhead at the last."""
        path = "M " + " L ".join(f"{x:g} {y:g}" for x, y in points)
        dash = ' stroke-dasharray="5 4"' * dashed
        self.parts.append(
            f'<path class="{role}-line" d="{path}" fill="none" stroke-width="{width}"{dash} marker-end="url(#{role}-tip)"/>'
        )

    def line(self, *points: tuple[float, float], role: str = "paper", dashed: bool = False, width: float = 1.5) -> None:
        """Draw a line through ``points``."""
        path = "M " + " L ".join(f"{x:g} {y:g}" for x, y in points)
        dash = ' stroke-dasharray="5 4"' * dashed
        self.parts.append(f'<path class="{role}-line" d="{path}" fill="none" stroke-width="{width}"{dash}/>')

    def dot(self, x: float, y: float, role: str, radius: float = 7) -> None:
        """Draw a disc."""
        self.parts.append(f'<circle class="{role}" cx="{x:g}" cy="{y:g}" r="{radius:g}" stroke-width="2"/>')

    def svg(self) -> str:
        """Return the drawing as the text of an SVG file."""
        tips = "".join(
            f'<marker id="{role}-tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path class="{role}-tip" d="M 0 0 L 10 5 L 0 10 z"/></marker>'
            for role in LIGHT
        )
        dark = f"@media (prefers-color-scheme: dark) {{\n{_rules(DARK)}\n}}"
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" width="{WIDTH}" '
                f'height="{self.height}" role="img" aria-labelledby="title desc" '
                'font-family="DejaVu Sans, Arial, sans-serif">',
                f'<title id="title">{escape(self.title)}</title>',
                f'<desc id="desc">{escape(self.description)}</desc>',
                f"<style>\n{_rules(LIGHT)}\n{dark}\n</style>",
                f"<defs>{tips}</defs>",
                f'<rect class="paper" x="0.5" y="0.5" width="{WIDTH - 1}" height="{self.height - 1}" rx="8"/>',
                *self.parts,
                "</svg>\n",
            ]
        )

    def save(self, path: Path) -> None:
        """Write the drawing to ``path``."""
        path.write_text(self.svg(), encoding="utf-8", newline="\n")
