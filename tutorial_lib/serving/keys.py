"""API keys: several, from the environment, compared in the same time whatever is sent."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable

from tutorial_lib.data.dataset import DataError
from tutorial_lib.serving.errors import ApiError

VARIABLE = "TUTORIAL_API_KEYS"
"""Environment variable of the keys, with commas between."""

SHORTEST = 16
"""Characters of a key at least: a shorter one could be guessed."""


class Keys:
    """Keys of which a request must bring one; without any, everybody is let in. Only their hashes are kept.

    >>> Keys(["a-key-nobody-will-guess"]).check("Bearer a-key-nobody-will-guess")
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        """Take keys.

        Raises:
            DataError: One is too short, or holds what no header may; it is not shown.
        """
        given = list(keys)
        for n, key in enumerate(given, 1):
            if len(key) < SHORTEST or not key.isascii() or not key.isprintable() or " " in key:
                raise DataError(
                    f"key {n} of {len(given)} in {VARIABLE} cannot be used: pass at least {SHORTEST} letters, digits and "
                    "signs without a space (openssl rand -hex 24 makes one)"
                )
        self._hashes = [_hash(key) for key in given]

    @classmethod
    def from_environment(cls) -> Keys:
        """Return the keys that the environment names."""
        return cls(key.strip() for key in os.environ.get(VARIABLE, "").split(",") if key.strip())

    def __bool__(self) -> bool:
        """Whether a key is asked for."""
        return bool(self._hashes)

    def check(self, authorization: str | None) -> None:
        """Let a request in, or not.

        Args:
            authorization: Its header of this name.

        Raises:
            ApiError: It brings no key, or none of ours.
        """
        if not self._hashes:
            return
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise ApiError(401, "a key is asked for: send the header Authorization: Bearer KEY", code="missing_api_key")
        sent = _hash(key.strip())
        found = [hmac.compare_digest(sent, own) for own in self._hashes]  # all of them, whichever fits
        if not any(found):
            raise ApiError(401, "this key is none of ours", code="invalid_api_key")


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
