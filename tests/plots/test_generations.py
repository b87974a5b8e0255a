import pandas as pd
from matplotlib.colors import to_hex

from tests.plots.figures import axes_of, labels, legend, texts, ticks
from tutorial_lib import plots


def test_a_year_has_a_line_a_policy_and_a_bar_for_its_cost():
    months = pd.DataFrame({"never": {19: 0.8, 20: 0.7}, "monthly": {19: 0.8, 20: 0.75}})
    line, bar = axes_of(plots.policies(months, {"never": 0.0, "monthly": 12.0}, {20: "the rename"}, ["Jul", "Aug"]), 2)
    assert legend(line) == ["monthly"]
    assert ticks(line) == ["Jul\n0.80", "Aug\n0.70"]
    assert texts(line) == ["the rename"]
    assert [round(float(y), 6) for y in line.lines[1].get_ydata()] == [0.0, 0.05]
    assert [patch.get_width() for patch in bar.patches] == [12.0]
    assert to_hex(bar.patches[0].get_facecolor()) == to_hex(line.lines[1].get_color())
    assert labels(bar)[0] == "CPU minutes of training in the year"


def test_loops_show_seeds_as_a_band_and_both_judges():
    rows = [
        {"way": way, "generation": n, "golden": 0.7 + n * rise + seed / 100, "by_its_clicks": 0.8 + n / 10}
        for way, rise in (("naive", 0.01), ("truth", 0.05))
        for n in (0, 1, 2)
        for seed in (0, 1)
    ]
    golden, clicks = axes_of(plots.feedback_loops(pd.DataFrame(rows)), 2)
    assert [round(float(y), 3) for y in golden.lines[0].get_ydata()] == [0.705, 0.715, 0.725]
    assert [round(float(y), 3) for y in clicks.lines[1].get_ydata()] == [0.8, 0.9, 1.0]
    assert legend(clicks) == ["naive", "truth"]
    assert (golden.get_title(), clicks.get_title()) == ("judged by hand, on the golden set", "judged by its own clicks")
    assert len(golden.collections) == 2
