import inspect

from matplotlib.figure import Figure

from tutorial_lib import plots
from tutorial_lib.plots.style import colour_of, plain_log_ticks, told
from tutorial_lib.retrieval.systems import SYSTEMS


def test_every_system_has_a_colour_of_its_own():
    assert set(SYSTEMS) <= set(plots.COLOURS)
    assert len({plots.COLOURS[name] for name in SYSTEMS}) == len(SYSTEMS)


def test_a_name_without_a_colour_takes_the_next_one():
    assert colour_of("some other system") is None


def test_a_figure_is_labelled_with_the_first_lines_of_its_docstring():
    @told
    def drawn():
        """Bars of everything,
        the largest first.

        Args: none.
        """
        return Figure()

    assert drawn().get_label() == "Bars of everything, the largest first."


def test_powers_of_ten_are_written_out():
    axis = Figure().subplots()
    axis.set(xscale="log", xlim=(0.002, 2_000_000))
    plain_log_ticks(axis.xaxis)
    written = [axis.xaxis.get_major_formatter()(x) for x in (0.003, 0.3, 10, 300_000, 1_000_000)]
    assert written == ["0.003", "0.3", "10", "300,000", "1,000,000"]


def test_a_label_that_a_function_gives_stays():
    @told
    def drawn():
        """Bars."""
        return Figure(label="Three bars.")

    assert drawn().get_label() == "Three bars."


def test_every_figure_of_the_course_is_told_in_words_for_readers():
    drawing = [getattr(plots, name) for name in plots.__all__ if inspect.isfunction(getattr(plots, name))]
    assert len(drawing) > 25
    for draw in drawing:
        words = inspect.getdoc(draw).partition("\n\n")[0]
        assert hasattr(draw, "__wrapped__"), f"{draw.__name__}: @told"
        assert len(words) > 40 and "``" not in words, f"{draw.__name__}: these words are read aloud"
