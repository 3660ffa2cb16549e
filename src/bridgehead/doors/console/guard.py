"""Raw ASGI around every answer: security headers, and no unsafe request from another site.

An unsafe request (anything but GET and HEAD) must prove that a page of this console made it, by
``Sec-Fetch-Site`` or ``Origin``. No tokens: https://www.w3.org/TR/fetch-metadata/ section 2.1.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridgehead.doors.console.problem import Problem, as_response

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

SAFE = ("GET", "HEAD")

ELSEWHERE = Problem(
    status=403,
    code="BH-DOO-005",
    what="This request did not come from a page of this console.",
    means="Nothing was decided and nothing was changed.",
    fix="Open the page here and press the button yourself.",
)


class Guard:
    """Wraps the console: refuses foreign unsafe requests, adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        if scope["method"] not in SAFE and not from_here(headers):
            await as_response(ELSEWHERE, headers)(scope, receive, guarded)
            return
        await self.app(scope, receive, guarded)


def from_here(headers: Headers) -> bool:
    """Say whether the browser proves that this request was made by a page of this console.

    Both proofs must agree where both are there; with neither, it is refused.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None and origin is None:
        return False
    if site is not None and site != "same-origin":
        return False
    return origin is None or urlsplit(origin).netloc == headers.get("host", "")
