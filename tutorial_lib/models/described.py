"""What sentence-transformers' files in a model folder say, read as its version 6.2 reads them, or refused.

Read here field by field instead of by sentence-transformers itself, which takes seconds to import. So that nothing is
overlooked, only fields and values that are known are accepted; the tests compare vectors over the forms that it can save.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tutorial_lib.models.files import read_json, read_object
from tutorial_lib.models.prompts import PROMPT_FILE, stored_prompts
from tutorial_lib.models.settings import POOLINGS, ModelError

TRANSFORMER_FILES = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
"""Names of the settings of the module Transformer; the first file that says anything counts."""
TEXT_ONLY = {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}
PLAIN = {
    "transformer_task": (None, "feature-extraction"),
    "modality_config": (None, TEXT_ONLY),
    "module_output_name": (None, "token_embeddings"),
    "unpad_inputs": (None, True, False),  # a matter of speed
    **dict.fromkeys(("query_length", "document_length", "query_expansion", "tokenizer_name_or_path"), (None,)),
    **dict.fromkeys(("processing_kwargs", "model_args", "model_kwargs", "tokenizer_args"), (None, {})),
    **dict.fromkeys(("processor_kwargs", "config_args", "config_kwargs"), (None, {})),
}
"""What a field of the module Transformer may say; anything else would give other vectors, or no text's."""
FLAGS = ("cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
MODES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
"""Poolings by their flags ``pooling_mode_…`` (before version 5.4) and by their names."""

MODULES = ("Dense", "Normalize", "Router")
"""What may stand behind Transformer and Pooling."""
BEHIND_POOLING: tuple[list[str], ...] = (
    [],
    ["Dense"],
    ["Normalize"],
    ["Dense", "Normalize"],
    ["Router"],
    ["Dense", "Router"],
)
ROUTES = {"query": ("Dense", "Normalize"), "document": ("Normalize",)}
"""What a Router may send queries and documents through: a matrix for queries alone."""
ROUTER_FILE = "router_config.json"


class Described(NamedTuple):
    """What the files say of how texts become vectors.

    Attributes:
        pooling: How token vectors become one.
        window: Tokens read of a text; None where the tokenizer says it.
        lower_case: Whether texts are put into lower case first.
        prompts: Texts put before queries and before documents.
        bare: Whether there is nothing but a transformer.
        dense: Folder of the module Dense behind the pooling; empty if there is none.
        query_dense: Folder of the one that queries alone pass; empty if there is none.
    """

    pooling: str
    window: int | None
    lower_case: bool
    prompts: tuple[str, str]
    bare: bool = False
    dense: str = ""
    query_dense: str = ""


def described(folder: Path | str, config: Mapping[str, Any]) -> Described:
    """Return what sentence-transformers' files say; without ``modules.json`` what it makes of a bare transformer.

    Args:
        folder: A model's folder or Hub id.
        config: Its ``config.json``.

    Raises:
        ModelError: A file is missing or damaged, or says what this package does not do; the field is named.
    """
    modules = read_json(folder, "modules.json")
    if modules is None:
        return _bare(folder, config)
    paths = _paths(folder, modules)
    window, lower_case = _transformer(folder)
    pooling = _pooling(folder, f"{paths['Pooling']}/config.json")
    normalized = "Normalize" in paths and _normalizes(folder, f"{paths['Normalize']}/config.json")
    query_dense = _query_dense(folder, paths["Router"]) if "Router" in paths else ""
    _check_model(folder, normalized or bool(query_dense))
    prompts = stored_prompts(folder) or ("", "")
    return Described(pooling, window, lower_case, prompts, dense=paths.get("Dense", ""), query_dense=query_dense)


def _refuse(folder: Path | str, file: str, field: str, value: Any) -> ModelError:
    return ModelError(f"{folder}: {file} sets {field} to {value!r}, which is not supported: pass another model")


def _bare(folder: Path | str, config: Mapping[str, Any]) -> Described:
    """Return what a transformer alone is: pooled by the mean, a causal language model by its last token."""
    if Path(folder).is_dir():
        left = [*TRANSFORMER_FILES, *(str(f.relative_to(folder)) for f in Path(folder).glob("*Pooling/config.json"))]
        left = [name for name in left if Path(folder, name).exists()]
        if left or any(stored_prompts(folder) or ()):
            raise ModelError(
                f"{folder} has {left[0] if left else PROMPT_FILE} and no modules.json, without which sentence-transformers "
                "reads the transformer alone: copy the model again, or take away what is left of its settings"
            )
    architectures = config.get("architectures")
    first = str(architectures[0]) if isinstance(architectures, list) and architectures else ""
    causal = first.endswith("ForCausalLM") and config.get("is_causal", True)
    return Described("lasttoken" if causal else "mean", None, False, ("", ""), bare=True)


def _paths(folder: Path | str, modules: Any) -> dict[str, str]:
    """Return the modules' folders by kind: a Transformer in the root, a Pooling, and what of ``MODULES`` there is."""
    file = Path(folder, "modules.json")
    if not isinstance(modules, list) or not all(
        isinstance(m, dict) and isinstance(m.get("type"), str) and isinstance(m.get("path"), str) for m in modules
    ):
        raise ModelError(f"{file} is no list of modules with type and path: copy or make the model again")
    known = ("Transformer", "Pooling", *MODULES)
    kinds = [m["type"].split(".")[-1] if m["type"].startswith("sentence_transformers.") else m["type"] for m in modules]
    if unknown := [m["type"] for m, kind in zip(modules, kinds, strict=True) if kind not in known]:
        raise ModelError(f"{folder} has the modules {unknown}, only {sorted(known)} are supported: pass another model")
    if kinds[:2] != [*known[:2]] or kinds[2:] not in BEHIND_POOLING:
        raise ModelError(
            f"{file} lists {kinds}, only {list(known[:4])} in this order are supported, the last two left out or not"
        )
    paths = {kind: m["path"] for kind, m in zip(kinds, modules, strict=True)}
    if paths["Transformer"]:
        raise _refuse(folder, "modules.json", "the path of Transformer", paths["Transformer"])
    if outside := [p for p in paths.values() if Path(p).is_absolute() or ".." in Path(p).parts]:
        raise ModelError(f"{file} names the folder {outside[0]!r} outside of the model: make the model again")
    return paths


def _transformer(folder: Path | str) -> tuple[int | None, bool]:
    """Return the window that the settings of the module Transformer name, and whether texts are put into lower case."""
    for file in TRANSFORMER_FILES:
        config = read_object(folder, file)
        if config:
            break
    else:
        return None, False
    window, lower_case = config.pop("max_seq_length", None), config.pop("do_lower_case", None)
    for field, value in config.items():
        if isinstance(value, dict) and field.endswith(("_args", "_kwargs")):
            value.pop("trust_remote_code", None)  # sentence-transformers does not listen to it either
        if value not in PLAIN.get(field, ()) or (isinstance(value, int) and not isinstance(value, bool)):
            raise _refuse(folder, file, field, value)
    if window is not None and (type(window) is not int or window < 1):
        raise _refuse(folder, file, "max_seq_length", window)
    if lower_case not in (None, True, False):
        raise _refuse(folder, file, "do_lower_case", lower_case)
    return window, bool(lower_case)


def _pooling(folder: Path | str, file: str) -> str:
    """Return the pooling that the settings of the module Pooling name."""
    config = read_object(folder, file)
    if config is None:
        raise ModelError(f"{folder}: {file} is missing: copy the model again, its pooling cannot be guessed")
    dimension = config.pop("embedding_dimension", config.pop("word_embedding_dimension", None))
    if type(dimension) is not int or dimension < 1:
        raise ModelError(f"{folder}: {file} sets embedding_dimension to {dimension!r}: copy or make the model again")
    if config.pop("include_prompt", True) is not True:
        raise _refuse(folder, file, "include_prompt", False)
    flags = [config.pop(f"pooling_mode_{flag}", False) for flag in FLAGS]
    by_flags = [mode for mode, on in zip(MODES, flags, strict=True) if on] or ["mean"]
    mode = config.pop("pooling_mode", by_flags)
    modes = [mode] if isinstance(mode, str) else mode
    if not isinstance(modes, Sequence) or not modes or not all(m in MODES for m in modes):
        raise _refuse(folder, file, "pooling_mode", mode)
    if config:
        raise _refuse(folder, file, *next(iter(config.items())))
    # The sum over the root of the length points where the mean does.
    name = "+".join("mean" if m == "mean_sqrt_len_tokens" else m for m in modes)
    if name not in POOLINGS:
        raise ModelError(f"{folder}: {file}: pooling {name!r} is not supported: {', '.join(POOLINGS)} are")
    return name


def _query_dense(folder: Path | str, path: str) -> str:
    """Return the folder of the module Dense that queries alone pass, before a Normalize as documents do, in a Router."""
    config = read_object(folder, f"{path}/{ROUTER_FILE}") or {}
    names = [f"{side}_{n}_{kind}" for side, kinds in ROUTES.items() for n, kind in enumerate(kinds)]
    structure = {side: [f"{side}_{n}_{kind}" for n, kind in enumerate(kinds)] for side, kinds in ROUTES.items()}
    types, parameters = config.get("types"), config.get("parameters")
    if config.get("structure") != structure:
        raise _refuse(folder, f"{path}/{ROUTER_FILE}", "structure", config.get("structure"))
    kinds = {name: str(kind).split(".")[-1] for name, kind in types.items()} if isinstance(types, dict) else {}
    if kinds != {name: name.split("_")[-1] for name in names}:
        raise _refuse(folder, f"{path}/{ROUTER_FILE}", "types", types)
    if not isinstance(parameters, dict) or parameters.get("default_route") != "document" or parameters.get("route_mappings"):
        raise _refuse(folder, f"{path}/{ROUTER_FILE}", "parameters", parameters)
    for name in names:
        if name.endswith("Normalize"):
            _normalizes(folder, f"{path}/{name}/config.json")
    return f"{path}/{names[0]}"


def _normalizes(folder: Path | str, file: str) -> bool:
    for field, value in (read_object(folder, file) or {}).items():
        if field in ("module_input_name", "module_output_name") and value not in (None, "sentence_embedding"):
            raise _refuse(folder, file, field, value)
    return True


def _check_model(folder: Path | str, normalized: bool) -> None:
    """Refuse what the file about the whole model says, if its vectors are not to be compared by cosine."""
    config = read_object(folder, PROMPT_FILE) or {}
    same_ranking = (None, "cosine", "dot", "euclidean") if normalized else (None, "cosine")
    allowed: dict[str, tuple[Any, ...]] = {
        "model_type": (None, "SentenceTransformer"),
        "similarity_fn_name": same_ranking,
        "truncate_dim": (None,),
    }
    for field, values in allowed.items():
        if config.get(field) not in values:
            raise _refuse(folder, PROMPT_FILE, field, config[field])
