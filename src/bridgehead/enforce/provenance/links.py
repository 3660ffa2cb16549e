"""Every address in a text: whatever a mail program, a chat or a browser would make a link of.

Read as they read it: entities and percent signs decoded, invisible letters dropped, the dots of every script
taken for dots. It finds too many rather than too few; what it finds needs an endorsed origin.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from bridgehead.enforce.provenance import kinds

_SCHEME = re.compile(
    r"(?:[a-z][a-z0-9+.-]*:[/\\]{1,3}|[/\\]{2}|www\.)[^\s\"'<>()\[\]]+"
    r"|(?:mailto|tel|sms|callto|data|javascript|vbscript|file|magnet):[^\s\"'<>()]+",
    re.IGNORECASE,
)
_HOST = re.compile(
    r"(?<![\w@.-])(?:[^\s\"'<>()\[\]{}/\\@.,;:!?|=&#*`]+\.)+[^\W\d_][^\W_]{0,61}[^\W\d_](?![\w@])"
    r"(?:[/?#:][^\s\"'<>()\[\]]*)?"
)
_DOTS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61\u2024\u00b7\u06d4\u0701\u2e33", "."))
_FILES = frozenset(
    (
        *("pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "txt", "csv", "tsv", "json"),
        *("yaml", "yml", "xml", "html", "htm", "log", "png", "jpg", "jpeg", "gif", "svg"),
    )
)
"""Endings of file names that are no top-level domain: ``report.pdf`` leads nowhere."""


def links(text: str) -> Iterator[str]:
    """Yield every address in a text, each once."""
    found: dict[str, None] = {}
    for read in dict.fromkeys((_seen(text), _seen(unquote(html.unescape(text))))):
        for pattern in (_SCHEME, _HOST):
            for match in pattern.finditer(read):
                link = match[0].rstrip(".,;:!?*_`")
                if link and not _file(link):
                    found.setdefault(link)
    yield from found


def _seen(text: str) -> str:
    """Return a text as a browser reads an address in it."""
    kept = (letter for letter in text if unicodedata.category(letter) != "Cf")
    return kinds.folded("".join(kept).translate(_DOTS)).translate(_DOTS)


def _file(link: str) -> bool:
    return (
        link.count(".") == 1 and link.rpartition(".")[2].casefold() in _FILES and not set("/?#:") & set(link)
    )
