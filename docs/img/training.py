"""Drawings of how training works: a batch as a matrix, and what an adapter adds to a layer."""

from __future__ import annotations

from shapes import WIDTH, Drawing

QUERIES = 5
CELL = 46


def batch_as_matrix() -> Drawing:
    """Chapter 04: which cell of a batch pulls, which pushes, and which does not count."""
    d = Drawing(
        454,
        "One batch as a matrix: a row a query, a column an article",
        "The diagonal holds each query's own article and is pulled up. All other articles of the batch are pushed away, the "
        "mined hard negatives of all queries among them. Two cells are masked: another right answer, and a near-duplicate of "
        "the answer; they are left out of the softmax of their row.",
    )
    d.say(WIDTH / 2, 28, "One batch as a matrix of cosines", size=15, bold=True)
    x0, y0 = 120, 92
    mined = x0 + QUERIES * CELL + 16
    d.say(x0 + QUERIES * CELL / 2, 56, "the pairs' own articles", "article", bold=True)
    d.say(mined + QUERIES * CELL / 2, 56, "one mined negative a pair", "wrong", bold=True)
    masked = {(1, 3), (2, QUERIES + 4)}
    for row in range(QUERIES):
        y = y0 + row * CELL
        d.say(x0 - 12, y + 28, f"query {row + 1}", "query", anchor="end")
        for column in range(2 * QUERIES):
            x = x0 + column * CELL if column < QUERIES else mined + (column - QUERIES) * CELL
            if row == 0:
                name = f"a{column + 1}" if column < QUERIES else f"n{column - QUERIES + 1}"
                d.say(x + CELL / 2, 82, name, "article" if column < QUERIES else "wrong")
            _cell(d, x, y, row, column, masked=(row, column) in masked)
    for n, (role, sign, words) in enumerate(
        (
            ("article", "+", "the pair's own article: pulled"),
            ("wrong", "−", "its mined hard negative: pushed, hard"),
            ("panel", "−", "somebody else's article: pushed, mostly easy"),
            ("quiet", "×", "masked, left out of the softmax: another right answer (a4)"),
        )
    ):
        y = 344 + n * 23
        d.box(120, y - 14, 18, 18, role, round_=3)
        d.say(129, y, sign, role, bold=True)
        d.say(148, y, words, anchor="start")
    d.say(148, 431, "or a near-duplicate of the right one (n5)", anchor="start")
    _softmax(d, mined + QUERIES * CELL + 20, y0)
    return d


def _cell(d: Drawing, x: float, y: float, row: int, column: int, *, masked: bool) -> None:
    """Draw one cell: a query's row, an article's column."""
    role = "quiet" if masked else "article" if column == row else "wrong" if column == row + QUERIES else "panel"
    d.box(x + 1, y + 1, CELL - 3, CELL - 3, role, round_=4)
    d.say(x + CELL / 2, y + 29, "×" if masked else "+" if column == row else "−", role, size=16, bold=role != "panel")


def _softmax(d: Drawing, x: float, y: float) -> None:
    """Draw, at the right of the matrix, what becomes of a row."""
    d.say(x + 4, y - 10, "the loss of a row", anchor="start", bold=True)
    lines = (
        "divide by the temperature,",
        "softmax over what is not",
        "masked: that gives shares.",
        "Loss: −log of the share",
        "that the + cell has.",
    )
    for n, line in enumerate(lines):
        d.say(x + 4, y + 16 + 20 * n, line, anchor="start")
    for n, line in enumerate(("An article that comes twice", "has one column.")):
        d.say(x + 4, y + 136 + 20 * n, line, "quiet", anchor="start")


def lora_update() -> Drawing:
    """Chapter 04: a frozen matrix and a thin correction beside it, merged when training is done."""
    d = Drawing(
        352,
        "What LoRA learns: a thin correction beside a frozen matrix",
        "The input goes through the frozen matrix W and, beside it, through the thin matrices A and B; the two outputs are "
        "added, the second multiplied by alpha over r. After training the product is added into W.",
    )
    d.say(WIDTH / 2, 28, "One linear layer of 384 × 384 with an adapter of rank 32", size=15, bold=True)
    d.labelled(20, 150, 90, 40, "query", "input x")
    d.arrow((110, 160), (160, 130), role="query")
    d.arrow((110, 180), (160, 224), role="query")
    d.box(165, 56, 150, 130, "quiet")
    d.say(240, 112, "W", "quiet", size=22, bold=True)
    d.say(240, 134, "frozen", "quiet")
    d.say(240, 154, "147,456 numbers", "quiet", size=12)
    d.box(165, 218, 150, 16, "model", round_=3)
    d.say(240, 252, "A: 32 × 384", "model", bold=True)
    d.say(240, 270, "starts at random", "model", size=12)
    d.arrow((315, 226), (352, 226), role="model")
    d.box(356, 204, 16, 130, "model", round_=3)
    d.say(384, 262, "B: 384 × 32", "model", anchor="start", bold=True)
    d.say(384, 280, "starts at zero: at first", "model", anchor="start", size=12)
    d.say(384, 296, "nothing changes", "model", anchor="start", size=12)
    d.say(384, 320, "A and B: 24,576 numbers", "model", anchor="start", size=12)
    d.arrow((315, 121), (500, 150), role="quiet")
    d.arrow((374, 222), (500, 180), role="model")
    d.say(440, 216, "× α / r", "model", size=14, bold=True, anchor="start")
    d.labelled(505, 145, 40, 40, "panel", "+", size=20, bold=True)
    d.box(600, 56, 240, 218, "panel")
    d.say(720, 84, "during training", bold=True)
    d.say(720, 106, "W x + (α / r) · B A x", mono=True)
    d.say(720, 128, "α = 64, r = 32: times 2", "model", size=12)
    d.line((620, 146), (820, 146), role="quiet")
    d.say(720, 172, "afterwards, merged", bold=True)
    d.say(720, 194, "W′ = W + (α / r) · B A", mono=True)
    d.say(720, 216, "one matrix again:", size=12)
    d.say(720, 233, "as fast as the base model", size=12)
    d.say(720, 258, "(dev may keep a share of it)", "quiet", size=12)
    d.arrow((545, 165), (596, 165))
    return d
