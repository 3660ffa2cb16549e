"""HTML: what a reader sees, by its headings. Scripts, styles and what is hidden are not read."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from bridgehead.connect.collections.text import Text, Unreadable, Writing

_UNSEEN = frozenset(
    {"script", "style", "template", "noscript", "svg", "math", "iframe", "object", "nav", "select"}
)
_VOID = frozenset(
    {
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    }
)
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "dd", "div", "dl", "dt", "figcaption", "figure"}
    | {"footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre"}
    | {"section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"}
)
_HIDING = re.compile(
    r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*hidden|(?:font-size|opacity)\s*:\s*0(?:\.0*)?(?![.\d]))",
    re.IGNORECASE,
)
MAX_DEPTH = 2000


def html(data: bytes, charset: str = "") -> Text:
    """Return what a page says."""
    return html_of(_decoded(data, charset))


def html_of(markup: str) -> Text:
    """Return what a page says, from its text."""
    page = _Page()
    page.feed(markup)
    page.close()
    page.end()
    return page.writing.text(" ".join("".join(page.title).split()))


def _decoded(data: bytes, charset: str) -> str:
    for name in (charset, _declared(data), "utf-8", "windows-1252"):
        if name:
            try:
                return data.decode(name)
            except (LookupError, UnicodeDecodeError):
                continue
    raise Unreadable("its characters cannot be told")


def _declared(data: bytes) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    found = re.search(
        rb"""<meta[^>]{0,200}charset\s*=\s*["']?([A-Za-z0-9_-]{1,40})""", data[:4096], re.IGNORECASE
    )
    return found[1].decode("ascii") if found else ""


class _Page(HTMLParser):
    """Follows a page and writes what is seen of it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.writing = Writing()
        self.title: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self._unseen = 0
        self._words: list[str] = []
        self._level = 0
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        if tag in _BLOCKS:
            self._flush()
        if tag == "br":
            self._words.append("\n")
        if tag in _VOID:
            return
        if len(self._open) >= MAX_DEPTH:
            raise Unreadable("its elements are nested too deep")
        unseen = tag in _UNSEEN or _hidden({name: value or "" for name, value in attrs})
        self._open.append((tag, unseen))
        self._unseen += unseen
        if len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            self._level = int(tag[1])
        self._in_title = self._in_title or tag == "title"

    def handle_endtag(self, tag: str) -> None:
        """An element ends, and whatever was left open in it."""
        if tag in _BLOCKS:
            self._flush()
        if tag == "title":
            self._in_title = False
        if all(name != tag for name, _ in self._open):
            return
        while self._open:
            name, unseen = self._open.pop()
            self._unseen -= unseen
            if name == tag:
                break
        if len(tag) == 2 and tag[0] == "h":
            self._level = 0

    def handle_data(self, data: str) -> None:
        """Words."""
        if self._in_title and not self._unseen:
            self.title.append(data)
        elif not self._unseen:
            self._words.append(data)

    def end(self) -> None:
        """Write what is left."""
        self._flush()

    def _flush(self) -> None:
        lines = (" ".join(line.split()) for line in "".join(self._words).split("\n\n"))
        words = " ".join(line for line in lines if line)
        self._words.clear()
        if words and self._level:
            self.writing.heading(self._level, words)
        elif words:
            self.writing.paragraph(words)


def _hidden(attributes: dict[str, str]) -> bool:
    """What a reader does not see is not what the page says: it would only speak to a model."""
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden", "").lower() == "true"
        or _HIDING.search(attributes.get("style", "")) is not None
    )
