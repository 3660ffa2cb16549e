"""Templates to answers. Everything is escaped; nothing is ever marked safe."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from bridgehead.explain import words
from bridgehead.explain.figures import plain

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
STATIC = HERE / "static"


@cache
def environment() -> Environment:
    """Return the template environment: autoescape for every file, undefined names are errors."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        moment=words.moment,
        as_of=words.as_of,
        dated=words.dated,
        said=words.said,
        briefly=words.briefly,
        clock=clock,
        shown=words.shown,
        pretty=pretty,
        thousands=thousands,
        short=short,
        one_segment=one_segment,
    )
    made.globals.update(plural=words.plural)
    return made


def html(template: str, context: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """Return a rendered page."""
    text = environment().get_template(template).render(**{"theme": "", "frame": None, **context})
    return HTMLResponse(text, status_code=status)


def etag(*parts: Any) -> str:
    """Return a strong tag over what a page shows."""
    text = json.dumps([plain(part) for part in parts], sort_keys=True, ensure_ascii=False)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def unchanged(tag: str) -> Response:
    """Return a 304 with the tag."""
    return Response(status_code=304, headers={"ETag": tag})


def clock(text: str) -> str:
    """Return the time of day, ``14:30:05``, of an RFC 3339 text."""
    return f"{datetime.fromisoformat(text):%H:%M:%S}"


def pretty(value: Any) -> str:
    """Return a value as indented JSON text, for the folded details."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False, sort_keys=True)


def thousands(text: str) -> str:
    """Return digits grouped with thin spaces: ``12 345.60``. Anything else is returned as it is."""
    whole, dot, rest = text.partition(".")
    if not whole.isdigit():
        return text
    return f"{int(whole):,}".replace(",", "\u202f") + dot + rest


def short(text: str, length: int = 12) -> str:
    """Return the head of a digest or id, for reading; the full one stands in a title or a link."""
    return text if len(text) <= length else f"{text[:length]}…"


def one_segment(text: str) -> str:
    """Return a name as one segment of an address: a slash in it is part of the name."""
    return quote(text, safe="")
