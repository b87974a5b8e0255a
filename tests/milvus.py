"""What the tests of the index share: encoders whose vectors are known, and every kind of place an index can be in."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from pymilvus import DataType, MilvusClient

from tutorial_lib.index import FlatStore, VectorIndex
from tutorial_lib.models.settings import EncoderSettings

ROOT = Path(__file__).parent.parent
SETTINGS = EncoderSettings()

on_milvus = pytest.mark.parametrize("address", ["file", "server"], indirect=True)
"""Marks a test of what is Milvus' own: it does not run on the flat store."""


@dataclass
class NumberEncoder:
    """Reads the vector from the query's text: "0 1" is (0, 1)."""

    name: str = "numbers"
    fingerprint: str = "f-numbers"
    settings: EncoderSettings = SETTINGS

    def encode_queries(self, texts):
        rows = [[float(x) for x in text.split()] for text in texts]
        return np.array(rows, dtype=np.float32) if rows else np.zeros((0, 2), dtype=np.float32)


@dataclass
class HashEncoder:
    """A text's vector is drawn at random, with its hash and the model's name as the seed; counts what it encodes."""

    name: str = "old"
    settings: EncoderSettings = SETTINGS
    dimension: int = 16
    encoded: list[str] = field(default_factory=list)

    @property
    def fingerprint(self):
        return f"f-{self.name}"

    def encode_queries(self, texts):
        return np.stack([self._vector(t) for t in texts]) if len(texts) else np.zeros((0, self.dimension), np.float32)

    def encode_documents(self, texts):
        self.encoded += texts
        return self.encode_queries(texts)

    def _vector(self, text):
        seed = int.from_bytes(hashlib.sha256(f"{self.name} {text}".encode()).digest()[:8])
        vector = np.random.default_rng(seed).standard_normal(self.dimension)
        return (vector / np.linalg.norm(vector)).astype(np.float32)


def opened(address: str, name: str = "articles") -> VectorIndex:
    """Open an index at an address of the fixture ``address``; "flat:" stands before the folder of a flat store."""
    flat = address.startswith("flat:")
    return VectorIndex(FlatStore(address.removeprefix("flat:")) if flat else address, name)


class Server:
    """``milvus-lite server`` on a free port, in a process of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        command = [Path(sys.executable).with_name("milvus-lite"), "server", "--host", "127.0.0.1"]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), "--data-dir", self.folder],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
        )
        return self

    def wait(self):
        for _ in range(240):
            if self.process.poll() is not None:
                raise RuntimeError("the server has ended")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.25)
        raise RuntimeError("the server does not start")

    def clear(self):
        client = MilvusClient(self.uri)
        for alias in client.list_aliases()["aliases"]:
            client.drop_alias(alias)
        for collection in client.list_collections():
            client.drop_collection(collection)

    def kill(self):
        self.process.kill()
        self.process.wait()


FORKS = """
import json, os, sys, traceback
import tests.milvus, tutorial_lib.index.reindex  # what takes seconds, once for all

for line in sys.stdin:
    script, *arguments = json.loads(line)
    if not (child := os.fork()):
        sys.argv[1:] = arguments
        try:
            exec(script, {})
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@cache
def forks():
    return subprocess.Popen([sys.executable, "-c", FORKS], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run_apart(script: str, *arguments) -> int:
    """Run a Python script in a process of its own and return how it ended, as subprocess does; it must print nothing."""
    forks().stdin.write(json.dumps([script, *map(str, arguments)]) + "\n")
    forks().stdin.flush()
    return int(forks().stdout.readline())


def killed(script: str, *arguments) -> None:
    """Run a script that ends itself with kill -9, and hold it to that."""
    assert run_apart(script, *arguments) == -signal.SIGKILL


def write_format_1(client, collection: str, ids, vectors, encoder) -> None:
    """Write a version as version 0.1 of this package did: rows of id and vector, metadata without a format number."""
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=max(64, max(len(a.encode()) for a in ids)))
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
    parameters = MilvusClient.prepare_index_params()
    parameters.add_index("vector", index_type="FLAT", metric_type="IP")
    record = {
        "fingerprint": encoder.fingerprint,
        "encoder": encoder.name,
        "articles": len(ids),
        "dimension": int(vectors.shape[1]),
    }
    client.create_collection(
        collection,
        schema=schema,
        index_params=parameters,
        consistency_level="Strong",
        properties={"tutorial_lib": json.dumps(record)},
    )
    client.insert(collection, [{"id": a, "vector": v} for a, v in zip(ids, vectors, strict=True)])
    client.flush(collection)
    client.load_collection(collection)
    client.alter_collection_properties(collection, {"tutorial_lib": json.dumps({**record, "complete": True})})
