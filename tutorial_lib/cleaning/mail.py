"""What a mail holds besides its writer's words: quoted mails and signatures, cut only where a sign says that it is one.

A tail that looks odd is as often the point of the ticket: an error code, a part number, a list of wishes, a pasted header.
So a quote must follow a header with a date and an address, and a signature must follow its mark or a closing ("Regards"), or
hold a name, phone or mail; a line with codes, links, brackets or words of the articles is never one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from tutorial_lib.cleaning.names import first_names
from tutorial_lib.text import tokenize

_WROTE = re.compile(
    r"^[>\s]*(?:on|am|le|el|il|op|em|den|w dniu)\b.{1,300}\b"
    r"(?:wrote|schrieb|a écrit|escribió|ha scritto|schreef|escreveu|skrev|napisał)\b.{0,120}:\s*$",
    re.IGNORECASE,
)
_FIRST_PERSON = re.compile(r"\b(?:I|we|ich|wir) (?:wrote|schrieb\w*)\b|\bschrieb(?:en)? (?:ich|wir)\b", re.IGNORECASE)
_DATED = re.compile(r"\d{4}|\d\d?[:h.]\d\d")
_ADDRESS = re.compile(r"\S+@\S+\.\w+")
_SEPARATOR = re.compile(
    r"^[>\s]*[-_\s]{3,}(?:original message|forwarded(?: message)?|ursprüngliche nachricht|"
    r"weitergeleitete nachricht|message d'origine|"
    r"message transféré|mensaje original|messaggio originale|oorspronkelijk bericht|mensagem original)[-_\s]{3,}$",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"^[>*\s]*(?:(from|von|de|da|van|发件人|差出人)|(sent|date|gesendet|datum|envoyé|enviado|fecha|inviato|data|verzonden|"
    r"发送时间|送信日時)|to|an|à|para|a|aan|cc|subject|betreff|objet|asunto|oggetto|onderwerp|assunto|收件人|主题|宛先|件名)"
    r"\s*:[*\s]*\S",
    re.IGNORECASE,
)
_MARK = re.compile(r"^(?:--|__|—)\s*$")
CLOSINGS_OF = frozenset({"en", "de", "fr", "es", "it", "pt", "nl"})
"""Languages whose closings ("Regards") are known."""

_PHONE_CLIENT = re.compile(
    r"^(?:sent from (?:my|an?|the)(?: [\w'’-]+){1,7}(?:,(?: [\w'’-]+){1,4})?|get [\w-]+ for \w+|"
    r"von meinem \w+(?: \w+)? gesendet|envoyé de mon \w+|"
    r"enviado desde mi \w+|inviato da \w+)\.?$",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"^(?:(?:best|kind|kindest|warm|many|with best|with kind)?[ ]?(?:regards|wishes)|best|cheers|ta|thanks(?: a lot| again)?|"
    r"many thanks|thank you(?: very much)?|thx|yours(?: sincerely| faithfully| truly)?|sincerely|rgds|br|"
    r"(?:mit )?(?:freundlichen?|besten?|vielen?|lieben?|herzlichen?|schönen?) (?:grü(?:ß|ss)en?|dank)|grü(?:ß|ss)e|"
    r"gru(?:ß|ss)|mfg|lg|vg|danke|(?:bien )?cordialement|(?:bien )?à vous|merci(?: d'avance)?|bonne journée|salutations|"
    r"un saludo|saludos|gracias|cordiali saluti|grazie|groeten|met vriendelijke groet|obrigad[oa]|atenciosamente)"
    r"(?-i:(?P<name>(?:[,!.]| [-–—])? [A-ZÀ-Þ][\w'’-]*(?: [A-ZÀ-Þ][\w.'’-]*){0,2}))?[,!. ]*$",
    re.IGNORECASE,
)
_CONTACT = re.compile(
    r"^(?:(?:tel|phone|mobile?|mob|fax|cell|telefon|handy|tél|e-?mail|web|t|m|p|e)\b\.?:? *)?"
    r"(?:\+?[\d\s()/.-]{7,}|<?\S+@\S+\.\w+>?|(?:https?://)?(?:www\.)?[\w-]+(?:\.[\w-]+)+/?)$",
    re.IGNORECASE,
)
_PHONE = re.compile(r"(?<![\w.-])\+?\(?\d[\d\s()/.-]{6,}\d(?![\w-])")
_TITLE = re.compile(r"^(?:dr|mr|mrs|ms|prof|herr|frau|m|mme)\b\.? +", re.IGNORECASE)
_CODE = re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])\w{4,}|\b[A-Z]+[- ]\d{2,}\b|\b\d+\.\d+\.\d|https?://[^/\s]+/\S|[\[\]{}|=\\]")
_FUNCTION_WORDS = frozenset({"the", "of", "and", "for", "in", "at", "to", "a", "an", "und", "der", "die", "et", "de", "la"})
_MOST_LINES = 6
"""Most lines of a signature without a mark."""


def own_words(text: str, known: Collection[str] = frozenset()) -> str:
    """Return what the writer of a mail wrote: without quoted mails, signature and "Sent from my phone".

    Args:
        text: The mail, its subject in the first line.
        known: Words of the articles: a line that holds one of them is no signature.
    """
    lines = _without_signature(_without_quotes(text.strip().split("\n")), known)
    return "\n".join(lines).strip()


def _without_quotes(lines: Sequence[str]) -> list[str]:
    """Return the lines without quoted mails: from a header to the end, or to where its lines with ">" end."""
    kept: list[str] = []
    n = 0
    while n < len(lines):
        after = _header_end(lines, n)
        if not after:
            kept.append(lines[n])
            n += 1
            continue
        quoted = after
        while quoted < len(lines) and (lines[quoted].startswith(">") or not lines[quoted].strip()):
            quoted += 1
        if any(line.startswith(">") for line in lines[after:quoted]):
            n = quoted  # what follows the marked lines is the writer's again
        else:
            break
    return kept


def _header_end(lines: Sequence[str], n: int) -> int:
    """Return the place after the header of a quoted mail that begins at line ``n``, 0 if none does."""
    if _SEPARATOR.match(lines[n]):
        return n + 1
    for end in (n + 1, n + 2):  # mail programs break long headers
        header = " ".join(lines[n:end])
        if len(header) < 500 and _WROTE.match(header) and not _FIRST_PERSON.search(header):
            marked = next((line for line in lines[end:] if line.strip()), "").startswith(">")
            if marked or (_ADDRESS.search(header) and _DATED.search(header)):
                return min(end, len(lines))
    return _fields_end(lines, n)


def _fields_end(lines: Sequence[str], n: int) -> int:
    """Return the place after a block such as From, Sent, To, Subject; 0 where its writer announces it ("in this mail:")."""
    first = _FIELD.match(lines[n])
    if not (first and first[1]):
        return 0
    end, dated = n, False
    while end < len(lines) and (field := _FIELD.match(lines[end])):
        dated = dated or bool(field[2] and re.search(r"\d", lines[end]))
        end += 1
    above = next((line for line in reversed(lines[:n]) if line.strip(" _-")), "")
    return end if end - n >= 3 and dated and above and not above.rstrip().endswith((":", "：", ",")) else 0


def _without_signature(lines: list[str], known: Collection[str]) -> list[str]:
    while len(lines) > 1 and (not lines[-1].strip() or _PHONE_CLIENT.match(lines[-1].strip())):
        lines = lines[:-1]
    for n in range(1, len(lines)):
        tail = [line.strip() for line in lines[n + 1 :] if line.strip()]
        if _MARK.match(lines[n]) and len(tail) <= 2 * _MOST_LINES:
            return lines[:n] + [line for line in tail if _CODE.search(line) and not _is_contact(line)]
    start = _signature_start(lines, known)
    tail = [line.strip() for line in lines[start:]]
    return lines[:start] + [line for line in tail if line and not _may_go(line, known)]


def _signature_start(lines: Sequence[str], known: Collection[str]) -> int:
    """Return the place of the first sign of a signature in the last lines; ``len(lines)`` if there is none.

    What comes after it must be short lines; what comes before, unless it is a closing, must have ended its sentence.
    """
    found, count = len(lines), 0
    for n in range(len(lines) - 1, 0, -1):
        line = lines[n].strip()
        if not line:
            continue
        count += 1
        if _is_closing(line, known):
            return n
        if count > _MOST_LINES or len(line.split()) > 8 or line.endswith((".", "?", "!", ":", ";", "。", "？", "！")):
            break
        above = next((other.rstrip() for other in reversed(lines[:n]) if other.strip()), "")
        ended = above.endswith((".", "?", "!", ")", "…", "。", "？", "！")) or (found < len(lines) and n >= found - 2)
        below_name = n > 2 and len(above.split()) <= 4 and above.lstrip("-–—/ ")[:1].isupper()
        if n > 1 and ((_is_contact(line) and (ended or below_name)) or (ended and _is_name(line, known))):
            found = n
    return found


def _may_go(line: str, known: Collection[str]) -> bool:
    """Return whether a line of a signature says nothing else: no code, no digits but a phone's, no word of the articles."""
    if _is_closing(line, known) or _is_contact(line) or _is_name(line, known):
        return True
    rest = _PHONE.sub("", _ADDRESS.sub("", line))
    return not re.search(r"\d", rest) and not _CODE.search(rest) and not _holds(rest, known)


def _is_closing(line: str, known: Collection[str]) -> bool:
    closing = _CLOSING.match(line)
    return closing is not None and not _holds(closing["name"] or "", known)


def _is_contact(line: str) -> bool:
    return bool(_CONTACT.match(line)) and bool(re.search(r"@|www\.", line) or _PHONE.search(line))


def _holds(line: str, known: Collection[str]) -> bool:
    return any(w in known for w in tokenize(line) if w not in _FUNCTION_WORDS)


def _is_name(line: str, known: Collection[str]) -> bool:
    """Return whether a line is, or begins with, a person's name: one to three capitalised words, the first a first name."""
    words = _TITLE.sub("", re.split(r"[,(|/<]|\s[-–—]\s", _PHONE.sub("", line).lstrip("-–—/ "))[0]).split()
    return (
        1 <= len(words) <= 3
        and words[0] in first_names()
        and all(w[0].isupper() and not re.search(r"\d", w) for w in words)
        and not all(w in known for w in tokenize(" ".join(words)))
    )
