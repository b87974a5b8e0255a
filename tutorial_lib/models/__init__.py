"""What turns text into numbers: encoders, their folders, prompts and adapters."""

from typing import TYPE_CHECKING

from tutorial_lib.lazy import lazy_face
from tutorial_lib.models.settings import DEFAULT_MODEL, EncoderSettings, ModelError, TextEncoder

if TYPE_CHECKING:  # for mypy and editors; at run time they are imported on first use, and torch with them
    from tutorial_lib.models.encoder import Encoder
    from tutorial_lib.models.lora import adapter_update, add_adapter, merge_adapter, save_adapter, set_strength
    from tutorial_lib.models.saving import save_model

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
