"""The pages before and after a session: sign-in, sign-out, the choice of light or dark."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bridgehead.assemble import House
from bridgehead.doors.console import render, signin
from bridgehead.doors.console.problem import Stopped, as_response
from bridgehead.doors.console.visit import COOKIE, THEME, THEMES, Answer, Go, Visit, read_form, theme_of

YEAR = 365 * 24 * 3600


class Doorstep:
    """The endpoints that work without a session."""

    def __init__(self, houses: Sequence[House]) -> None:
        self.houses = houses

    async def ask(self, request: Request) -> Response:
        """Say that one has to sign in, and how."""
        return render.html("sign_in.html", {"theme": theme_of(request)})

    async def show_link(self, request: Request) -> Response:
        """Show whom a link signs in, with the button that does it. Uses nothing up."""
        try:
            token = request.path_params["token"]
            found = await run_in_threadpool(signin.whose, self.houses, token)
        except Stopped as stopped:
            return as_response(stopped.problem, request.headers, theme=theme_of(request))
        person = found.house.deployment.charter.people[found.person]
        context = {"name": person.name, "deployment": found.house.deployment.charter.name, "token": token}
        return render.html("link.html", {**context, "theme": theme_of(request)})

    async def use_link(self, request: Request) -> Response:
        """Use a link up and open the session it is for."""
        try:
            await read_form(request, ())
            secret = await run_in_threadpool(signin.open_session, self.houses, request.path_params["token"])
        except Stopped as stopped:
            return as_response(stopped.problem, request.headers, theme=theme_of(request))
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(
            COOKIE,
            secret,
            max_age=signin.SESSION_HOURS * 3600,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response

    async def leave(self, request: Request) -> Response:
        """End the session."""
        await run_in_threadpool(signin.end_session, self.houses, request.cookies.get(COOKIE, ""))
        response = RedirectResponse("/sign-in", status_code=303)
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return response

    async def choose_theme(self, request: Request) -> Response:
        """Keep light, dark, or what the system says, and go back to the page."""
        try:
            form = await read_form(request, ("theme", "back"))
        except Stopped as stopped:
            return as_response(stopped.problem, request.headers)
        back = form["back"]
        # Only a path of ours: a scheme, a host or a backslash would lead elsewhere.
        safe = back.startswith("/") and not back.startswith("//") and "\\" not in back
        response = RedirectResponse(back if safe else "/", status_code=303)
        if form["theme"] in THEMES:
            response.set_cookie(
                THEME,
                form["theme"],
                max_age=YEAR,
                httponly=True,
                samesite="lax",
                secure=request.url.scheme == "https",
            )
        return response


def first_page(visit: Visit) -> Answer:
    """Go to the page this person came for: questions for an approver, deployments for the others."""
    return Go(to="/inbox" if visit.may("inbox") else "/deployments")
