"""The process that parses files of others: ``python -m bridgehead.connect.collections.parsing``.

In: a kind and bytes, on standard input. Out: a text and its sections, or the words why not. It opens no file
and no connection, may take only so much memory and time, and writes nothing down.
"""

from __future__ import annotations

import contextlib
import logging
import resource
import sys
from collections.abc import Callable
from typing import Any

from bridgehead.connect.collections.apart import MEMORY, SECONDS
from bridgehead.connect.collections.text import MAX_CHARACTERS, Text, Unreadable
from bridgehead.connect.messages import receive, send


def parse(kind: str, data: bytes, max_bytes: int) -> Text:
    """Return what a file of a kind says. Raises ``Unreadable``, and whatever a library raises."""
    if kind == "html":
        from bridgehead.connect.collections.html_text import html

        return html(data)
    if kind == "mail":
        from bridgehead.connect.collections.mail import mail

        return mail(data)
    if kind == "docx":
        from bridgehead.connect.collections.docx import docx

        return docx(data, max_bytes)
    from bridgehead.connect.collections.pdf import pdf

    return pdf(data)


def answered(
    kind: str, data: bytes, max_bytes: int, parse: Callable[[str, bytes, int], Text]
) -> dict[str, Any]:
    """Return the answer to one question: a text, or why there is none."""
    try:
        text = parse(kind, data, max_bytes)
    except Unreadable as error:
        return {"refused": str(error)}
    except (MemoryError, RecursionError):
        return {"refused": "reading it takes too much memory"}
    except Exception as error:  # whatever a library makes of a broken file
        return {"refused": f"it is broken ({type(error).__name__})"}
    if len(text.body) > MAX_CHARACTERS:
        return {"refused": f"it has more than {MAX_CHARACTERS} characters"}
    sections = [[list(one.headings), one.start, one.end, one.page] for one in text.sections]
    return {"title": _clean(text.title), "body": _clean(text.body), "sections": sections}


def _clean(text: str) -> str:
    """Return a text of the same length that can be kept: no half characters, no NUL."""
    return text.encode("utf-8", "replace").decode().replace("\x00", " ")


def main() -> None:
    """Answer until standard input ends."""
    logging.disable(logging.CRITICAL)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    used = 0.0
    while True:
        try:
            asked, data = receive(sys.stdin.buffer)
        except EOFError:
            return
        usage = resource.getrusage(resource.RUSAGE_SELF)
        used = usage.ru_utime + usage.ru_stime
        with contextlib.suppress(ValueError, OSError):
            hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
            resource.setrlimit(resource.RLIMIT_CPU, (int(used) + SECONDS, hard))
        send(sys.stdout.buffer, answered(asked["kind"], data, asked["max_bytes"], parse))


if __name__ == "__main__":
    main()
