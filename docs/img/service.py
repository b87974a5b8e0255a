"""Drawings of the whole: the loop of the course, the search service, and the wheel that keeps it good."""

from __future__ import annotations

from shapes import WIDTH, Drawing


def the_loop() -> Drawing:
    """Chapter 00 and README: the chapters as stages of one loop."""
    d = Drawing(
        350,
        "The loop of this course",
        "Past tickets, searches and documentation become pairs (chapter 01); a baseline is measured (02), hard negatives are "
        "mined (03), an adapter is trained (04), articles are indexed again (05), and held-out queries decide on shipping "
        "(06). The model is then used, and what customers ask next begins the loop again.",
    )
    width, height, top, bottom = 188, 96, 46, 228
    at = [18 + n * 212 for n in range(4)]
    d.say(WIDTH / 2, 28, "From what customers asked to search that knows the house words", size=15, bold=True)
    upper = (
        ("panel", "What you have", "tickets, searches, docs", ""),
        ("query", "01 Collect pairs", "query → its answer", "dataset/"),
        ("article", "02 Measure baseline", "the figure to beat", "base_vectors/"),
        ("wrong", "03 Mine hard negatives", "near misses that fool it", "negatives/"),
    )
    lower = (
        ("panel", "Use it", "07 rerank, 08 prompts", "09 serve, 10 scale out"),
        ("article", "06 Compare", "ship, or not?", "report/"),
        ("query", "05 Reindex", "new vectors, old kept", "index/"),
        ("model", "04 Fine-tune", "a thin LoRA adapter", "adapter/, model/"),
    )
    for y, boxes in ((top, upper), (bottom, lower)):
        for x, (role, name, does, leaves) in zip(at, boxes, strict=True):
            d.box(x, y, width, height, role)
            d.say(x + width / 2, y + 30, name, role, bold=True)
            d.say(x + width / 2, y + 54, does, role, size=12)
            if leaves:
                d.say(x + width / 2, y + 78, leaves, role, size=12, mono="/" in leaves)
    for n in range(3):
        d.arrow((at[n] + width, top + height / 2), (at[n + 1] - 2, top + height / 2))
        d.arrow((at[n + 1], bottom + height / 2), (at[n] + width + 2, bottom + height / 2))
    d.arrow((at[3] + width / 2, top + height), (at[3] + width / 2, bottom - 2))
    d.arrow((at[0] + width / 2, bottom), (at[0] + width / 2, top + height + 2))
    d.say(at[0] + width / 2 + 10, 182, "new tickets, searches: 11 watches", "paper", size=12, anchor="start")
    d.arrow((at[1] + width - 30, top + height), (at[1] + width - 30, bottom - 2), role="quiet", dashed=True)
    d.say(at[1] + width - 20, 176, "test queries: never trained on,", "quiet", size=12, anchor="start")
    d.say(at[1] + width - 20, 194, "nothing is chosen by them", "quiet", size=12, anchor="start")
    return d


def serving() -> Drawing:
    """Chapter 09: what happens to a search between a customer and the index."""
    d = Drawing(
        330,
        "The search service",
        "A request passes the guards, waits in a queue, is encoded together with others by the model whose vectors are live, "
        "and searches the version that the alias points to. Meanwhile reindex builds the next version; searches and clicks "
        "are recorded.",
    )
    d.say(WIDTH / 2, 28, "A search, from the customer to the index and back", size=15, bold=True)
    d.labelled(15, 84, 108, 60, "query", "customer", "POST /search", size=12)
    d.box(150, 48, 440, 132, "panel")
    d.say(370, 70, "the service", bold=True)
    boxes = (("guards", "key, size, time"), ("queue", "full: 429"), ("encoder", "a batch a time"))
    for n, (name, does) in enumerate(boxes):
        d.labelled(166 + n * 140, 86, 122, 60, "model" if name == "encoder" else "quiet", name, does, size=12)
    for n in range(2):
        d.arrow((288 + n * 140, 116), (304 + n * 140, 116))
    d.say(508, 167, "old and new model", "model", size=12)
    d.arrow((123, 114), (164, 114), role="query")
    d.arrow((568, 116), (618, 116), role="query")
    d.labelled(622, 92, 104, 48, "model", "alias", "articles", size=12)
    d.arrow((726, 110), (752, 90), role="model", width=2.4)
    d.labelled(754, 60, 92, 46, "article", "v2", "live", size=12)
    d.labelled(754, 126, 92, 46, "quiet", "v1", "kept", size=12)
    d.arrow((370, 180), (370, 218))
    d.labelled(280, 220, 180, 60, "article", "events, by day", "what was asked, clicked", size=12)
    d.labelled(622, 220, 224, 60, "article", "reindex", "build, verify, switch the alias", size=12)
    d.arrow((674, 220), (674, 142), role="article", dashed=True)
    d.labelled(15, 220, 180, 60, "quiet", "/healthz  /readyz", "/metrics", size=12)
    d.arrow((195, 240), (240, 182), role="quiet", dashed=True)
    d.say(
        WIDTH / 2,
        312,
        "While the alias moves, the service holds both models: every search is answered by one of them, none fails.",
        size=12,
    )
    return d


def flywheel() -> Drawing:
    """Chapter 11: how a service gets better from its own log."""
    d = Drawing(
        360,
        "The flywheel: a service that gets better from its own log",
        "Served searches are recorded; a watch looks at them each week and says fine, look or retrain; retraining makes new "
        "pairs from the log and keeps old ones; a candidate must be better on new queries and not worse on old ones; then "
        "the alias moves and the service goes on.",
    )
    d.say(WIDTH / 2, 28, "A service that gets better from its own log", size=15, bold=True)
    d.labelled(30, 60, 200, 84, "query", "serve", "search, click, ticket", "are written down")
    d.labelled(330, 60, 200, 84, "panel", "watch", "each week: what is new,", "what goes wrong?")
    d.labelled(630, 60, 200, 84, "wrong", "clean the log", "new pairs, by the", "same steps as ever")
    d.labelled(630, 230, 200, 84, "model", "retrain", "old pairs and new,", "split by time")
    d.labelled(330, 230, 200, 84, "article", "compare", "better on the new,", "not worse on the old?")
    d.labelled(30, 230, 200, 84, "article", "switch", "the alias moves;", "the way back stays")
    d.arrow((230, 102), (328, 102))
    d.arrow((530, 102), (628, 102))
    d.say(579, 92, "retrain", "wrong", size=12)
    d.arrow((730, 144), (730, 228))
    d.arrow((630, 272), (532, 272))
    d.arrow((330, 272), (232, 272))
    d.say(281, 262, "yes", "article", size=12)
    d.arrow((130, 230), (130, 146))
    d.arrow((400, 144), (400, 180), (180, 180), (180, 146), role="quiet", dashed=True)
    d.say(290, 174, "fine: go on", "quiet", size=12)
    d.arrow((460, 230), (460, 206), (155, 206), (155, 146), role="quiet", dashed=True)
    d.say(300, 222, "no: the live model stays", "quiet", size=12)
    d.say(WIDTH / 2, 342, "Clicks only confirm what was shown: judged queries, not clicks, decide.", "quiet", size=12)
    return d
