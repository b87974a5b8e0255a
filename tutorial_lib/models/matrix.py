"""A matrix behind the pooling, as sentence-transformers' module Dense holds it: it turns vectors, which are scaled again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from tutorial_lib.models.files import check_files, one_line, read_object
from tutorial_lib.models.settings import ModelError

PLAIN: dict[str, tuple[Any, ...]] = {
    "bias": (False,),
    "activation_function": ("torch.nn.modules.linear.Identity",),
    "module_input_name": ("sentence_embedding",),
    "module_output_name": ("sentence_embedding", None),
    "use_residual": (False, None),
}
"""What the settings of the module Dense may say: a linear map, and nothing else."""


def turned(vectors: NDArray[np.float32], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``vectors``, (N, D), multiplied by ``matrix``, (D, D), and scaled to unit length.

    >>> turned(np.float32([[1, 0]]), np.float32([[0, 1], [2, 0]])).tolist()
    [[0.0, 1.0]]
    """
    made = vectors @ matrix.T
    return made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)


def check_matrix(matrix: NDArray[np.floating], dimension: int, name: str) -> NDArray[np.float32]:
    """Return ``matrix`` as float32.

    Raises:
        ModelError: It is not (``dimension``, ``dimension``), or holds what is no finite number.
    """
    made = np.asarray(matrix, dtype=np.float32)
    if made.shape != (dimension, dimension):
        raise ModelError(f"the matrix behind {name} is {made.shape}: its vectors need {(dimension, dimension)}")
    if not np.isfinite(made).all():
        raise ModelError(f"the matrix behind {name} holds NaN or infinity: its training has diverged, or it is damaged")
    return made


def read_matrix(folder: Path | str, path: str, dimension: int) -> NDArray[np.float32]:
    """Return the matrix of the module Dense in folder ``path`` of a model.

    Raises:
        ModelError: The model is none in a folder; the module is more than a square matrix (the field is named); or the
            weights are missing, damaged or changed.
    """
    home = Path(folder, path)
    said = read_object(folder, f"{path}/config.json")
    if said is None or not home.is_dir():
        raise ModelError(f"{folder}: {path}/config.json is missing, or the model is on the Hub: pass a whole model folder")
    sizes = {side: said.pop(side, None) for side in ("in_features", "out_features")}
    for field, value in [*((k, said.pop(k, None)) for k in PLAIN), *said.items()]:
        if value not in PLAIN.get(field, ()):
            raise ModelError(f"{folder}: {path}/config.json sets {field} to {value!r}: only a matrix is supported")
    if set(sizes.values()) != {dimension}:
        raise ModelError(
            f"{folder}: {path}/config.json says {sizes}: only a matrix of {dimension} x {dimension} is supported"
        )
    check_files(home)
    try:
        weight = load_file(home / "model.safetensors")["linear.weight"]
    except (OSError, KeyError, SafetensorError) as error:
        raise ModelError(f"{home}/model.safetensors cannot be read ({one_line(error)}): make the model again") from error
    return check_matrix(weight, dimension, str(folder))
