"""What went wrong, said the same way on a page and as an RFC 9457 problem."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response

from bridgehead.doors.console.render import html
from bridgehead.kernel.errors import BridgeheadError


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A request that was not carried out: what happened, what it means, what to do, with a code."""

    status: int
    code: str
    what: str
    means: str
    fix: str

    @classmethod
    def of(cls, error: BridgeheadError, status: int = 409) -> Problem:
        """Return a fault of the rooms below in the words it carries."""
        return cls(status=status, code=error.code, what=error.what, means=error.means, fix=error.fix)


NOT_SIGNED_IN = Problem(
    status=401,
    code="BH-DOO-001",
    what="You are not signed in.",
    means="Nothing is shown without a person to show it to.",
    fix="Open your sign-in link. `bridgehead sign-in PERSON` makes a new one.",
)
NO_SUCH_PAGE = Problem(
    status=404,
    code="BH-DOO-004",
    what="There is no such page for you.",
    means="It does not exist, or your roles do not show it to you.",
    fix="Go back to your first page; ask the owner if you think you should see it.",
)
NOT_ALLOWED = Problem(
    status=403,
    code="BH-DOO-003",
    what="Your roles do not allow this.",
    means="Nothing was changed.",
    fix="Ask the owner of the deployment.",
)
ODD_FORM = Problem(
    status=400,
    code="BH-DOO-006",
    what="The form did not arrive as this page sends it.",
    means="Nothing was decided and nothing was changed.",
    fix="Open the page again and use its buttons.",
)
WRONG_METHOD = Problem(
    status=405,
    code="BH-DOO-008",
    what="This address cannot be used this way.",
    means="Nothing was changed: a link alone never decides.",
    fix="Open the page and use its buttons.",
)
BROKEN = Problem(
    status=500,
    code="BH-DOO-009",
    what="The console met a fault it does not know.",
    means="Whatever was recorded before stays recorded; this page could not be shown.",
    fix="Try again; if it stays, give the time of this page to the engineer who runs the console.",
)


class Stopped(Exception):
    """Ends a request with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


def wants_json(headers: Headers, path: str = "") -> bool:
    """Say whether the caller asked for data rather than a page."""
    return path.endswith(".json") or headers.get("accept", "").startswith(
        ("application/json", "application/problem+json")
    )


def as_response(problem: Problem, headers: Headers, path: str = "", theme: str = "") -> Response:
    """Return the problem as a page, or as ``application/problem+json`` for a caller of data."""
    if wants_json(headers, path):
        return JSONResponse(
            {
                "type": f"urn:bridgehead:error:{problem.code}",
                "title": problem.what,
                "status": problem.status,
                "detail": f"{problem.means} {problem.fix}".strip(),
                "code": problem.code,
            },
            status_code=problem.status,
            media_type="application/problem+json",
        )
    return html("problem.html", {"problem": problem, "theme": theme}, status=problem.status)
