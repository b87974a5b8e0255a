"""Drawings of how search works: vectors, how they are compared, what can go wrong among them, versions of an index."""

from __future__ import annotations

from shapes import WIDTH, Drawing


def text_to_vector() -> Drawing:
    """Chapter 02: tokens, a vector a token, their mean, unit length."""
    d = Drawing(
        300,
        "From a text to its vector",
        "The query is cut into seven tokens, six layers give each token a vector of 384 numbers, the vectors are averaged, "
        "and the average is scaled to length one.",
    )
    d.say(WIDTH / 2, 28, "From a text to its vector (all-MiniLM-L6-v2)", size=15, bold=True)
    steps = ((66, "the text"), (106, "tokens"), (158, "the encoder"), (212, "a vector a token"), (262, "one vector"))
    for y, name in steps:
        d.say(20, y, name, "quiet", anchor="start")
    d.labelled(170, 48, 520, 28, "query", "refund for annual plan")
    tokens = ("[CLS]", "ref", "##und", "for", "annual", "plan", "[SEP]")
    for n, token in enumerate(tokens):
        x = 170 + n * 75
        d.labelled(x, 90, 70, 26, "quiet" if token.startswith("[") else "query", token)
        d.arrow((x + 35, 116), (x + 35, 136))
        d.arrow((x + 35, 170), (x + 35, 188))
        d.labelled(x, 190, 70, 30, "query", "384")
        d.line((x + 35, 220), (x + 35, 230), role="query")
    d.labelled(170, 138, 520, 32, "model", "6 layers: each token looks at all the others")
    d.line((205, 230), (655, 230), role="query")
    d.arrow((430, 230), (430, 246), role="query")
    d.labelled(300, 248, 260, 30, "query", "384 numbers, unit length", bold=True)
    d.say(575, 268, "their mean, scaled to length 1", "quiet", anchor="start")
    return d


def two_encoders() -> Drawing:
    """Chapter 02: articles are encoded once, a query when it is asked; a dot product a pair."""
    d = Drawing(
        340,
        "Search: one model reads both sides apart, a dot product compares them",
        "Articles are encoded once, beforehand, and their vectors kept. A query is encoded when it is asked. Its dot product "
        "with each article's vector is the cosine, and the articles are sorted by it.",
    )
    d.say(WIDTH / 2, 28, "The same model, twice", size=15, bold=True)
    d.say(150, 56, "beforehand, once", "quiet")
    d.labelled(20, 68, 260, 32, "article", "every article of the corpus")
    d.arrow((150, 100), (150, 120), role="article")
    d.labelled(60, 122, 180, 34, "model", "encoder", bold=True)
    d.arrow((150, 156), (150, 176), role="article")
    for n in range(5):
        d.box(40, 180 + n * 24, 220, 18, "article", round_=3)
        d.say(150, 194 + n * 24, f"vector of article {n + 1}", "article", size=12)
    d.say(150, 316, "… kept in base_vectors/", "quiet", size=12)
    d.say(445, 56, "when somebody asks", "quiet")
    d.labelled(340, 68, 210, 32, "query", "refund for annual plan")
    d.arrow((445, 100), (445, 120), role="query")
    d.labelled(355, 122, 180, 34, "model", "encoder", bold=True)
    d.arrow((445, 156), (445, 219), role="query")
    d.box(370, 221, 150, 22, "query", round_=3)
    d.say(445, 236, "the query's vector", "query", size=12)
    d.line((265, 232), (365, 232), role="wrong", width=2.5)
    d.say(315, 223, "dot product", "wrong", size=12)
    d.say(315, 250, "= cosine", "wrong", size=12)
    d.arrow((525, 232), (590, 232))
    d.say(720, 56, "the ranking: sorted by cosine", "quiet")
    for n, (article, cosine) in enumerate(((4, 130), (1, 118), (5, 74), (2, 52), (3, 20))):
        y = 128 + n * 42
        d.say(600, y + 20, str(n + 1), "quiet", anchor="end")
        d.labelled(610, y, 80, 30, "article", f"article {article}")
        d.box(700, y + 7, cosine, 16, "wrong", round_=2)
    return d


def kinds_of_negatives() -> Drawing:
    """Chapter 03: what lies near a query, and what becomes of each kind."""
    d = Drawing(
        430,
        "Kinds of negatives: how close they lie to the query, and what becomes of them",
        "Around a query lie its recorded answer, a near-duplicate of it, an answer nobody recorded, hard negatives and, far "
        "away, the articles of other queries. Beside it, what the course does with each.",
    )
    d.say(200, 28, "As the untrained model sees it", size=15, bold=True)
    d.box(20, 42, 360, 370, "panel")
    d.parts.append('<circle class="paper" cx="200" cy="232" r="150" stroke-width="1" stroke-dasharray="3 4"/>')
    d.say(200, 108, "close", "quiet", size=12)
    d.dot(170, 235, "query", 9)
    d.say(170, 262, "query", "query", bold=True)
    d.dot(205, 188, "article", 9)
    d.say(219, 186, "its answer", "article", anchor="start", bold=True)
    d.dot(222, 212, "quiet")
    d.say(235, 217, "near-duplicate", "quiet", anchor="start", size=12)
    d.dot(122, 192, "model")
    d.say(116, 160, "an answer", "model", size=12)
    d.say(116, 176, "nobody recorded", "model", size=12)
    for x, y in ((215, 290), (112, 290), (248, 250)):
        d.dot(x, y, "wrong")
    d.say(170, 326, "hard negatives", "wrong", bold=True)
    for x, y in ((45, 75), (350, 72), (352, 385), (48, 388), (300, 66), (95, 62)):
        d.dot(x, y, "panel")
    d.say(200, 66, "answers to others", size=12)
    d.say(200, 402, "far", "quiet", size=12)
    rows = (
        ("wrong", "hard negative", ("on the topic, not the answer: BM25 finds it.", "Kept: four a query. It teaches most.")),
        ("panel", "in-batch negative", ("the answer of another query, as good as random.", "Free, and mostly too easy.")),
        (
            "model", "likely false negative",
            ("BM25 and the base model both score it above", "the recorded answer: perhaps it answers. Dropped."),
        ),
        ("quiet", "near-duplicate", ("says nearly what the answer says. Never mined,", "and masked in the batch.")),
        ("article", "the recorded answer", ("what training pulls the query towards.",)),
    )  # fmt: skip
    d.say(630, 28, "What becomes of it", size=15, bold=True)
    for n, (role, name, lines) in enumerate(rows):
        y = 46 + n * 75
        d.box(400, y, 440, 66, "panel")
        d.dot(420, y + 20, role)
        d.say(438, y + 25, name, "paper" if role == "panel" else role, anchor="start", bold=True)
        for m, line in enumerate(lines):
            d.say(438, y + 43 + 16 * m, line, anchor="start", size=12)
    return d


def versions_and_alias() -> Drawing:
    """Chapter 05: a new version is built beside the old one, checked, and an alias moves."""
    d = Drawing(
        330,
        "Versions of an index behind an alias",
        "Three moments. First readers reach version 1 through the alias. Then version 2 is built beside it and verified, "
        "while version 1 answers. Then the alias points to version 2, and version 1 stays for a rollback.",
    )
    moments = ("1  before", "2  build beside, verify", "3  switch: the alias moves")
    for n, moment in enumerate(moments):
        x = 15 + n * 280
        d.box(x, 12, 270, 304, "panel")
        d.say(x + 135, 36, moment, bold=True, size=14)
        d.labelled(x + 85, 52, 100, 28, "query", "searches")
        d.arrow((x + 135, 80), (x + 135, 98), role="query")
        d.labelled(x + 60, 100, 150, 30, "model", "alias: articles", bold=True)
        old = "article" if n < 2 else "quiet"
        d.labelled(x + 15, 190, 112, 62, old, "articles_v1", "base model", size=12)
        target = x + 71 if n < 2 else x + 199
        d.arrow((x + 135, 130), (target, 188), role="model", width=2.4)
    d.box(295 + 143, 190, 112, 62, "paper", more='stroke-dasharray="5 4"')
    d.say(295 + 199, 216, "articles_v2", bold=True, size=12)
    d.say(295 + 199, 234, "tuned model", size=12)
    d.labelled(575 + 143, 190, 112, 62, "article", "articles_v2", "tuned model", size=12)
    d.arrow((575 + 108, 133), (575 + 68, 187), role="quiet", dashed=True)
    d.say(575 + 12, 165, "rollback", "quiet", anchor="start", size=12)
    notes = (
        ("each version notes whose", "vectors it holds"),
        ("all rows there? recall@10", "against exact search ≥ 0.99?"),
        ("no query waits;", "the old version stays"),
    )
    for n, lines in enumerate(notes):
        for m, line in enumerate(lines):
            d.say(150 + n * 280, 278 + 18 * m, line, "quiet", size=12)
    return d
