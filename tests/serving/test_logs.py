"""Log lines: one JSON object each, whatever they hold."""

import json
import logging

import pytest

from tutorial_lib.serving.logs import JsonLines, log_as_json


def test_a_line_holds_what_was_given_and_breaks_nowhere():
    record = logging.makeLogRecord({"msg": "a\nb %s", "args": ("c",), "levelname": "WARNING", "route": "\u2028\x1b[31m"})
    line = JsonLines().format(record)
    assert "\n" not in line
    assert line.isascii()
    assert json.loads(line) | {"time": ""} == {"time": "", "level": "warning", "event": "a\nb c", "route": "\u2028\x1b[31m"}


def test_an_exception_is_in_its_line():
    try:
        raise ValueError("broken")
    except ValueError as error:
        record = logging.makeLogRecord({"exc_info": (ValueError, error, error.__traceback__)})
    assert "ValueError: broken" in json.loads(JsonLines().format(record))["error"]


@pytest.fixture
def loggers_as_they_were():
    loggers = [logging.getLogger(name) for name in ("tutorial_lib", "uvicorn")]
    before = [(logger.handlers, logger.propagate, logger.level) for logger in loggers]
    yield
    for logger, (handlers, propagate, level) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


@pytest.mark.usefixtures("loggers_as_they_were")
def test_the_service_and_uvicorn_log_to_stderr_once(capsys):
    for _ in range(2):
        log_as_json()
    logging.getLogger("uvicorn.error").info("Started")
    logging.getLogger("tutorial_lib.serving.app").info("answered", extra={"status": 200})
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line.get("status")) for line in lines] == [("Started", None), ("answered", 200)]
