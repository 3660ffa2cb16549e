"""The console as an ASGI application: the table of routes, and what each one takes.

::

    app = console([house], clock=SystemClock())
    uvicorn.run(app)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from bridgehead.assemble import House
from bridgehead.doors.console import (
    approvals,
    arrivals,
    batches,
    changes,
    columns,
    data,
    deciding,
    delegations,
    deployments,
    effects,
    health,
    problem,
    render,
    reviews,
    runs,
    taking_back,
    undos,
)
from bridgehead.doors.console.doorstep import Doorstep, first_page
from bridgehead.doors.console.guard import Guard
from bridgehead.doors.console.visit import Handler, Need, serve, theme_of
from bridgehead.kernel.clock import Clock
from bridgehead.kernel.errors import BridgeheadError

ONE = "/deployments/{deployment}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """A page: its address, the right it takes, and for a POST the fields its form carries."""

    path: str
    handler: Handler
    need: Need
    post: tuple[str, ...] | None = None

    @property
    def method(self) -> str:
        return "GET" if self.post is None else "POST"


SCREENS = (
    Screen(path="/", handler=first_page, need="signed-in"),
    Screen(path="/inbox", handler=approvals.show_inbox, need="inbox"),
    # Who may see an effect, and settle it, depends on the effect: ``explain.effects`` filters.
    Screen(path="/effects", handler=effects.show_list, need="signed-in"),
    # Who looks at results depends on the workflow's reviewers; the handlers filter.
    Screen(path="/reviews", handler=reviews.show_list, need="signed-in"),
    Screen(path="/deployments", handler=deployments.show_all, need="deployments"),
    Screen(path=ONE, handler=deployments.show_one, need="deployments"),
    Screen(path=f"{ONE}/data", handler=data.show, need="data"),
    Screen(path=f"{ONE}/health", handler=health.show, need="deployments"),
    Screen(path=f"{ONE}/arrivals/{{source}}/{{table}}", handler=arrivals.show, need="deployments"),
    # They show values of the data, of which an executive needs none.
    Screen(path=f"{ONE}/columns/{{source}}/{{table}}", handler=columns.show_table, need="data"),
    Screen(path=f"{ONE}/columns/{{source}}/{{table}}/{{column}}", handler=columns.show_one, need="data"),
    # Who may decide about a batch follows from the charter; ``batches`` shows the page to them and to whoever
    # sees the deployment. Senders name batches, and may put a slash in.
    Screen(
        path=f"{ONE}/batches/{{source}}/{{table}}/{{batch:path}}", handler=batches.show_one, need="signed-in"
    ),
    Screen(
        path=f"{ONE}/batches/{{source}}/{{table}}/{{batch:path}}",
        handler=batches.decide_one,
        need="signed-in",
        post=("answer", "reason"),
    ),
    # As with batches: those who answer to a change of a schema follow from the charter.
    Screen(path=f"{ONE}/changes/{{source}}/{{table}}", handler=changes.show, need="signed-in"),
    Screen(
        path=f"{ONE}/changes/{{source}}/{{table}}",
        handler=changes.answer,
        need="signed-in",
        post=("answer", "digest", "names", "reason"),
    ),
    Screen(path=f"{ONE}/stop", handler=deployments.ask_stop, need="stop"),
    Screen(path=f"{ONE}/stop", handler=deployments.stop, need="stop", post=("reason",)),
    Screen(path=f"{ONE}/resume", handler=deployments.ask_resume, need="lift"),
    Screen(path=f"{ONE}/resume", handler=deployments.resume, need="lift", post=("reason",)),
    # Who may see one question depends on the question; ``explain.question`` filters where it is read.
    Screen(path=f"{ONE}/approvals/{{approval}}", handler=approvals.show_decision, need="signed-in"),
    Screen(
        path=f"{ONE}/approvals/{{approval}}",
        handler=approvals.answer,
        need="signed-in",
        post=("answer", "digest", "reason"),
    ),
    Screen(path=f"{ONE}/approvals/{{approval}}/revoke", handler=deciding.ask_revoke, need="signed-in"),
    Screen(
        path=f"{ONE}/approvals/{{approval}}/revoke",
        handler=deciding.take_back,
        need="signed-in",
        post=("reason",),
    ),
    Screen(path=f"{ONE}/approvals/{{approval}}/change", handler=deciding.ask_change, need="signed-in"),
    Screen(
        path=f"{ONE}/approvals/{{approval}}/change",
        handler=deciding.change,
        need="signed-in",
        post=("argument", "value", "digest", "reason"),
    ),
    Screen(path=f"{ONE}/approvals/{{approval}}/emergency", handler=deciding.ask_emergency, need="signed-in"),
    Screen(
        path=f"{ONE}/approvals/{{approval}}/emergency",
        handler=deciding.permit,
        need="signed-in",
        post=("digest", "reason"),
    ),
    Screen(path="/delegations", handler=delegations.show, need="inbox"),
    Screen(
        path="/delegations",
        handler=delegations.give_one,
        need="inbox",
        post=("deployment", "to", "rule", "until", "reason"),
    ),
    Screen(
        path="/delegations/end",
        handler=delegations.end_one,
        need="inbox",
        post=("deployment", "id", "reason"),
    ),
    Screen(path=f"{ONE}/effects/{{run}}/{{position}}", handler=effects.show_effect, need="signed-in"),
    Screen(
        path=f"{ONE}/effects/{{run}}/{{position}}",
        handler=effects.settle,
        need="signed-in",
        post=("answer", "digest", "reason", "receipt"),
    ),
    Screen(path=f"{ONE}/reviews/{{run}}", handler=reviews.show_one, need="signed-in"),
    Screen(
        path=f"{ONE}/reviews/{{run}}",
        handler=reviews.answer,
        need="signed-in",
        post=("verdict", "reason"),
    ),
    Screen(path=f"{ONE}/runs", handler=runs.show_list, need="runs"),
    Screen(path=f"{ONE}/runs/{{run}}", handler=runs.show_run, need="runs"),
    # Who may see an undo, and what of it, depends on who is asked about its plan: ``explain.undo`` filters.
    Screen(path=f"{ONE}/undos", handler=undos.show_list, need="deployments"),
    Screen(path=f"{ONE}/undos/{{undo}}", handler=undos.show_one, need="signed-in"),
    Screen(
        path=f"{ONE}/undos/{{undo}}",
        handler=taking_back.take_back,
        need="undo",
        post=("digest", "reason", "rate"),
    ),
    Screen(path=f"{ONE}/undos/{{undo}}/certificate", handler=undos.show_certificate, need="deployments"),
    Screen(path=f"{ONE}/runs/{{run}}/undo", handler=taking_back.ask, need="undo"),
    Screen(path=f"{ONE}/runs/{{run}}/undo", handler=taking_back.plan, need="undo", post=()),
    Screen(path=f"{ONE}/releases/{{release}}/undo", handler=taking_back.ask, need="undo"),
    Screen(path=f"{ONE}/releases/{{release}}/undo", handler=taking_back.plan, need="undo", post=()),
    Screen(path=f"{ONE}/entries/{{index}}", handler=runs.show_entry, need="entries"),
    Screen(path=f"{ONE}/queries/{{query}}", handler=runs.show_query, need="deployments"),
)


def console(houses: Sequence[House], *, clock: Clock, more: Sequence[BaseRoute] = ()) -> ASGIApp:
    """Return the console of one or several houses.

    ``clock`` gives each page the time it says it was made at; ``more`` are further routes (the tests'
    gallery of parts).
    """
    step = Doorstep(houses)
    app = Starlette(
        routes=[*_screens(houses, clock), *_doorstep(step), *more],
        exception_handlers={HTTPException: _http, BridgeheadError: _fault, Exception: _broken},
    )
    return Guard(app)


def _screens(houses: Sequence[House], clock: Clock) -> list[BaseRoute]:
    routes: list[BaseRoute] = []
    for screen in SCREENS:
        endpoint = serve(houses, clock, screen.handler, screen.need, screen.post or ())
        if screen.post is None and screen.path != "/":
            # Before the page itself: its last place would otherwise swallow the ending.
            routes.append(Route(f"{screen.path}.json", endpoint, methods=["GET"]))
    addresses = dict.fromkeys(screen.path for screen in SCREENS)
    return [*routes, *(_page(houses, clock, path) for path in addresses)]


def _page(houses: Sequence[House], clock: Clock, path: str) -> Route:
    """Return one route for an address, whatever its methods: another method is told so in words."""
    endpoints = {
        screen.method: serve(houses, clock, screen.handler, screen.need, screen.post or ())
        for screen in SCREENS
        if screen.path == path
    }

    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        response: Response = await endpoints[method](request)
        return response

    return Route(path, endpoint, methods=list(endpoints))


def _doorstep(step: Doorstep) -> list[BaseRoute]:
    return [
        Route("/sign-in", step.ask, methods=["GET"]),
        Route("/sign-in/{token}", step.show_link, methods=["GET"]),
        Route("/sign-in/{token}", step.use_link, methods=["POST"]),
        Route("/sign-out", step.leave, methods=["POST"]),
        Route("/theme", step.choose_theme, methods=["POST"]),
        Mount("/static", StaticFiles(directory=render.STATIC)),
    ]


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    said = problem.WRONG_METHOD if status == 405 else problem.NO_SUCH_PAGE
    return problem.as_response(said, request.headers, request.url.path, theme_of(request))


async def _fault(request: Request, error: Exception) -> Response:
    said = problem.Problem.of(error, 503) if isinstance(error, BridgeheadError) else problem.BROKEN
    return problem.as_response(said, request.headers, request.url.path, theme_of(request))


async def _broken(request: Request, error: Exception) -> Response:
    return problem.as_response(problem.BROKEN, request.headers, request.url.path, theme_of(request))
