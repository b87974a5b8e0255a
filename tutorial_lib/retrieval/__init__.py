"""Ranking: runs and their tie rule, keyword and vector search, the systems compared, what a score is worth."""

from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.calibration import calibrate, first_hits
from tutorial_lib.retrieval.dense import Vectors, VectorScorer, dense_run, exact_search
from tutorial_lib.retrieval.fusion import convex_combination, reciprocal_rank_fusion
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.retrieval.scorer import Scorer
from tutorial_lib.retrieval.systems import SYSTEMS

__all__ = [
    "BM25",
    "SYSTEMS",
    "Run",
    "Scorer",
    "VectorScorer",
    "Vectors",
    "calibrate",
    "convex_combination",
    "dense_run",
    "exact_search",
    "first_hits",
    "reciprocal_rank_fusion",
]
