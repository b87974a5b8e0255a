"""Log lines as JSON, one event a line: what programs can read, without what users have typed."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
"""Attributes that every record has; the others are what ``extra`` has added."""


class JsonLines(logging.Formatter):
    r"""One JSON object a line: time, level, event, and what was given as ``extra``.

    A line break in a value is escaped, so that nobody writes a line of their own into the log.

    >>> record = logging.makeLogRecord({"msg": "answered", "levelname": "INFO", "created": 0.0, "route": "/a\nb"})
    >>> JsonLines().format(record)
    '{"time": "1970-01-01T00:00:00.000+00:00", "level": "info", "event": "answered", "route": "/a\\nb"}'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a break at its end."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": when, "level": record.levelname.lower(), "event": record.getMessage()}
        line |= {key: value for key, value in vars(record).items() if key not in _OWN}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_as_json(level: int = logging.INFO) -> None:
    """Let this service and uvicorn log to stderr as ``JsonLines``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in ("tutorial_lib", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
