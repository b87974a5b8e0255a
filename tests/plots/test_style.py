from tutorial_lib import plots
from tutorial_lib.plots.style import colour_of
from tutorial_lib.retrieval.systems import SYSTEMS


def test_every_system_has_a_colour_of_its_own():
    assert set(SYSTEMS) <= set(plots.COLOURS)
    assert len({plots.COLOURS[name] for name in SYSTEMS}) == len(SYSTEMS)


def test_a_name_without_a_colour_takes_the_next_one():
    assert colour_of("some other system") is None
