import pytest

from tutorial_lib.run_settings import RunSettings
from tutorial_lib.training.distill_settings import DistillSettings, TeacherSettings
from tutorial_lib.training.settings import TrainSettings


def test_how_the_matrix_is_trained_follows_from_what_is_told():
    assert TeacherSettings(teacher="late").distilling(3) == DistillSettings(seed=3)
    told = TeacherSettings(teacher="late", taught_sides="queries", teach_labels=False)
    assert told.distilling(0) == DistillSettings(sides="queries", labels=0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"teacher": "cross"}, "teacher is 'cross': pass one of late, self, or None for no matrix"),
        ({"taught_sides": "documents"}, "taught_sides is 'documents': pass one of both, queries"),
        ({"teach_labels": 0.5}, "teach_labels is 0.5: pass True or False"),
        ({"teacher": "self", "teach_labels": False}, "teacher is 'self' and teach_labels False: its own"),
    ],
)
def test_what_is_no_teacher_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        TeacherSettings(**change)


def test_a_model_of_queries_alone_has_no_teacher():
    queries_alone = TrainSettings(train_documents=False)
    assert RunSettings(train=queries_alone).teaching.teacher is None
    with pytest.raises(ValueError, match=r"teacher is 'late' and train_documents False"):
        RunSettings(train=queries_alone, teaching=TeacherSettings(teacher="late"))
