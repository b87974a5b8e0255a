"""After a model is live: is what people search still what it learned from, and a new generation where it is not."""

from tutorial_lib.lazy import lazy_face

__all__ = [
    "Generation",
    "Line",
    "LogFiles",
    "RetrainSettings",
    "WatchSettings",
    "Watched",
    "history",
    "read_searches",
    "retrain",
    "watch",
    "watch_run",
]

_HOMES = {
    "tutorial_lib.monitoring.drift": ["watch"],
    "tutorial_lib.monitoring.lineage": ["Generation", "Line", "history"],
    "tutorial_lib.monitoring.log_files": ["LogFiles"],
    "tutorial_lib.monitoring.retraining": ["retrain"],
    "tutorial_lib.monitoring.run": ["watch_run"],
    "tutorial_lib.monitoring.searches": ["read_searches"],
    "tutorial_lib.monitoring.settings": ["RetrainSettings"],
    "tutorial_lib.monitoring.watch_settings": ["WatchSettings"],
    "tutorial_lib.monitoring.watched": ["Watched"],
}
__getattr__, __dir__ = lazy_face(__name__, _HOMES, __all__)
