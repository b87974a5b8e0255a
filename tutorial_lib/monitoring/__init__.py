"""What happens after a model is live: a new generation from the log, judged by gates, and the line of generations."""

from tutorial_lib.lazy import lazy_face

__all__ = ["Generation", "Line", "LogFiles", "RetrainSettings", "history", "retrain"]
_HOMES = {
    "tutorial_lib.monitoring.lineage": ["Generation", "Line", "history"],
    "tutorial_lib.monitoring.log_files": ["LogFiles"],
    "tutorial_lib.monitoring.retrain": ["retrain"],
    "tutorial_lib.monitoring.settings": ["RetrainSettings"],
}
__getattr__, __dir__ = lazy_face(__name__, _HOMES, __all__)
