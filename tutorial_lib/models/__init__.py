"""What turns text into numbers: encoders, their folders, prompts and adapters."""

from tutorial_lib.lazy import lazy_face
from tutorial_lib.models.settings import DEFAULT_MODEL, EncoderSettings, ModelError, TextEncoder

__all__ = [
    "DEFAULT_MODEL",
    "Encoder",
    "EncoderSettings",
    "ModelError",
    "TextEncoder",
    "adapter_update",
    "add_adapter",
    "merge_adapter",
    "save_adapter",
    "save_model",
    "set_strength",
]

_HOMES = {
    "tutorial_lib.models.encoder": ["Encoder"],
    "tutorial_lib.models.lora": ["adapter_update", "add_adapter", "merge_adapter", "save_adapter", "set_strength"],
    "tutorial_lib.models.saving": ["save_model"],
}
__getattr__, __dir__ = lazy_face(__name__, _HOMES, __all__)
