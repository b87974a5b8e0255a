"""The service: embeddings, reranking and search over HTTP, by the models of a run."""

from tutorial_lib.lazy import lazy_face

__all__ = [
    "BaseSearch",
    "EventLog",
    "Keys",
    "Limits",
    "Live",
    "Models",
    "Searched",
    "ServedModel",
    "Service",
    "create_app",
    "preferences",
    "redactor",
]

_HOMES = {
    "tutorial_lib.serving.app": ["create_app"],
    "tutorial_lib.serving.comparing": ["BaseSearch"],
    "tutorial_lib.serving.event_log": ["EventLog"],
    "tutorial_lib.serving.keys": ["Keys"],
    "tutorial_lib.serving.limits": ["Limits"],
    "tutorial_lib.serving.live": ["Live"],
    "tutorial_lib.serving.models": ["Models", "ServedModel"],
    "tutorial_lib.serving.redaction": ["redactor"],
    "tutorial_lib.serving.verdict": ["preferences"],
    "tutorial_lib.serving.searching": ["Searched"],
    "tutorial_lib.serving.service": ["Service"],
}
__getattr__, __dir__ = lazy_face(__name__, _HOMES)
