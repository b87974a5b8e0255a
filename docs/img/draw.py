"""Draws the course's pictures of ideas: ``python docs/img/draw.py`` writes them beside this file as SVG."""

from __future__ import annotations

from pathlib import Path

from search import kinds_of_negatives, text_to_vector, two_encoders, versions_and_alias
from service import flywheel, serving, the_loop
from training import batch_as_matrix, lora_update

DRAWINGS = (
    the_loop, text_to_vector, two_encoders, kinds_of_negatives, batch_as_matrix, lora_update, versions_and_alias, serving,
    flywheel,
)  # fmt: skip


def main() -> None:
    """Draw them all."""
    for draw in DRAWINGS:
        draw().save(Path(__file__).with_name(f"{draw.__name__}.svg"))


if __name__ == "__main__":
    main()
