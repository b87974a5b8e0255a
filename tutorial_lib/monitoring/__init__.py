"""After the model is live: is what people search still what it learned from?"""

from tutorial_lib.lazy import lazy_face

__all__ = ["Finder", "Known", "SearchLog", "WatchSettings", "Watched", "read_searches", "watch", "watch_run"]

_HOMES = {
    "tutorial_lib.monitoring.drift": ["watch"],
    "tutorial_lib.monitoring.finder": ["Finder"],
    "tutorial_lib.monitoring.known": ["Known"],
    "tutorial_lib.monitoring.run": ["watch_run"],
    "tutorial_lib.monitoring.searches": ["SearchLog", "read_searches"],
    "tutorial_lib.monitoring.watch_settings": ["WatchSettings"],
    "tutorial_lib.monitoring.watched": ["Watched"],
}
__getattr__, __dir__ = lazy_face(__name__, _HOMES)
