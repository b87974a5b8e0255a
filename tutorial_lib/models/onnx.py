"""An encoder that runs on onnxruntime, read from a folder that ``onnx_export`` has written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from tqdm.auto import tqdm
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from tutorial_lib.checksums import sha256_of
from tutorial_lib.models.complete import check_finite, check_strings
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.files import check_files, one_line, read_object
from tutorial_lib.models.matrix import check_matrix, turned
from tutorial_lib.models.settings import EncoderSettings, ModelError, check_pooling

GRAPH, ABOUT, MATRICES = "model.onnx", "encoder.json", "matrices.safetensors"
"""Files of an exported model: the network, what else decides a vector, and matrices behind it if it has any."""

INPUTS, OUTPUT = ("input_ids", "attention_mask"), "sentence_embedding"
"""What the network takes, int64, (batch, tokens) each, and gives: float32, (batch, D), unit length."""

ENGINES = ("onnxruntime", "openvino")
"""What runs a network; the second is a package of its own."""

Matrix = NDArray[np.float32] | None
Network = Callable[[dict[str, NDArray[np.int64]]], NDArray[np.float32]]
"""From ``INPUTS`` to ``OUTPUT``."""


class OnnxEncoder:
    """An exported model: texts in, unit vectors out, by a fingerprint of its own, for its vectors differ in some digit.

    Texts go through the network one by one. A network of whole numbers scales its activations by the largest of all that it
    is given at once, padding included: in a batch of eight a text's vector was another one (cosine 0.990) than alone, and an
    index would hang on the order of its articles. On a CPU a batch gains nothing on articles, and a quarter on queries.

    Attributes:
        network: What runs the network.
        tokenizer: Its tokenizer.
        settings: What else decides a vector.
        name: Its folder.
        fingerprint: Equal for two only if they give the same vectors.
        dimension: Length D of a vector.
    """

    def __init__(
        self,
        network: Network,
        tokenizer: PreTrainedTokenizerBase,
        settings: EncoderSettings,
        name: str,
        fingerprint: str,
        dimension: int,
        *,
        matrices: tuple[Matrix, Matrix] = (None, None),
    ) -> None:
        """Wrap what was read; most callers want ``OnnxEncoder.load``."""
        check_pooling(settings, name)
        self.network, self.tokenizer, self.settings = network, tokenizer, settings
        self.name, self.fingerprint, self.dimension = name, fingerprint, dimension
        self.matrix, self.query_matrix = matrices

    @classmethod
    def load(cls, folder: str | Path, *, threads: int | None = None, engine: str = "onnxruntime") -> OnnxEncoder:
        """Read an exported model.

        Args:
            folder: What ``export`` has written, such as ``RUN/export/int8``.
            threads: That share the work on a text; by default one for each core.
            engine: One of ``ENGINES``. Vectors of the two differ in some digit; a fingerprint names the engine too.

        Raises:
            ModelError: It is no such folder, a file is missing or damaged, or the engine is not installed.
        """
        home = Path(folder)
        if not (home / ABOUT).is_file():
            raise ModelError(f"{folder} is no exported model, it has no {ABOUT}: pass a folder that export has written")
        check_files(home)
        about = read_object(home, ABOUT) or {}
        try:
            settings, dimension = EncoderSettings(**about["settings"]), int(about["dimension"])
            tokenizer = AutoTokenizer.from_pretrained(home, trust_remote_code=False)
            stored = load_file(home / MATRICES) if (home / MATRICES).exists() else {}
        except (KeyError, TypeError, ValueError, OSError, SafetensorError) as error:
            raise ModelError(f"{folder} cannot be read ({one_line(error)}): export the model again") from error
        matrices = [check_matrix(stored[n], dimension, str(folder)) if n in stored else None for n in ("both", "queries")]
        network = network_of(home / GRAPH, threads=threads, engine=engine)
        made = _fingerprint(home, settings, engine, stored)
        return cls(network, tokenizer, settings, str(folder), made, dimension, matrices=(matrices[0], matrices[1]))

    @property
    def document_fingerprint(self) -> str:
        """Of what decides documents' vectors: ``fingerprint`` without the matrix for queries alone."""
        return self.fingerprint.split("-")[0]

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors of queries behind their prompt: float32, (len(texts), D), unit length."""
        vectors = self.encode([self.settings.query_prompt + text for text in texts])
        return vectors if self.query_matrix is None else turned(vectors, self.query_matrix)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors of documents behind their prompt: float32, (len(texts), D), unit length."""
        return self.encode([self.settings.document_prompt + text for text in texts])

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector a text, one of documents: float32, (len(texts), D).

        Raises:
            DataError: A text is not a string.
            NotFiniteError: A text has no vector of finite numbers.
        """
        check_strings(texts)
        tokens = self.tokenize(texts)
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for n, own in enumerate(tqdm(tokens, desc="encode", unit="text", disable=len(texts) <= 1000)):
            vectors[n] = self._vector(own)
        check_finite(vectors, texts, self.name)
        return vectors if self.matrix is None else turned(vectors, self.matrix)

    def _vector(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        ids = np.array([tokens], dtype=np.int64)
        return self.network(dict(zip(INPUTS, (ids, np.ones_like(ids)), strict=True)))[0]

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Return token ids of each text, special tokens included, cut to the window."""
        if not texts:
            return []
        return self.tokenizer(list(texts), truncation=True, max_length=self.settings.max_length)["input_ids"]


def load_encoder(folder: str | Path) -> Encoder | OnnxEncoder:
    """Return the encoder in ``folder``, a model or an exported one: what made the vectors of an index.

    Raises:
        ModelError: It is neither, or damaged.
    """
    return OnnxEncoder.load(folder) if Path(folder, ABOUT).is_file() else Encoder.load(folder)


def _fingerprint(home: Path, settings: EncoderSettings, engine: str, matrices: dict[str, Any]) -> str:
    """Return 16 hexadecimal digits of what makes documents' vectors; "-" and more behind them if queries have a matrix."""
    digest = hashlib.sha256(json.dumps({**vars(settings), "engine": engine}, sort_keys=True).encode())
    for name in (GRAPH, "tokenizer.json"):
        digest.update(sha256_of(home / name).encode())
    if "both" in matrices:
        digest.update(matrices["both"].tobytes())
    made = digest.hexdigest()[:16]
    return f"{made}-{hashlib.sha256(matrices['queries'].tobytes()).hexdigest()[:8]}" if "queries" in matrices else made


def network_of(file: Path, *, threads: int | None = None, engine: str = "onnxruntime") -> Network:
    """Return what runs the network in ``file`` on the CPU.

    Args:
        file: An ONNX file.
        threads: That share the work on a text; by default one for each core.
        engine: One of ``ENGINES``.

    Raises:
        ModelError: There is no such engine, it is not installed, or cannot read the file.
    """
    if engine not in ENGINES:
        raise ModelError(f"engine is {engine!r}: pass {' or '.join(ENGINES)}")
    try:
        return _onnxruntime(file, threads) if engine == "onnxruntime" else _openvino(file, threads)
    except ImportError:
        wanted = "'tutorial-lib[export]'" if engine == "onnxruntime" else engine
        raise ModelError(f"to run an exported model takes the package {engine}: pip install {wanted}") from None
    except (RuntimeError, ValueError, OSError) as error:  # onnxruntime's own are RuntimeErrors
        raise ModelError(f"{file} cannot be read ({one_line(error)}): export the model again") from error
    except Exception as error:  # those of its C++ part are of no public class
        if type(error).__module__.startswith("onnxruntime"):
            raise ModelError(f"{file} cannot be read ({one_line(error)}): export the model again") from error
        raise


def _onnxruntime(file: Path, threads: int | None) -> Network:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 3  # errors: it warns of what its own quantization has left in the file
    # Threads that have nothing to do would otherwise run in circles for a while, on cores that others want.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return lambda inputs: np.asarray(session.run([OUTPUT], inputs)[0], dtype=np.float32)


def _openvino(file: Path, threads: int | None) -> Network:
    import openvino

    # Float32 asked for: by default it takes the fastest type of the processor, bfloat16 say.
    options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}
    if threads:
        options["INFERENCE_NUM_THREADS"] = threads
    compiled = openvino.Core().compile_model(str(file), "CPU", options)
    request = compiled.create_infer_request()
    return lambda inputs: np.array(request.infer(inputs)[OUTPUT], dtype=np.float32)
