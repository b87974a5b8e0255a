"""Which encoding a text file is in, and its text line by line, unpacked where it is a ``.gz``."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, cast

import regex

from tutorial_lib.data.dataset import DataError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_TEXT = frozenset({"punycode", "idna", "undefined", "unicode_escape", "raw_unicode_escape"})
_LATIN = regex.compile(r"cp125\d|cp437|cp85\d|iso8859.*|latin.*|mac.*|charmap")
_MANY = 8
"""Letters outside ASCII after which well-formed UTF-8 is no chance, even for an East Asian encoding of two bytes a letter."""


def check_encoding(name: str, where: str) -> None:
    """Refuse what is no encoding of text.

    Raises:
        DataError: ``name`` is unknown, or encodes no text (base64, rot13, punycode); ``where`` says what names it.
    """
    try:
        known = codecs.lookup(name).name not in _NO_TEXT and bool("id".encode(name))
    except (LookupError, ValueError):
        known = False
    if not known:
        raise DataError(f"encoding = {name!r} {where} is not known as an encoding of text: name one such as 'cp1252'")


def is_utf(name: str) -> bool:
    """Return whether ``name`` is UTF-8, or ASCII, which is part of it."""
    return codecs.lookup(name).name in {"utf-8", "utf-8-sig", "ascii"}


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, unpacked if its name ends in ``.gz``.

    Raises:
        DataError: It ends in ``.gz`` and is none, or a damaged one.
    """
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            yield cast("BinaryIO", file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: no whole gzip file ({error}): pack it again, or pass the file unpacked") from None


def found_encoding(path: Path, named: str) -> str:
    """Return the encoding to read a text file in: that of its byte order mark, else what its bytes prove, else ``named``.

    Raises:
        DataError: ``named`` is no UTF and the file is UTF-8 beyond doubt: reading it as ``named`` would garble it; or
            ``named`` is UTF-16 and the file is not.
    """
    with open_bytes(path) as file:
        head = file.read(4096)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    wide = _without_mark(head)
    if wide:
        return wide
    if codecs.lookup(named).name in {"utf-16", "utf-32"}:
        raise DataError(f"{path}: no {named} (no byte order mark, and no zero byte in every other place): name its encoding")
    if not is_utf(named) and _is_utf_8(path, 1 if _LATIN.match(codecs.lookup(named).name) else _MANY):
        raise DataError(
            f'{path}: is UTF-8, and would be garbled by encoding = "{named}": name the encoding of each file in its own '
            'table of the mapping, here encoding = "utf-8"'
        )
    return named


def _without_mark(head: bytes) -> str:
    """Return UTF-16 LE or BE where the zero bytes of a file's first letters show it, else nothing."""
    even, odd = head[0:2000:2], head[1:2000:2]
    if len(odd) < 4:
        return ""
    for zeros, letters, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if zeros.count(0) > 0.4 * len(zeros) and letters.count(0) < 0.05 * len(letters):
            return encoding
    return ""


def _is_utf_8(path: Path, least: int) -> bool:
    """Return whether a whole file is well-formed UTF-8 with ``least`` letters that ASCII does not have."""
    decoder, found = codecs.getincrementaldecoder("utf-8")(), 0
    with open_bytes(path) as file:
        try:
            while block := file.read(1 << 20):
                text = decoder.decode(block)
                found += 0 if text.isascii() else sum(c > "\x7f" for c in text)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return found >= least


@contextmanager
def open_text(path: Path, encoding: str, advice: str) -> Iterator[TextIOWrapper]:
    """Open a text file with its line ends as they are.

    Raises:
        DataError: It cannot be decoded; names line and byte, and ends with ``advice``.
    """
    with open_bytes(path) as raw, TextIOWrapper(raw, encoding=encoding, newline="") as file:
        try:
            yield file
        except UnicodeError:
            raise DataError(f"{path} {_undecodable(path, encoding)}: {advice}") from None


def _undecodable(path: Path, encoding: str) -> str:
    """Return where a file cannot be decoded, and what stands there."""
    decoder, lines = codecs.getincrementaldecoder(encoding)(), 1
    named = encoding.upper().removesuffix("-SIG") if encoding.startswith("utf-8") else encoding
    with open_bytes(path) as file:
        try:
            while block := file.read(1 << 16):
                lines += decoder.decode(block).count("\n")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            lines += error.object[: error.start].decode(encoding, "replace").count("\n")
            shown = error.object[max(0, error.start - 20) : error.end + 20]
            return f"line {lines}: not {named} (byte 0x{error.object[error.start]:02x} in {shown!r})"
        except UnicodeError as error:
            return f"line {lines}: not {named} ({error})"
    return f"line {lines}: not {named}"
