"""One request by one signed-in person: who they are in each house, what they sent, what they get.

Every page goes through ``serve``: it finds the session, checks the right, crosses to a thread for the
database, and renders the same answer as a page or as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from bridgehead.assemble import House
from bridgehead.doors.console import render, signin
from bridgehead.doors.console.problem import (
    NO_SUCH_PAGE,
    NOT_ALLOWED,
    NOT_SIGNED_IN,
    ODD_FORM,
    Stopped,
    as_response,
    wants_json,
)
from bridgehead.explain import Viewer, plain
from bridgehead.explain.viewer import See
from bridgehead.kernel.clock import Clock, stamp
from bridgehead.kernel.principal import Principal
from bridgehead.watch.accuracy.labelling import reviewed_by

COOKIE = "bridgehead_session"
THEME = "bridgehead_theme"
THEMES = ("auto", "light", "dark")
FORM_LIMIT = 64 * 1024

Need = See | Literal["signed-in"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer: a template with its data. ``data`` is what ``.json`` of the same address returns.

    ``stand_in`` puts up the banner; ``own_banner`` says that only it does, not the deployment's state.
    ``refresh`` is after how many seconds a page with scripts looks for news; 0 means never.
    """

    template: str
    title: str
    data: Mapping[str, Any]
    house: House | None = None
    stand_in: bool = False
    own_banner: bool = False
    refresh: int = 0
    status: int = 200
    notice: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """An answer: see another page (303)."""

    to: str


Answer = Page | Go


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a page is handed: the person, the houses they are known in, and what they sent."""

    person: str
    name: str
    home: House
    viewers: Mapping[str, Viewer]
    houses: Mapping[str, House]
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)

    def house(self) -> House:
        """Return the house the address names; the page does not exist for people unknown in it."""
        found = self.houses.get(self.path.get("deployment", ""))
        if found is None:
            raise Stopped(NO_SUCH_PAGE)
        return found

    def viewer(self) -> Viewer:
        """Return the person as the addressed house knows them."""
        return self.viewers[self.house().deployment.charter.name]

    def principal(self) -> Principal:
        """Return the person as someone who acts, signed in by a session."""
        return self.viewer().principal("session")

    def may(self, what: See) -> bool:
        """Say whether the person has this right in any house."""
        return any(viewer.may(what) for viewer in self.viewers.values())


Handler = Callable[[Visit], Answer]


def serve(
    houses: Sequence[House], clock: Clock, handler: Handler, need: Need, fields: tuple[str, ...] = ()
) -> Callable[[Request], Any]:
    """Return the endpoint of one page.

    ``need`` is the right it takes; ``fields`` are the form fields a POST must carry, each once.
    """

    async def endpoint(request: Request) -> Response:
        form: Mapping[str, str] | Stopped = {}
        if request.method == "POST":
            try:
                form = await read_form(request, fields)
            except Stopped as odd:
                form = odd  # said only after the session was looked at: strangers learn nothing
        return await run_in_threadpool(_answer, houses, clock, handler, need, request, form)

    return endpoint


def _answer(
    houses: Sequence[House],
    clock: Clock,
    handler: Handler,
    need: Need,
    request: Request,
    form: Mapping[str, str] | Stopped,
) -> Response:
    try:
        visit = _visit(houses, request, {} if isinstance(form, Stopped) else form)
        _require(visit, need)
        if isinstance(form, Stopped):
            raise form
        return _respond(visit, handler(visit), request, stamp(clock.now()))
    except Stopped as stopped:
        if stopped.problem is NOT_SIGNED_IN and not wants_json(request.headers, request.url.path):
            return RedirectResponse("/sign-in", status_code=303)
        return as_response(stopped.problem, request.headers, request.url.path, theme_of(request))


def _visit(houses: Sequence[House], request: Request, form: Mapping[str, str]) -> Visit:
    found = signin.who(houses, request.cookies.get(COOKIE, ""))
    if found is None:
        raise Stopped(NOT_SIGNED_IN)
    known = {house.deployment.charter.name: house for house in houses if _same_person(found, house)}
    viewers = {name: Viewer.of(house.deployment.charter, found.person) for name, house in known.items()}
    return Visit(
        person=found.person,
        name=found.house.deployment.charter.people[found.person].name,
        home=found.house,
        houses=known,
        viewers={name: viewer for name, viewer in viewers.items() if viewer is not None},
        path=dict(request.path_params),
        query=dict(request.query_params),
        form=form,
    )


def _same_person(found: signin.SignedIn, house: House) -> bool:
    """An id is only unique inside one charter: elsewhere the e-mail address must be the same as well."""
    if house is found.house:
        return True
    mine = found.house.deployment.charter.people[found.person]
    theirs = house.deployment.charter.people.get(found.person)
    return bool(theirs and theirs.active and mine.email and theirs.email == mine.email)


def _require(visit: Visit, need: Need) -> None:
    if need == "signed-in":
        return
    allowed = visit.viewer().may(need) if "deployment" in visit.path else visit.may(need)
    if not allowed:
        raise Stopped(
            NO_SUCH_PAGE if need in ("entries", "bodies", "runs", "deployments", "data") else NOT_ALLOWED
        )


async def read_form(request: Request, fields: tuple[str, ...]) -> dict[str, str]:
    """Return the form, or raise ``Stopped`` (BH-DOO-006).

    Odd payloads are never consent: another content type, a field missing, unknown or twice, too
    large or not text means that nothing is done.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > FORM_LIMIT:
            raise Stopped(ODD_FORM)
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, strict_parsing=bool(raw), errors="strict"
        )
    except ValueError as error:
        raise Stopped(ODD_FORM) from error
    if content_type != "application/x-www-form-urlencoded" or sorted(n for n, _ in pairs) != sorted(fields):
        raise Stopped(ODD_FORM)
    return dict(pairs)


def _respond(visit: Visit, answer: Answer, request: Request, now: str) -> Response:
    if isinstance(answer, Go):
        return RedirectResponse(answer.to, status_code=303)
    tag = render.etag(answer.data, answer.notice, theme_of(request), visit.person, answer.template)
    if answer.status == 200 and request.headers.get("if-none-match") == tag:
        return render.unchanged(tag)
    headers = {"ETag": tag}
    if request.url.path.endswith(".json"):
        return JSONResponse({**plain(answer.data), "as_of": now}, status_code=answer.status, headers=headers)
    context = {**answer.data, "page": answer, "frame": _frame(visit, answer, request, now)}
    response = render.html(answer.template, {**context, "theme": theme_of(request)}, status=answer.status)
    response.headers["ETag"] = tag
    return response


def _frame(visit: Visit, answer: Page, request: Request, now: str) -> dict[str, Any]:
    """Return what every page carries around its own content."""
    house = answer.house
    return {
        "name": visit.name,
        "path": request.url.path,
        "inbox": visit.may("inbox"),
        "effects": _settles(visit),
        "reviews": any(reviewed_by(h.deployment.charter, visit.person) for h in visit.houses.values()),
        "deployments": visit.may("deployments"),
        "now": now,
        "refresh": answer.refresh,
        "stand_in": answer.stand_in or bool(house and not answer.own_banner and house.stand_ins()),
        "block": _title_block(house) if house else None,
    }


def _settles(visit: Visit) -> bool:
    """Say whether the person may see effects: they see runs, or a group of theirs settles some action."""
    return visit.may("runs") or any(
        rule.settled_by in visit.viewers[name].groups
        for name, house in visit.houses.items()
        for rule in house.deployment.charter.actions.values()
    )


def _title_block(house: House) -> dict[str, Any]:
    """Return what a drawing says in its corner: which deployment, which release, how far the record."""
    size, root = house.ledger.size_and_root()
    charter = house.deployment.charter
    return {
        "deployment": charter.name,
        "organisation": charter.organisation,
        "stage": charter.stage,
        "release": house.deployment.digest,
        "size": size,
        "root": root,
    }


def theme_of(request: Request) -> str:
    """Return the theme the person chose, or the empty string for the system's."""
    chosen = request.cookies.get(THEME, "")
    return chosen if chosen in ("light", "dark") else ""
