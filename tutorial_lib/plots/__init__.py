"""One function a figure; each returns a matplotlib Figure, decides nothing, and imports nothing else of this package."""

from tutorial_lib.plots.averaging import averaged_trainings
from tutorial_lib.plots.collection import lengths, queries_over_time, review_curve, split_sizes
from tutorial_lib.plots.generations import feedback_loops, policies
from tutorial_lib.plots.indexing import cut_offs, growth, index_choices, stages, switch_under_load
from tutorial_lib.plots.monitoring import watched
from tutorial_lib.plots.prompting import answers_in_prompt, prompt_grid
from tutorial_lib.plots.ranking import answer_ranks, deltas, rank_shift, recall_at_k, search_results, slices, systems
from tutorial_lib.plots.reranking import by_depth, by_weight, closest_words, differences
from tutorial_lib.plots.scaling import bill, progress
from tutorial_lib.plots.serving import export_parity, searches_needed
from tutorial_lib.plots.style import COLOURS, RANK_BUCKETS
from tutorial_lib.plots.tuning import (
    ablations,
    broken_runs,
    candidate_scores,
    dimensions,
    low_rank,
    similarity_shift,
    training,
    training_curves,
    training_memory,
    ways_of_training,
)

__all__ = [
    "COLOURS",
    "RANK_BUCKETS",
    "ablations",
    "answer_ranks",
    "answers_in_prompt",
    "averaged_trainings",
    "bill",
    "broken_runs",
    "by_depth",
    "by_weight",
    "candidate_scores",
    "closest_words",
    "cut_offs",
    "deltas",
    "differences",
    "dimensions",
    "export_parity",
    "feedback_loops",
    "growth",
    "index_choices",
    "lengths",
    "low_rank",
    "policies",
    "progress",
    "prompt_grid",
    "queries_over_time",
    "rank_shift",
    "recall_at_k",
    "review_curve",
    "search_results",
    "searches_needed",
    "similarity_shift",
    "slices",
    "split_sizes",
    "stages",
    "switch_under_load",
    "systems",
    "training",
    "training_curves",
    "training_memory",
    "watched",
    "ways_of_training",
]
