"""The driver for any OpenAI-compatible chat endpoint.

One session with a warm pool for the life of the driver. What it never does: follow a redirect
(prompts would leave the region the charter names), read proxies or ``.netrc`` from the environment,
retry, or let the key into an error, a log or a representation.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bridgehead.connect.faults import (
    LIMIT_BYTES,
    bad_setting,
    late,
    lost,
    not_open,
    shorten,
    unknown_operation,
    unusable,
    with_bound,
)
from bridgehead.connect.models import chat
from bridgehead.connect.models.frames import Assembly, Delta, events
from bridgehead.connect.substitute import substitute
from bridgehead.connect.value import recordable
from bridgehead.declare.model import Model
from bridgehead.kernel.canonical import digest
from bridgehead.kernel.errors import ConnectError, EffectState
from bridgehead.kernel.ports import Operation, Reply, Request

NOTHING_DONE = {408, 425, 429, 503}
"""Statuses by which an endpoint says it did not work on a request it may be asked again."""

MOST_STREAMED = 16 * LIMIT_BYTES
"""Bytes of a whole stream: frames weigh far more than the text they carry, which is bounded too."""

_NEW_LIMIT_HOSTS = ("api.openai.com", ".openai.azure.com")
"""Hosts that refuse ``max_tokens``; everyone else knows only that name or both."""


class OpenAIModel:
    """One model behind an OpenAI-compatible endpoint. Its one operation is its name in the charter."""

    def __init__(self, name: str, settings: Model, environ: Mapping[str, str] | None = None) -> None:
        env = os.environ if environ is None else environ
        self.name = name
        self.region = settings.region
        self.model = substitute(settings.model, used_by=f"model {name}", environ=env) or name
        self._settings = settings
        self._base = _base(name, settings, env)
        self._limit_name = _limit_name(self._base)
        self._environ = env
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the session. The endpoint is first reached by the first call."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
                connector=aiohttp.TCPConnector(limit=100, keepalive_timeout=30),
                trust_env=False,
            )

    async def close(self) -> None:
        """Close all connections; never raises."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def operations(self) -> Sequence[Operation]:
        """Return the one operation: a chat answer from this model."""
        pinned = digest({"endpoint": self._base, "model": self.model, "region": self.region})
        words = f"Ask the model {self.model}."
        return (Operation(name=self.name, description=words, parameters=chat.PARAMETERS, digest=pinned),)

    async def call(self, request: Request) -> Reply:
        """Ask once and return the model value. Raises ``ConnectError`` BH-CON-010 to 015, 040, 041."""
        try:
            async with asyncio.timeout(request.deadline):
                if request.arguments.get("stream"):
                    return await self._streamed(request, _nobody)
                return await self._whole(request)
        except TimeoutError:
            raise late(self.name, request.deadline, "unknown") from None

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Ask once and yield pieces as they come, then the whole ``Reply``.

        Leaving the iteration early closes the connection, which ends the model's work. The deadline
        runs for the whole exchange. Faults as for ``call``.
        """
        # A task of its own: a deadline must never cancel the code that stands between two pieces.
        pieces: asyncio.Queue[Delta | Reply | Exception] = asyncio.Queue(maxsize=256)
        task = asyncio.create_task(self._feed(request, pieces))
        try:
            while True:
                piece = await pieces.get()
                if isinstance(piece, Exception):
                    raise piece
                yield piece
                if isinstance(piece, Reply):
                    return
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _feed(self, request: Request, pieces: asyncio.Queue[Delta | Reply | Exception]) -> None:
        try:
            async with asyncio.timeout(request.deadline):
                await pieces.put(await self._streamed(request, pieces.put))
        except TimeoutError:
            await pieces.put(late(self.name, request.deadline, "unknown"))
        except Exception as error:
            await pieces.put(error)

    async def _whole(self, request: Request) -> Reply:
        async with self._asked(request, stream=False) as (body, response):
            raw = b"".join([chunk async for chunk in self._chunks(response, LIMIT_BYTES)])
        answer = _json(self.name, raw)
        try:
            value = chat.model_value(answer, asked=self.model)
        except chat.Malformed as error:
            raise unusable(self.name, str(error)) from None
        return self._reply(request, body, value, chat.tokens(answer))

    async def _streamed(self, request: Request, sink: Callable[[Delta], Awaitable[None]]) -> Reply:
        assembly = Assembly(self.model)
        try:
            async with self._asked(request, stream=True) as (body, response):
                async for event in events(self._chunks(response, MOST_STREAMED)):
                    for delta in assembly.take(event):
                        await sink(delta)
                    if assembly.done:
                        break
            value = assembly.value()
        except chat.Malformed as error:
            raise unusable(self.name, self._safe(str(error))) from None
        return self._reply(request, body, value, assembly.counted)

    def _reply(self, request: Request, body: bytes, value: Any, counted: tuple[int, int] | None) -> Reply:
        most = self._settings.max_output_tokens
        asked = min(request.arguments.get("max_output_tokens") or most, most)
        usage = chat.usage(counted, self._settings.price, worst=(len(body), asked))
        return Reply(value=recordable(self.name, value), usage=usage)

    @asynccontextmanager
    async def _asked(
        self, request: Request, *, stream: bool
    ) -> AsyncIterator[tuple[bytes, aiohttp.ClientResponse]]:
        """Send the request and hand out a good response; its connection is closed on any other way out."""
        body = self._body(request, stream=stream)
        if self._session is None:
            raise not_open(self.name)
        try:
            async with self._session.post(
                self._base + "/chat/completions", data=body, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise await self._refused(response)
                yield body, response
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise lost(self.name, f"{urlsplit(self._base).netloc}: {_kind(error)}", "none") from None
        except (aiohttp.ClientError, ConnectionError) as error:
            raise lost(self.name, self._safe(f"{type(error).__name__} {error}"), "unknown") from None

    def _body(self, request: Request, *, stream: bool) -> bytes:
        if request.operation != self.name:
            raise unknown_operation(self.name, request.operation, [self.name])
        arguments = with_bound(self.name, request.arguments, request.bound)
        try:
            body = chat.request_body(
                self.model,
                arguments,
                most=self._settings.max_output_tokens,
                stream=stream,
                limit_name=self._limit_name,
            )
            return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise bad_call(self.name, f"{type(error).__name__}: {error}") from None

    async def _chunks(self, response: aiohttp.ClientResponse, most: int) -> AsyncIterator[bytes]:
        taken = 0
        async for chunk in response.content.iter_any():
            taken += len(chunk)
            if taken > most:
                raise unusable(self.name, f"it is over {most} bytes")
            yield chunk

    async def _refused(self, response: aiohttp.ClientResponse) -> ConnectError:
        raw = await response.content.read(64 * 1024)
        words = self._safe(chat.error_words(raw.decode("utf-8", "replace")))
        if response.status < 300:
            return unusable(self.name, f"status {response.status} carries none")
        what = f"{self.name} answered {response.status}: {words or response.reason}"
        status = response.status
        effect: EffectState = "none" if 300 <= status < 500 or status in NOTHING_DONE else "unknown"
        if status in NOTHING_DONE or status >= 500:
            return _busy(what, effect, response.headers.get("Retry-After", ""))
        return _no(what, self._hint(status))

    def _hint(self, status: int) -> str:
        if status in (401, 403) and not self._environ.get(self._settings.key_from):
            return f"The environment variable {self._settings.key_from} is not set; put the key there."
        if 300 <= status < 400:
            return "Redirects are not followed; write the final address as the endpoint."
        return "Correct the model's settings in the charter or what is asked of it."

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        key = self._key()
        if key:
            headers["Authorization"] = f"Bearer {key}"
        return headers

    def _key(self) -> str:
        key = self._environ.get(self._settings.key_from, "").strip()
        if not (key.isascii() and key.isprintable()):
            raise bad_setting(
                f"the key in {self._settings.key_from} holds characters no key can have",
                fix="Set it again, without line ends inside.",
            )
        return key

    def _safe(self, words: str) -> str:
        """Return an endpoint's words without the key, which some endpoints repeat."""
        key = self._environ.get(self._settings.key_from, "").strip()
        clean = words.encode("utf-8", "replace").decode()
        return shorten(clean.replace(key, "[key]") if key else clean, 500)


def bad_call(name: str, why: str) -> ConnectError:
    """Return the fault for arguments that make no request."""
    return ConnectError(
        "BH-CON-016",
        f"the arguments for {name} cannot be sent: {why}",
        effect_state="none",
        means="Nothing was sent.",
        fix="Pass messages (a list of objects), tools, schema, max_output_tokens as plain values.",
    )


def _busy(what: str, effect: EffectState, after: str) -> ConnectError:
    wait = f" after {after} s" if after.isascii() and after.isdigit() else ""
    return ConnectError(
        "BH-CON-040",
        what,
        effect_state=effect,
        temporary=True,
        means="The endpoint is overloaded, limits us, or has a fault of its own.",
        fix=f"The same call may succeed later{wait}.",
    )


def _no(what: str, hint: str) -> ConnectError:
    return ConnectError(
        "BH-CON-041", what, effect_state="none", means="The endpoint refused the request.", fix=hint
    )


def _kind(error: Exception) -> str:
    # The system's words only: a library's own text may repeat more of the request than it should.
    cause = getattr(error, "os_error", None)
    return (getattr(cause, "strerror", None) or type(error).__name__) if cause else "it did not answer"


async def _nobody(delta: Delta) -> None:
    """Take pieces nobody watches."""


def _json(name: str, raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise unusable(name, "it is not JSON") from error


def _base(name: str, settings: Model, env: Mapping[str, str]) -> str:
    given = settings.endpoint or env.get("OPENAI_BASE_URL", "")
    base = substitute(given, used_by=f"model {name}", environ=env).rstrip("/")
    if not base:
        raise bad_setting(
            f"model {name} has no endpoint", fix="Write `endpoint` in the charter or set OPENAI_BASE_URL."
        )
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise bad_setting(
            f"the endpoint of model {name} is not a plain http or https address",
            fix="Write for example https://host/v1; the key goes into the environment.",
        )
    return base


def _limit_name(base: str) -> str:
    host = urlsplit(base).hostname or ""
    new = any(host == known or host.endswith(known) for known in _NEW_LIMIT_HOSTS)
    return "max_completion_tokens" if new else "max_tokens"
