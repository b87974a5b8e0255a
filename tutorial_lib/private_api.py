"""The only place where private names of other libraries are used: a release of theirs that breaks one breaks it here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def can_choose_attention(model: Any) -> bool:
    """Return whether the attention kernel of a transformers model can be chosen.

    ``set_attn_implementation`` asks the same and warns where the answer is no (MPNet's), which would be each time we encode;
    the question has no public form (transformers 5.0 to 5.23).
    """
    return bool(model._can_set_attn_implementation())


def attention_kernel(model: Any) -> str:
    """Return the attention kernel that a transformers model uses, such as "sdpa".

    There is a public way to set it and none to read it (transformers 5.0 to 5.23).
    """
    return model.config._attn_implementation


def use_lora_layer(config: Any, plain: type, adapted: type) -> None:
    """Let PEFT put ``adapted`` in place of the layers of type ``plain`` that it adapts.

    PEFT documents it for layers of one's own, and has it under a private name (peft 0.19 to 0.21).
    """
    config._register_custom_module({plain: adapted})


def file_of_model(model: str, name: str) -> str | None:
    """Return the path of file ``name`` of a model on the Hub, or None if the model has no such file.

    ``cached_file`` raises without this option, and what it raises is not told apart from a Hub out of reach
    (transformers 5.0 to 5.23).
    """
    from transformers.utils import cached_file

    return cached_file(model, name, _raise_exceptions_for_missing_entries=False)


def read_awscli() -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """Return the services and the example files of the installed awscli (1.46.3).

    Only its own command tables know which command documents which operation; there is no public way to them. It runs in a
    child process: importing awscli redirects every later ``import botocore`` of the process to awscli's own copy.

    Returns:
        Services: name -> full name, {operation: (command, HTML)} and {command: operation}. Examples: (service, command,
        reStructuredText).
    """
    # The learner's own AWS settings (aliases, plug-ins) must not change the collection.
    os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    from awscli import clidriver

    commands = clidriver.create_clidriver()._get_command_table()
    root = Path(clidriver.__file__).parent / "examples"
    examples = []
    for file in sorted(root.rglob("*.rst")):
        service, *rest = file.relative_to(root).with_suffix("").parts
        examples.append((service, " ".join(rest), file.read_text(encoding="utf-8")))
    services = {s: _awscli_service(commands[s]) for s in sorted({s for s, _, _ in examples}) if s in commands}
    return services, examples


def _awscli_service(service: Any) -> dict[str, Any]:
    """Return full name, {operation: (command, HTML)} and {command: operation} of one awscli service command."""
    operations: dict[str, tuple[str, str]] = {}
    operation_of: dict[str, str] = {}
    full_name = ""
    if hasattr(service, "service_model"):  # `s3` and `configure` are programs of their own
        full_name = service.service_model.metadata["serviceFullName"]
        for command, entry in sorted(service._get_command_table().items()):
            model = getattr(entry, "_operation_model", None)
            if model is None:
                continue
            operation_of[command] = model.name
            # An operation with several commands (a hidden old spelling) is one article, under its documented name.
            if model.name not in operations or not getattr(entry, "_UNDOCUMENTED", False):
                operations[model.name] = (command, model.documentation)
    return {"full_name": full_name, "operations": operations, "operation_of": operation_of}


def take_one_gpu(arguments: Any) -> None:
    """Let transformers' ``TrainingArguments`` count one GPU at most, however many this process sees.

    Trainer would multiply the batch by their number and wrap the model in DataParallel; ``n_gpu`` has no setter
    (transformers 5.0 to 5.23).
    """
    arguments._n_gpu = min(1, arguments.n_gpu)
