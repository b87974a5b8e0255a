"""What the documents name is there."""

import json
import re
import statistics
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.ranks import gains, mean_ranks
from tutorial_lib.data.support_desk_files import SUPPORT_DESK_ANSWERS

ROOT = Path(__file__).resolve().parent.parent


PAGES = sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "benchmarks/README.md", *PAGES])
def test_every_file_that_is_named_exists(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:tutorial_lib|tests|benchmarks|notebooks|data|docs|docker)/[\w./-]*)`", text))
    named |= {link for link in re.findall(r"\]\(([\w./-]+)\)", text) if not link.startswith("http")}
    named |= set(re.findall(r"^\[\w+\]: ([\w./-]+)$", text, flags=re.MULTILINE))
    named -= {"notebooks/NN_name.ipynb", "notebooks/solutions/NN_name.ipynb"}  # a chapter to be written
    places = (ROOT, (ROOT / document).parent)
    missing = [name for name in sorted(named) if not any((place / name).exists() for place in places)]
    assert missing == []


def headings(page):
    """Return the names by which the headings of a page are linked, as GitHub makes them."""
    words = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [re.sub(r"[^\w -]", "", word.lower()).replace(" ", "-") for word in words]


@pytest.mark.parametrize("document", PAGES)
def test_every_link_to_a_heading_finds_it(document):
    page = ROOT / document
    for target, heading in re.findall(r"\]\(([\w.-]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
        assert heading in headings(page.with_name(target) if target else page), heading


def test_the_glossary_says_each_word_once_in_few_words_and_where_it_is_at_work():
    page = ROOT / "docs" / "glossary.md"
    terms = re.findall(r"^### (.+)\n(.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(terms) > 60 and len(headings(page)) == len(set(headings(page)))
    for term, said in terms:
        assert len(said) < 420, term
        assert re.search(r"\[\d\d\]$", said), f"{term}: name the chapter"


def test_each_of_the_questions_has_its_answer_with_a_place_to_look():
    answers = re.findall(
        r"^### (\d+)\. .+\?\n(.+)$", (ROOT / "docs" / "faq.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert [int(number) for number, _ in answers] == list(range(1, 27))
    assert [number for number, said in answers if not re.search(r"\[\d\d[a-z]?\]|`(tutorial_lib|tests)/", said)] == []


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


def test_the_drawing_of_a_budget_asks_for_the_facts_of_its_question():
    said = (
        ElementTree.parse(ROOT / "docs" / "img" / "filling_a_budget.svg")
        .getroot()
        .find("{http://www.w3.org/2000/svg}desc")
        .text
    )
    first = json.loads(SUPPORT_DESK_ANSWERS.read_text(encoding="utf-8").splitlines()[0])
    assert "An answer must say: " + ", and ".join(fact[0] for fact in first["facts"]) in said


def text_of(document):
    """Return a page without its bold marks, and its words with one blank between them."""
    text = (ROOT / document).read_text(encoding="utf-8").replace("**", "")
    return text, " ".join(text.split())


def record(name):
    return json.loads((ROOT / "benchmarks" / "results" / name).read_text(encoding="utf-8"))


def test_readme_shows_what_the_course_printed():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = next(b for b in re.findall(r"```\n(.*?)```", text, flags=re.DOTALL) if "nDCG@10" in b)
    systems = record("course_bf16.json")["systems"]
    head, *rows = [re.split(r"\s{2,}", line.strip()) for line in block.splitlines() if line.strip()]
    shown = {row[0]: dict(zip(head, row[1:], strict=True)) for row in rows if len(row) == len(head) + 1}
    assert set(shown) == set(systems)
    assert shown == {name: {m: f"{v[m]:.3f}" for m in head} for name, v in systems.items()}


WAYS = {
    "base model": "base",
    "fused with BM25": "bm25+base",
    "the best without training": "untrained",
    "a matrix on query vectors": "linear queries",
    "LoRA": "lora",
    "full fine-tuning": "full",
    "sentence-transformers' LoRA": "sentence-transformers lora",
}
"""How the rows of docs/benchmarks.md begin, and what the record calls them."""


def seeds(dataset, system):
    rows = [r for r in record("quality.json")["rows"] if (r["dataset"], r["system"]) == (dataset, system)]
    return [r["measures"]["nDCG@10"] for r in rows if not r["train_queries"]]


def test_benchmarks_compare_ways_by_the_mean_of_their_seeds():
    text, _ = text_of("docs/benchmarks.md")
    rows = re.findall(r"^\| ([^|`]+) \| (0\.\d{3}) \| (0\.\d{3}) \| ", text, flags=re.MULTILINE)
    assert len(rows) >= 6
    for name, *shown in rows:
        system = next(way for begin, way in WAYS.items() if name.startswith(begin))
        means = [statistics.mean(seeds(dataset, system)) for dataset in ("aws_docs", "support_desk")]
        assert shown == [f"{mean:.3f}" for mean in means], name


def test_readme_says_what_three_seeds_of_the_help_desk_gave():
    _, text = text_of("README.md")
    low, *_, high = sorted(seeds("support_desk", "lora"))
    mean = statistics.mean(seeds("support_desk", "lora"))
    assert f"between {low:.3f} and {high:.3f}, in the mean {mean:.3f}" in text
    assert f"nDCG@10 is {seeds('support_desk', 'base')[0]:.3f} before" in text


def test_benchmarks_compare_speeds_by_the_records_medians():
    _, text = text_of("docs/benchmarks.md")
    training, encoding = record("training.json"), record("encoding.json")["ratios"]
    peers = ("sentence-transformers", "sentence-transformers bf16")
    speed, chosen, memory, less = (
        [training[f"{kind}_ratio{window}"][peer]["median"] for peer in peers]
        for kind in ("speed", "memory")
        for window in ("", "_at_chosen_window")
    )
    plain, bf16, openvino = (
        encoding[f"ours / {peer}"]["median"] for peer in ("sentence-transformers", "sentence-transformers, bf16", "OpenVINO")
    )
    assert f"| {speed[0]:.1f} times as many | {speed[1]:.1f} times (bf16) |" in text
    assert f"dev chose, {training['window']} tokens | {chosen[0]:.1f} times as many | {chosen[1]:.1f} times (bf16) |" in text
    assert f"| {memory[0]:.2f} and {less[0]:.2f} of its | {memory[1]:.2f} and {less[1]:.2f} of its |" in text
    each, at_once = (record("cross_encoders.json")["speed"][-1][way]["faster"]["clock"]["median"] for way in ("each", "all"))
    assert f"query by query | {each:.1f} times as many | (in float32 on both sides; all queries at once {at_once:.1f}" in text
    without = record("training_float32.json")
    four = [
        without[f"{kind}_ratio{window}"]["sentence-transformers"]["median"]
        for window in ("", "_at_chosen_window")
        for kind in ("speed", "memory")
    ]
    whole, chosen_window = (
        "training is {:.1f} times as fast, in {:.2f} of the memory",
        "that dev chose {:.1f} times, in {:.2f}",
    )
    assert whole.format(*four[:2]) in text and chosen_window.format(*four[2:]) in text
    assert f"| {plain:.1f} times as many | {bf16:.1f} times (bf16); {openvino:.1f} times its OpenVINO backend |" in text


def test_benchmarks_tell_how_much_longer_a_whole_training_takes():
    rows = [r for r in record("quality.json")["rows"] if r["dataset"] == "aws_docs" and not r["train_queries"]]
    ours, theirs = (
        {r["seed"]: r["seconds"] for r in rows if r["system"] == system} for system in ("lora", "sentence-transformers lora")
    )
    ratio = statistics.mean(theirs[seed] / ours[seed] for seed in ours)
    assert f"{ratio:.1f} times as long as this course's" in text_of("docs/benchmarks.md")[1]


def without_training(dataset, system):
    rows = record("untrained_h100.json")["rows"]
    return [r for r in rows if (r["dataset"], r["system"]) == (dataset, system)]


def test_benchmarks_say_what_training_adds_to_the_best_without_it():
    text, _ = text_of("docs/benchmarks.md")
    row = {line.split(" | ")[0].strip("| "): line.strip("| ").split(" | ")[1:] for line in text.splitlines() if " | " in line}
    for n, dataset in enumerate(("aws_docs", "support_desk")):
        best, tuned = without_training(dataset, "untrained")[0], without_training(dataset, "lora")
        scores, gains = [r["measures"]["nDCG@10"] for r in tuned], [r["above_untrained"]["difference"] for r in tuned]
        assert len(tuned) == 3
        assert row["BM25, its settings chosen on dev"][n] == f"{best['parts']['bm25']:.3f}"
        assert row["base model, its window chosen on dev"][n] == f"{best['parts']['base']:.3f}"
        assert (
            row["untrained: the two fused"][n] == f"{best['measures']['nDCG@10']:.3f}" and best["chosen"]["system"] == "fused"
        )
        assert row["LoRA, three seeds"][n] == f"{min(scores):.3f} to {max(scores):.3f}, mean {statistics.mean(scores):.3f}"
        assert row["gain over untrained, three seeds"][n] == f"{min(gains):+.3f} to {max(gains):+.3f}"


@pytest.mark.parametrize("name", ["course_cpu.json", "course_bf16.json"])
def test_minutes_and_memory_of_the_course_are_those_of_the_records(name):
    course = record(name)
    minutes, memory = f"{course['seconds'] / 60:.1f} minutes", f"{course['peak_mb'] / 1000:.1f} GB"
    column = 1 + ["course_cpu.json", "course_bf16.json"].index(name)
    table = [
        line.split(" | ")
        for line in text_of("docs/benchmarks.md")[0].splitlines()
        if line.startswith(("| `make course`", "| peak memory |"))
    ]
    assert [row[column].rstrip(" |") for row in table[:2]] == [minutes, memory]
    assert minutes in text_of("README.md")[1]


def test_readme_begins_where_a_newcomer_begins():
    text, _ = text_of("README.md")
    assert text.index("make lab") < text.index("make course\n") < text.index("On your own data")
    assert text.index("the_loop.svg") < text.index("make test\n")
    recipes = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`?make ([a-z-]+)", text):
        assert re.search(rf"^{target}:", recipes, flags=re.MULTILINE), f"make {target}"
    assert f"{record('course_cpu.json')['peak_mb'] / 1000:.1f} GB at its peak" in text


def rows_below(document, head):
    """Return the cells of the rows of the table whose first row is ``head``."""
    lines = text_of(document)[0].splitlines()
    below = lines[lines.index(head) + 2 :]
    rows = below[: next((n for n, line in enumerate(below) if not line.startswith("|")), len(below))]
    return [row.strip("| ").split(" | ") for row in rows]


def test_serving_shows_what_encoding_together_gave():
    found, head = record("serving.json"), "| clients | texts a second, together | one by one | times as many |"
    rows = {(row["system"], row["clients"]): row for row in found["rows"]}
    shown = rows_below("docs/serving.md", f"{head} half of them within, together | one by one |")
    assert len(shown) == len(found["batching_to_one_by_one"])
    for clients, *cells in shown:
        ways = [rows[way, int(clients)] for way in ("batching", "one by one")]
        speeds, waits = [f"{way['texts_per_s']:.0f}" for way in ways], [f"{way['ms_p50']:.0f} ms" for way in ways]
        assert cells == [*speeds, f"{found['batching_to_one_by_one'][clients]:.2f}", *waits], clients


def test_serving_shows_what_a_switch_a_rollback_and_a_kill_cost():
    found = record("serving_faults.json")
    killed = [row for row in found["rows"] if row["phase"] == "kill -9"]
    assert not any(row["mixed"] for row in found["rows"])
    assert not any(row["failed"] for row in found["rows"] if row not in killed)
    assert all(row["failed"] <= row["clients"] for row in killed)
    assert found["after_the_end"]["lost"] == 0
    head = "| clients | while | answers a second | half within | 99 in 100 within | failed | mixed |"
    assert rows_below("docs/serving.md", head) == [
        [
            str(row["clients"]),
            row["phase"],
            *(f"{row['answers_per_s']:.0f}", f"{row['ms_p50']:.0f} ms", f"{row['ms_p99']:.0f} ms"),
            *(str(row["failed"]), str(row["mixed"])),
        ]
        for row in found["rows"]
    ]
    head = "| clients | out of service | searches answered before | not recorded | the oldest of these |"
    for row, shown in zip(killed, rows_below("docs/serving.md", head), strict=True):
        events = row["events"]
        away, oldest = f"{row['out_of_service_s']:.1f} s", f"{events['oldest_lost_s']:.1f} s"
        assert shown == [str(row["clients"]), away, str(events["given"]), str(events["lost"]), oldest]


def test_the_collections_are_told_as_they_were_measured():
    rows = record("collections.json")["rows"]
    plain, full, single, ours, own = (
        "sentence-transformers plain lora",
        "sentence-transformers full",
        "lora, one training",
        "lora",
        "lora, matrix of itself",
    )
    alone = {
        "untrained": "untrained",
        "linear queries": "a matrix on query vectors",
        full: "its full fine-tuning",
        plain: "plain recipe",
        "full": "our full fine-tuning",
        single: "one training",
        ours: "the mean of three",
        own: "`--teacher self`",
        "lora, matrix": "`--teacher late`",
    }
    shipped = {plain: "shipped: plain recipe", ours: "shipped: ours", own: "shipped: `--teacher self`"}
    table, short = [], []
    for dataset in dict.fromkeys(r["dataset"] for r in rows):
        of = {system: [r for r in rows if (r["dataset"], r["system"]) == (dataset, system)] for system in alone}
        assert [len(of[system]) for system in (plain, full, single, ours, own)] == [3, 1, 3, 1, 1]
        means = {system: statistics.mean(r["measures"]["nDCG@10"] for r in part) for system, part in of.items()}
        told = {system: statistics.mean(r["shipped"]["nDCG@10"] for r in of[system]) for system in shipped}
        table.append([f"`{dataset}`", *(f"{score:.3f}" for score in (*means.values(), *told.values()))])
        short.append([f"`{dataset}`", f"{means['untrained']:.3f}", *(f"{score:.3f}" for score in told.values())])
        assert told[own] >= told[ours] > max(means["untrained"], told[plain])
        assert means[own] >= means[ours]
        (whole,) = (r["shipped"]["nDCG@10"] for r in of["full"])
        assert max(whole, told[plain]) - told[own] <= 0.005
        assert (max(whole, told[plain]) - told[ours] > 0.005) == (dataset in ("support_desk", "aws_docs"))
        assert 0.002 <= round(means[ours] - means[single], 3) <= 0.028
    head = " | ".join(("| collection", *alone.values(), *shipped.values())) + " |"
    assert rows_below("benchmarks/README.md", head) == table
    _, text = text_of("benchmarks/README.md")
    ranks = mean_ranks(gains(rows))["mean rank"].round(2)
    told_ranks = {"`--teacher self`": own, "`--teacher late`": "lora, matrix", "the mean of three": ours,
                  "our full fine-tuning": "full", "one training": single, "the plain recipe": plain}  # fmt: skip
    assert ", ".join(f"{name} {ranks[system]}" for name, system in told_ranks.items()) in text
    assert ranks[full] == ranks["linear queries"]
    assert f"the matrix on query vectors {ranks[full]};" in text
    ranks = mean_ranks(gains(rows, shipped=True))["mean rank"].round(2)
    assert ", ".join(str(ranks[system]) for system in (*told_ranks.values(), full)) in text
    head = "| collection | without training | plain recipe | this course | with `--teacher self` |"
    assert rows_below("docs/benchmarks.md", head) == short


def test_what_teaches_a_matrix_is_told_as_it_was_measured():
    rows = record("distilling.json")["rows"]

    def ends(dataset, variant):
        return [r["alone"]["after"] for r in rows if (r["dataset"], r["variant"]) == (dataset, variant)]

    head = "| collection | the model | labels alone | labels and the model itself | labels and late interaction |"
    table = rows_below("benchmarks/README.md", head)
    shown = [name.strip("`") for name, *_ in table]
    assert {r["dataset"] for r in rows} - set(shown) == {"support_desk, another training"}
    for name, *told in table:
        before = next(r["alone"]["before"] for r in rows if r["dataset"] == name.strip("`"))
        means = [statistics.mean(ends(name.strip("`"), variant)) for variant in ("labels", "self", "both")]
        assert told == [f"{score:.3f}" for score in (before, *means)]
        assert means[1] >= before
    _, text = text_of("benchmarks/README.md")
    cross = ends("support_desk", "cross")
    assert f"({min(cross):.3f} to {max(cross):.3f}, three seeds)" in text
    both_ways = (("support_desk", "aws_docs"), ("aws_docs", "support_desk"))
    lost = [r[f"elsewhere: {there}"]["difference"] for here, there in both_ways for r in rows
            if r["dataset"] == here and f"elsewhere: {there}" in r]  # fmt: skip
    assert f"costs its model {-lost[0]:.3f} on `aws_docs`, that of `aws_docs` {-lost[1]:.3f} on `support_desk`" in text


def test_what_a_teacher_brings_in_training_is_told_as_it_was_measured():
    rows = record("teaching.json")["rows"]
    names = {"labels": "labels alone", "late": "late interaction", "fitted": "cross-fitted"}
    expected = []
    for dataset, documents in dict.fromkeys((r["dataset"], r["documents"]) for r in rows):
        of = {v: [r for r in rows if (r["dataset"], r["documents"], r["variant"]) == (dataset, documents, v)] for v in names}
        scores = [[r[what]["after"] for r in part] for what in ("alone", "matrix") for part in of.values()]
        told = [f"{statistics.mean(found):.3f}" if found else "not run" for found in scores]
        expected.append([f"`{dataset}`", str(documents), str(len(of["late"])), *told])
    columns = (*names.values(), *(f"{name}, matrix" for name in names.values()))
    head = " | ".join(("| collection", "documents a pair", "seeds", *columns)) + " |"
    assert rows_below("benchmarks/README.md", head) == expected


def test_three_trainings_with_many_pairs_are_told_as_they_were_measured():
    rows = {(r["dataset"], r["system"]): r for r in record("soups.json")["rows"]}
    matrix = {r["dataset"]: r["alone"]["after"] for r in record("distilling.json")["rows"] if r["variant"] == "both"}
    ways, told = ("lora", "lora, three trainings", "lora, thorough"), []
    for dataset in ("support_desk", "aws_docs"):
        of = [rows.get((dataset, way)) for way in ways]
        alone = [r and r["measures"]["nDCG@10"] for r in of]
        shipped = [r and r["shipped"]["nDCG@10"] for r in of]
        scores = [*alone, matrix.get(f"{dataset}_thorough"), *shipped]
        told.append(" | ".join([f"| `{dataset}`", *("" if score is None else f"{score:.3f}" for score in scores)]))
    _, text = text_of("benchmarks/README.md")
    for row in told:
        assert re.sub(" +", " ", row) in re.sub(" +", " ", text)


def test_what_training_multiplies_is_told_as_it_was_measured():
    _, text = text_of("docs/benchmarks.md")
    of = {name: {r["system"]: r for r in record(f"{name}.json")["rows"]} for name in ("products", "products_float32")}
    full, half = of["products_float32"], of["products"]
    shares = [full["ours"], half["ours"], full["sentence-transformers"], half["sentence-transformers bf16"]]
    told = "training does {} % in float32 and {} % with bfloat16 (sentence-transformers' {} % and {} %)"
    assert told.format(*(f"{100 * row['share_of_most']:.0f}" for row in shares)) in text
    ours, theirs, chosen = (
        half[s]["operations"] / 1e9 for s in ("ours", "sentence-transformers", "ours, the window that dev chose")
    )
    assert f"a pair takes {ours:.1f} billion operations instead of {theirs:.1f}" in text
    assert f"which dev may choose: {chosen:.1f} billion" in text


def test_late_interaction_behind_tuned_models_is_told_as_it_was_measured():
    _, text = text_of("benchmarks/README.md")
    rows = record("late_tuned.json")["rows"]
    added = 0
    for dataset in dict.fromkeys(r["dataset"] for r in rows):
        of = [r for r in rows if r["dataset"] == dataset]
        (mean,) = (r for r in of if r["trained"] == "three, their mean")
        alone = [r for r in of if r is not mean]
        shown = f"{mean['before']:.3f} -> {mean['after']:.3f} ({mean['low']:+.3f} to {mean['high']:+.3f})"
        before, after = (statistics.mean(r[key] for r in alone) for key in ("before", "after"))
        sure = f"{sum(r['low'] > 0 for r in of)} of {len(of)}"
        assert f"| `{dataset}` | {shown} | {before:.3f} -> {after:.3f} | {sure} |" in text, dataset
        added += mean["after"] > max(mean["before"], after)
    assert (len(rows), sum(r["difference"] > 0 for r in rows), sum(r["low"] > 0 for r in rows)) == (40, 38, 24)
    assert not any(r["high"] < 0 for r in rows)
    assert added == 8


def test_what_reports_decide_is_told_as_it_was_measured():
    _, text = text_of("benchmarks/README.md")
    rows = record("deciding.json")["rows"]
    for row in rows:
        shown = [f"| `{row['dataset']}` | {row['test']['untrained']:.3f}"]
        for name in ("tuned", "bm25+tuned"):
            gain = row[name]["gain"]
            shown.append(f"{row['test'][name]:.3f} | {gain['difference']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})")
            shown.append(row[name]["decision"])
        assert " | ".join(shown) in text, row["dataset"]
    assert [sum(r[name]["decision"] == "ship" for r in rows) for name in ("tuned", "bm25+tuned")] == [6, 7]


def test_fewer_token_vectors_are_told_as_they_were_measured():
    _, text = text_of("benchmarks/README.md")
    rows = record("reranking.json")["rows"]
    for dataset in {r["dataset"] for r in rows}:
        of = sorted((r for r in rows if r["dataset"] == dataset), key=lambda r: r["factor"])
        shown = " | ".join(f"{r['after']:.3f} ({r['megabytes']:.0f} MB)" for r in of)
        assert f"| `{dataset}` | {of[0]['before']:.3f} | {shown} |" in text, dataset


def test_ways_of_fusing_are_told_as_they_were_measured():
    _, text = text_of("benchmarks/README.md")
    rows = record("fusing.json")["rows"]
    for dataset in {r["dataset"] for r in rows}:
        of = {r["model"]: r for r in rows if r["dataset"] == dataset}
        shown = [f"{of['base']['parts']['test']['bm25']:.3f}"]
        for model, row in of.items():
            ranks, chosen = row["ways"]["ranks, half each"], row["ways"]["scores, dev's share"]
            scores = f"{chosen['test']:.3f} ({chosen['share']:g})"
            shown += [f"{row['parts']['test'][model]:.3f}", f"{ranks['test']:.3f}", scores]
        assert f"| `{dataset}` | {' | '.join(shown)} |" in text, dataset
    means = record("fusing.json")["means"]
    head, told = "| | base model | fine-tuned model |", []
    for name, ways in {
        "BM25 alone": ("bm25 alone",) * 2,
        "the model alone": ("base alone", "tuned alone"),
        "fused by ranks": ("ranks, half each",) * 2,
        "fused by scores, as dev says": ("scores, dev's share",) * 2,
    }.items():
        told.append([name, *(f"{means[model][way]:.3f}" for model, way in zip(means, ways, strict=True))])
    assert rows_below("docs/benchmarks.md", head) == told
    assert all(r["ways"]["scores, dev's share"]["test"] > r["ways"]["ranks, half each"]["test"] for r in rows)
    assert all(r["ways"]["scores, dev's share"]["test"] >= max(r["parts"]["test"].values()) for r in rows)
    below = sum(r["ways"]["ranks, half each"]["test"] < max(r["parts"]["test"].values()) for r in rows)
    assert (len(rows), below) == (20, 13)
    assert sum(r["over"]["tuned"]["low"] > 0 for r in rows if r["model"] == "tuned") == 8


def test_late_interaction_over_collections_is_told_as_it_was_measured():
    _, text = text_of("benchmarks/README.md")
    for row in record("late_untrained.json")["rows"]:
        told = [row["differences"][system] for system in ("base", "untrained")]
        shown = (f"{d['before']:.3f} -> {d['after']:.3f} ({d['low']:+.3f} to {d['high']:+.3f})" for d in told)
        assert f"| `{row['dataset']}` | {' | '.join(shown)} | {row['untrained+late']} |" in text, row["dataset"]
