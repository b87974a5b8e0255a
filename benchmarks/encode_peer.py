"""Encode texts with sentence-transformers on one of its backends.

Run by ``benchmarks.encoding``, also in an environment of its own: it needs only sentence-transformers and numpy.

    python -m benchmarks.encode_peer export onnx-int8 MODEL FOLDER TEXTS.json
    python -m benchmarks.encode_peer encode onnx-int8 FOLDER OUT.npz TEXTS.json --batch-size 32

``TEXTS.json`` holds "documents" and "queries". OMP_NUM_THREADS says how many threads every backend may use.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import peak_mb

WARM_UP = 200
CALIBRATION = 300
"""Texts that OpenVINO's int8 model is calibrated on."""
CPU = {"provider": "CPUExecutionProvider"}
FILES = {
    "onnx": "onnx/model.onnx",
    "onnx-int8": "onnx/model_qint8_avx512_vnni.onnx",
    "openvino": "openvino/openvino_model.xml",
    "openvino-int8": "openvino/openvino_model_qint8_quantized.xml",
}
BACKENDS = ("torch", "torch-bf16", *FILES)
PACKAGES = (
    "sentence-transformers",
    "transformers",
    "torch",
    "onnxruntime",
    "optimum-onnx",
    "openvino",
    "optimum-intel",
    "nncf",
)


def threads() -> int:
    """Return how many threads a backend may use."""
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def measure(encode: Callable[[list[str]], np.ndarray], texts: Path, out: Path) -> dict[str, float]:
    """Return documents a second, after a warm-up, and the peak memory so far; write all vectors to ``out``."""
    given = json.loads(texts.read_text(encoding="utf-8"))
    encode(given["documents"][:WARM_UP])
    started = time.perf_counter()
    documents = encode(given["documents"])
    seconds = time.perf_counter() - started
    peak = peak_mb()
    np.savez(out, documents=documents, queries=encode(given["queries"]))
    return {"docs_per_s": len(documents) / seconds, "peak_mb": peak}


def load(backend: str, folder: str) -> Any:
    """Return the model; the CPU backends get their thread count, everything else stays as sentence-transformers has it."""
    import torch
    from sentence_transformers import SentenceTransformer

    kind = backend.split("-")[0]
    if kind == "torch":
        return SentenceTransformer(folder, model_kwargs={"dtype": torch.bfloat16} if backend == "torch-bf16" else {})
    options: dict[str, Any] = {"file_name": FILES[backend], "export": False}
    if kind == "onnx":
        import onnxruntime

        session = onnxruntime.SessionOptions()
        session.intra_op_num_threads = threads()
        options |= {**CPU, "session_options": session}
    else:
        options["ov_config"] = {"INFERENCE_NUM_THREADS": threads()}
    return SentenceTransformer(folder, device="cpu", backend=kind, model_kwargs=options)


def export(backend: str, model: str, folder: str, texts: Path) -> None:
    """Write ``model`` as a sentence-transformers folder that holds the file of ``backend``."""
    import sentence_transformers as st

    kind = backend.split("-")[0]
    options = CPU if kind == "onnx" else {"load_in_8bit": False, "compile": False}
    exported = st.SentenceTransformer(model, device="cpu", backend=kind, model_kwargs={"export": True, **options})
    exported.save_pretrained(folder)
    if backend == "onnx-int8":
        st.export_dynamic_quantized_onnx_model(exported, "avx512_vnni", folder)
    elif backend == "openvino-int8":
        from optimum.intel import OVQuantizationConfig

        documents = json.loads(texts.read_text(encoding="utf-8"))["documents"]
        rows = random.Random(0).sample(documents, min(CALIBRATION, len(documents)))
        with tempfile.TemporaryDirectory() as local:  # the default calibration texts would have to be downloaded
            Path(local, "train.jsonl").write_text("".join(json.dumps({"text": r}) + "\n" for r in rows))
            st.export_static_quantized_openvino_model(
                exported,
                OVQuantizationConfig(num_samples=len(rows)),
                folder,
                dataset_name=local,
                dataset_config_name="default",
                dataset_split="train",
                column_name="text",
            )


def precision(backend: str, model: Any) -> str:
    """Return the number formats the backend computes in; OpenVINO chooses bf16 by itself where there are units for it."""
    rest = "bf16" if backend == "torch-bf16" else "fp32"
    if backend.startswith("openvino"):
        network = model.transformers_model
        compiled = getattr(network, "compiled_model", None) or network.request
        rest = "bf16" if "bfloat16" in str(compiled.get_property("INFERENCE_PRECISION_HINT")) else "fp32"
    return f"int8 and {rest}" if backend.endswith("int8") else rest


def versions() -> dict[str, str]:
    """Return the versions of what took part."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def main() -> None:
    """Export, or encode and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("export", "encode"))
    parser.add_argument("backend", choices=BACKENDS)
    parser.add_argument("model", help="model folder")
    parser.add_argument("out", type=Path, help="folder to export to, or .npz file for the vectors")
    parser.add_argument("texts", type=Path)
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args()
    if options.command == "export":
        export(options.backend, options.model, str(options.out), options.texts)
        print("{}")
        return
    model = load(options.backend, options.model)
    figures = measure(
        lambda texts: model.encode(texts, batch_size=options.batch_size, show_progress_bar=False), options.texts, options.out
    )
    print(json.dumps({**figures, "precision": precision(options.backend, model), "versions": versions()}))


if __name__ == "__main__":
    main()
