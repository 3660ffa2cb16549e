"""The system on the wire: MCP at ``/mcp``, plain JSON at ``/postings``, its switches at ``/admin``.

A broken answer is really broken: the connection is reset, the status is an error, the process starts again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from bridgehead.testing.hostile_erp import tools
from bridgehead.testing.hostile_erp.book import Book
from bridgehead.testing.hostile_erp.desk import CHANGES, Answered, Broken, Desk, Result
from bridgehead.testing.hostile_erp.faults import KINDS, Faults

Restart = Callable[[], Any]


class Server:
    """One desk on one port of this machine. ``restart`` replaces the process by a new one."""

    def __init__(self, desk: Desk, restart: Restart) -> None:
        self._desk, self._restart = desk, restart
        self._runner: web.AppRunner | None = None
        self._later: asyncio.Task[None] | None = None
        self._sooner = asyncio.Event()

    async def start(self, port: int) -> int:
        """Listen on 127.0.0.1 and return the port; 0 takes a free one."""
        app = web.Application(middlewares=[_whoever_left])
        app.router.add_post("/mcp", self._mcp)
        app.router.add_post("/postings", self._post)
        app.router.add_get("/postings", self._get)
        app.router.add_post("/postings/{reference}/amend", self._amend)
        app.router.add_post("/postings/{reference}/cancel", self._cancel)
        app.router.add_get("/admin/faults", self._faults)
        app.router.add_post("/admin/faults", self._set_faults)
        app.router.add_post("/admin/next", self._next)
        app.router.add_post("/admin/restart", self._start_again)
        # Handlers are not cancelled when a caller leaves: a real system does not notice either.
        self._runner = web.AppRunner(app, shutdown_timeout=0.2, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port, reuse_address=True).start()
        self._later = asyncio.create_task(self._apply_late_changes())
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening; what is to be done late stays in the file."""
        if self._later is not None:
            self._later.cancel()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _apply_late_changes(self) -> None:
        while True:
            wait = self._desk.book.apply_due()
            self._sooner.clear()
            try:
                await asyncio.wait_for(self._sooner.wait(), wait)
            except TimeoutError:
                continue

    def _result(self, operation: str, arguments: dict[str, Any]) -> Result:
        desk = self._desk
        result = (desk.change if operation in CHANGES else desk.read)(operation, arguments)
        self._sooner.set()
        return result

    async def _mcp(self, request: web.Request) -> web.StreamResponse:
        try:
            message = json.loads(await request.read())
        except ValueError:
            return web.json_response(tools.fault({}, -32700, "this is not JSON"), status=400)
        if not isinstance(message, dict) or "id" not in message:
            return web.Response(status=202)
        answer = tools.handshake(message)
        if answer is not None:
            return web.json_response(answer)
        params = message["params"]
        try:
            arguments = tools.arguments_of(params["name"], params.get("arguments") or {})
        except ValueError as error:
            return web.json_response(tools.fault(message, -32602, str(error)))
        result = self._result(params["name"], arguments)
        if isinstance(result, Broken):
            return await self._broken(request, result)
        return web.json_response(tools.said(message, result))

    async def _post(self, request: web.Request) -> web.StreamResponse:
        try:
            given = json.loads(await request.read())
            key = request.headers.get("Idempotency-Key", "")
            arguments = tools.arguments_of("post_order", given | ({"idempotency_key": key} if key else {}))
        except (ValueError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self._plain(request, self._result("post_order", arguments), 201)

    async def _amend(self, request: web.Request) -> web.StreamResponse:
        try:
            given = json.loads(await request.read()) | {"reference": request.match_info["reference"]}
            key = request.headers.get("Idempotency-Key", "")
            arguments = tools.arguments_of("amend_posting", given | ({"idempotency_key": key} if key else {}))
        except (ValueError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self._plain(request, self._result("amend_posting", arguments), 200)

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        arguments = {
            "reference": request.match_info["reference"],
            "key": request.headers.get("Idempotency-Key", ""),
        }
        return await self._plain(request, self._result("cancel_posting", arguments), 200)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        reference, after = request.query.get("reference"), request.query.get("after", "0")
        if not after.isdigit():
            return web.json_response({"error": "after is not a number"}, status=400)
        if reference is None:
            return await self._plain(request, self._result("list_postings", {"after": int(after)}), 200)
        return await self._plain(request, self._result("find_posting", {"reference": reference}), 200)

    async def _plain(self, request: web.Request, result: Result, status: int) -> web.StreamResponse:
        match result:
            case Broken():
                return await self._broken(request, result)
            case Answered(refused="", value=value):
                return web.json_response(value, status=status)
            case Answered(refused=words):
                return web.json_response({"error": words}, status=422)

    async def _broken(self, request: web.Request, broken: Broken) -> web.StreamResponse:
        match broken.how:
            case "status":
                headers = {"Retry-After": "1"} if broken.status == 429 else None
                return web.json_response({"error": "try again"}, status=broken.status, headers=headers)
            case "hang":
                await asyncio.Event().wait()
            case "restart":
                self._restart()
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _faults(self, request: web.Request) -> web.StreamResponse:
        faults = self._desk.faults
        told = {"faults": faults.text(), "seed": self._desk.seed, "known": list(KINDS)}
        return web.json_response(told | {"soonest": faults.soonest, "latest": faults.latest})

    async def _set_faults(self, request: web.Request) -> web.StreamResponse:
        """Change how often what goes wrong: ``{"faults": "hangs=5%", "seed": 3}``; kept over a new start."""
        try:
            given = json.loads(await request.read())
            now = self._desk.faults
            faults = Faults.parse(
                given.get("faults", now.text()),
                soonest=float(given.get("soonest", now.soonest)),
                latest=float(given.get("latest", now.latest)),
            )
            seed = int(given.get("seed", self._desk.seed))
        except (ValueError, TypeError, AttributeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        self._desk.faults, self._desk.seed = faults, seed
        remember(self._desk.book, faults, seed)
        return await self._faults(request)

    async def _next(self, request: web.Request) -> web.StreamResponse:
        """Plan the faults of the next calls: ``{"reference": "o-1", "faults": ["hangs:after"]}``."""
        try:
            given = json.loads(await request.read())
            reference, faults = str(given["reference"]), [str(fault) for fault in given["faults"]]
            unknown = [fault for fault in faults if fault.partition(":")[0] not in (*KINDS, "none")]
            if unknown:
                raise ValueError(f"no such fault: {', '.join(unknown)}")
        except (ValueError, TypeError, KeyError) as error:
            return web.json_response({"error": str(error)}, status=400)
        self._desk.book.plan(reference, faults)
        return web.json_response({"reference": reference, "planned": faults})

    async def _start_again(self, request: web.Request) -> web.StreamResponse:
        self._restart()
        return web.Response()


@web.middleware
async def _whoever_left(request: web.Request, handler: Any) -> web.StreamResponse:
    """A caller who is gone before it has said everything is no fault of ours."""
    try:
        answer: web.StreamResponse = await handler(request)
        return answer
    except ConnectionError:
        return web.Response()


def remember(book: Book, faults: Faults, seed: int) -> None:
    """Keep faults and seed in the file."""
    kept = {"faults": faults.text(), "soonest": faults.soonest, "latest": faults.latest, "seed": seed}
    book.setting("faults", json.dumps(kept))


def remembered(book: Book) -> tuple[Faults, int] | None:
    """Return the faults and the seed of an earlier start, or None."""
    text = book.setting("faults")
    if not text:
        return None
    kept = json.loads(text)
    faults = Faults.parse(kept["faults"], soonest=kept["soonest"], latest=kept["latest"])
    return faults, int(kept["seed"])
