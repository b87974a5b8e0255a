"""What a dataset is, where it comes from, and how it is divided."""

from tutorial_lib.data.awscli_docs import aws_docs
from tutorial_lib.data.beir import read_beir, write_beir
from tutorial_lib.data.columns import Columns
from tutorial_lib.data.dataset import DataError, Document, LeakageError, Query, RetrievalDataset
from tutorial_lib.data.help_desk import HelpDesk
from tutorial_lib.data.splits import SplitSettings
from tutorial_lib.data.support_desk_files import support_desk

__all__ = [
    "Columns",
    "DataError",
    "Document",
    "HelpDesk",
    "LeakageError",
    "Query",
    "RetrievalDataset",
    "SplitSettings",
    "aws_docs",
    "read_beir",
    "support_desk",
    "write_beir",
]
