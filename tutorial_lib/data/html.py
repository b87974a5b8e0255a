"""Texts that are written in HTML, as a reader sees them."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

_BLOCKS_WORDS = """
    address article aside blockquote body caption dd details div dl dt fieldset figcaption figure footer form h1 h2
    h3 h4 h5 h6 header hr html legend li main nav ol p pre section summary table tbody tfoot thead tr ul
"""
_BLOCKS = frozenset(_BLOCKS_WORDS.split())
_CELLS = frozenset({"td", "th"})
_HIDDEN = frozenset({"head", "script", "style", "template", "title", "noscript", "svg", "object", "iframe"})
_VOID_WORDS = """
    area base br col embed hr img input link meta source track wbr
"""
_VOID = frozenset(_VOID_WORDS.split())
_INLINE_WORDS = """
    a abbr acronym b bdi bdo big button center cite code colgroup data del dfn em font i ins kbd label map mark
    option picture q s samp select small span strike strong sub sup textarea time tt u var video audio
"""
_INLINE = frozenset(_INLINE_WORDS.split())
_NAMES = "|".join(sorted(_BLOCKS | _CELLS | _HIDDEN | _VOID | _INLINE, key=len, reverse=True))
_CLOSED = re.compile(rf"</(?:{_NAMES})\s*>|<(?:br|hr)\s*/?>|<(?:img|meta|link)\s[^<>]*>", re.IGNORECASE)
_TAG = rf"</?(?:{_NAMES})(?=[\s/>])[^<>]*>"
_ANY_TAG = re.compile(_TAG, re.IGNORECASE)
_NO_TAG = re.compile(rf"<(?!{_TAG[1:]})", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_ASIDE = re.compile(r"<!--|<!(?:doctype|\[)[^>]*>|<\?[^>]*>|</?\w+:\w+[^<>]*>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.IGNORECASE)


def holds_html(text: str) -> bool:
    """Return whether ``text`` holds tags of HTML, opened and closed; ``<name>`` and ``a < b`` are none.

    >>> [holds_html("<p>Pay <b>now</b></p>"), holds_html("Hello<br>Ola"), holds_html("put <your name> where a < b")]
    [True, True, False]
    """
    return "<" in text and _CLOSED.search(text) is not None and _ANY_TAG.search(text) is not None


def visible_text(text: str) -> str:
    r"""Return what a reader sees of a cell of HTML: a line a block, without tags, styles and scripts, entities as characters.

    What looks like a tag and is none of HTML's (``<your name>``) stays as it is, and so do the lines of a cell without tags.

    >>> visible_text("<div><p>Pay&nbsp;now, <b>or</b></p><ul><li>enter &lt;code&gt;</li><li>a < b</li></ul></div>")
    'Pay now, or\n\nenter <code>\na < b'
    """
    if not holds_html(text):
        return _ENTITY.sub(lambda found: html.unescape(found[0]), text).replace("\xa0", " ")
    reader = _Reader()
    end = text.rfind("-->") + 3  # before it every comment is closed: none is looked for in vain
    text = _COMMENT.sub(" ", text[:end]) + text[end:] if end > 2 else text
    reader.feed(_NO_TAG.sub("&lt;", _ASIDE.sub(" ", text)))
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).replace("\xa0", " ").split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    """Collects the visible text; line breaks of the source are spaces, those of blocks are line breaks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden: list[str] = []
        self.preformatted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._boundary(tag)
        style = next((v or "" for k, v in attrs if k == "style"), "").replace(" ", "").lower()
        if tag not in _VOID and (self.hidden or tag in _HIDDEN or "display:none" in style):
            self.hidden.append(tag)
        self.preformatted += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:  # <br/> is told as opened and closed
            return
        if tag in self.hidden:
            while self.hidden.pop() != tag:
                pass
        self.preformatted = max(0, self.preformatted - (tag == "pre"))
        self._boundary(tag)

    def handle_data(self, data: str) -> None:
        between = not data.strip() and "".join(self.parts[-1:]).endswith("\n")
        if not self.hidden and not between:
            self.parts.append(data if self.preformatted else re.sub(r"\s+", " ", data))

    def _boundary(self, tag: str) -> None:
        if self.hidden:
            return
        if tag == "br" or tag in _BLOCKS:
            ends_line = tag != "br" and "".join(self.parts[-1:]).endswith("\n")
            self.parts.append("" if ends_line else "\n")
        elif tag in _CELLS:
            self.parts.append(" ")
