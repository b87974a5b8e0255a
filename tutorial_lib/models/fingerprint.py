"""The fingerprint of an encoder: a hash of all that decides a vector."""

from __future__ import annotations

import hashlib
import json

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel

from tutorial_lib.models.settings import EncoderSettings


def fingerprint_of(
    model: PreTrainedModel,
    settings: EncoderSettings,
    tokenizer: str,
    matrix: NDArray[np.float32] | None,
    query_matrix: NDArray[np.float32] | None,
) -> str:
    """Return 16 hexadecimal digits, equal only if the same vectors are made.

    Args:
        model: Whose weights are hashed.
        settings: What decides a vector besides them.
        tokenizer: The tokenizer as JSON, as it was loaded.
        matrix: What all vectors are multiplied by, if there is one.
        query_matrix: What those of queries are multiplied by then.
    """
    digest = hashlib.sha256(json.dumps(vars(settings), sort_keys=True).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    digest.update(tokenizer.encode())
    digest.update(b"" if matrix is None else matrix.tobytes())
    digest.update(b"" if query_matrix is None else b"queries" + query_matrix.tobytes())
    return digest.hexdigest()[:16]
