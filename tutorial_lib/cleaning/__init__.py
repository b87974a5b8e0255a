"""Steps that clean a dataset, each with a list of what it touched."""

from tutorial_lib.cleaning.noise import drop_most_suspicious, precision_recall, suspicious_pairs
from tutorial_lib.cleaning.prepare import prepare
from tutorial_lib.cleaning.privacy import find_personal_data
from tutorial_lib.cleaning.report import CleaningReport, clean
from tutorial_lib.cleaning.review import read_review, write_review
from tutorial_lib.cleaning.settings import CleaningSettings
from tutorial_lib.cleaning.steps import DOCUMENTATION_STEPS
from tutorial_lib.cleaning.tickets import TICKET_STEPS

__all__ = [
    "DOCUMENTATION_STEPS",
    "TICKET_STEPS",
    "CleaningReport",
    "CleaningSettings",
    "clean",
    "drop_most_suspicious",
    "find_personal_data",
    "precision_recall",
    "prepare",
    "read_review",
    "suspicious_pairs",
    "write_review",
]
