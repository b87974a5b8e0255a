import pytest

from tutorial_lib.files import write_text
from tutorial_lib.run_settings import RunSettings
from tutorial_lib.stage import Stage
from tutorial_lib.staged import Staged


class Letters(Staged):
    """``words`` is made of the source, ``count`` of the words."""

    text = "a b c"

    def outside(self, name):
        return self.text

    def make_words(self, folder):
        write_text(folder / "words.txt", self.text)

    def make_count(self, folder):
        write_text(folder / "count.txt", str(len((self.need("words") / "words.txt").read_text().split())))

    def count(self):
        return self._once("count", self.number)

    def number(self, folder):
        return int((folder / "count.txt").read_text())


Letters.stages = {"words": Stage(Letters.make_words, ("source",)), "count": Stage(Letters.make_count, ("words",))}


@pytest.fixture
def letters(tmp_path):
    return Letters(tmp_path, RunSettings(), told=False)


def test_what_a_stage_stands_on_is_made_first(letters, capsys):
    assert letters.count() == 3
    assert [line.split()[1] for line in capsys.readouterr().err.splitlines()] == ["words", "count"]
    assert set(letters.seconds()) == {"words", "count"}


def test_what_has_not_changed_is_kept_and_what_has_is_made_again_with_all_that_stands_on_it(letters, capsys):
    letters.count()
    capsys.readouterr()
    assert letters.count() == 3 and capsys.readouterr().err == ""
    letters.text = "a b c d"
    assert letters.count() == 4
    assert capsys.readouterr().err.count("making") == 2


def test_a_stage_or_settings_that_there_are_not(letters):
    with pytest.raises(ValueError, match="no stage 'sums': there are words, count"):
        letters.need("sums")
    with pytest.raises(ValueError, match="words has no settings 'mining': there are none"):
        letters.need("words", mining=1)


def test_an_input_that_nobody_knows(tmp_path):
    with pytest.raises(NotImplementedError):
        Staged(tmp_path, RunSettings(), told=False).outside("source")


def test_what_hangs_on_stages_is_kept_as_long_as_none_of_them_changes(letters):
    made = []

    def double():
        made.append(2 * letters.count())
        return made[-1]

    assert [letters.while_unchanged("double", double) for _ in range(2)] == [6, 6]
    assert made == [6]
    letters.text = "a b c d"
    letters.need("count")
    assert letters.while_unchanged("double", double) == 8
