"""What is noted with a version, as text with a check sum: a digit that changes on disk is noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SUM = "sum"


CHANGING = (SUM, "complete", "served")
"""Not summed: noted later, by older versions of this package too, which leave the sum as it is."""


def sealed(record: Mapping[str, Any]) -> str:
    """Return a record, which JSON can hold, as JSON with its check sum.

    >>> sealed({"encoder": "base"})
    '{"encoder": "base", "sum": "e547783d863c5652"}'
    """
    return json.dumps({**record, SUM: _sum(record)})


def unsealed(text: str) -> dict[str, Any]:
    """Return the record in a text that ``sealed`` or an older version of this package has written.

    Raises:
        ValueError: It is no JSON object, or is not what was written.

    >>> unsealed('{"encoder": "tuned", "sum": "e547783d863c5652"}')
    Traceback (most recent call last):
    ValueError: its check sum is e547783d863c5652, and what stands there has ...
    """
    record = json.loads(text)
    if not isinstance(record, dict):
        raise ValueError(f"it is a JSON {type(record).__name__}, not an object")
    noted = record.pop(SUM, None)
    if noted is not None and noted != _sum(record):
        raise ValueError(f"its check sum is {noted}, and what stands there has {_sum(record)}")
    return record


def _sum(record: Mapping[str, Any]) -> str:
    lasting = {key: value for key, value in record.items() if key not in CHANGING}
    return hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()[:16]
