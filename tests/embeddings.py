"""An embeddings API as OpenAI's is documented, for a double to answer with: a text's vector counts its letters."""

import base64

import numpy as np

KEY = "sk-secret-key"
LETTERS = "abcdefgh"  # a vector has 8 numbers
FIELDS = {"input", "model", "encoding_format", "dimensions", "user"}
"""What a request may hold; a test holds it equal to what the official client sends."""


def vector(text, dimensions=8):
    """How often each letter stands in a text, and 1 more so that none is without length: not yet of unit length."""
    return np.array([1 + text.lower().count(letter) for letter in LETTERS[:dimensions]], dtype=np.float32)


def unit(text, dimensions=8):
    """The vector of a text as an encoder gives it."""
    made = vector(text, dimensions).astype(np.float64)
    return (made / np.linalg.norm(made)).astype(np.float32)


def embeddings(path, body):
    """Answer a request as the service does, its refusals among them; the vectors in any order."""
    if path != "/v1/embeddings":
        return 404, {"error": {"message": f"Unknown request URL: POST {path}"}}
    if unknown := set(body) - FIELDS:
        return 400, {"error": {"message": f"Unrecognized request argument supplied: {min(unknown)}"}}
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    if not 1 <= len(texts) <= 2048 or "" in texts:
        return 400, {"error": {"message": "'$.input' is invalid. Please check the API reference."}}
    return 200, reply([vector(text, body.get("dimensions", len(LETTERS))) for text in texts], texts, body)


def reply(vectors, texts, body):
    """A reply of some vectors, the last one first."""
    data = [
        {"object": "embedding", "index": n, "embedding": as_sent(row, body.get("encoding_format"))}
        for n, row in enumerate(vectors)
    ]
    tokens = sum(len(text.split()) for text in texts)
    return {
        "object": "list",
        "data": data[::-1],
        "model": body["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def as_sent(row, encoding_format):
    """A vector as JSON holds it."""
    if encoding_format == "base64":
        return base64.b64encode(np.asarray(row, dtype="<f4").tobytes()).decode()
    return [float(n) for n in row]
