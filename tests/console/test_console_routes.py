"""Every route: who gets in, what each role sees, which headers every answer carries."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from starlette.routing import Mount, Route

from bridgehead.assemble import House
from bridgehead.doors.console.app import SCREENS, console
from bridgehead.doors.console.guard import CONTENT_SECURITY_POLICY
from bridgehead.explain import Viewer
from bridgehead.kernel.clock import SetClock
from bridgehead.rollout.certificate import certified
from bridgehead.rollout.order import Order, order
from bridgehead.store.tables import crossing, run
from fixtures.console_caller import Caller, SignIn
from fixtures.golden import check_golden

ONE = "/deployments/retail-support"


def planned(house: House) -> str:
    """Return a plan to take the release back, with an interim certificate."""
    by = house.person("noor", "test")
    undo = order(house.boundary, Order(scope="release", target=house.deployment.digest, by=by))
    certified(house.boundary, undo)
    return undo


def pages(house: House, questions: list[str]) -> list[str]:
    undo = planned(house)
    with house.store.reading() as connection:
        first = connection.execute(select(run.c.id).limit(1)).scalar_one()
        effect = connection.execute(select(crossing).where(crossing.c.effect != "read").limit(1)).one()
    return [
        "/inbox",
        "/effects",
        "/reviews",
        "/deployments",
        ONE,
        f"{ONE}/data",
        f"{ONE}/health",
        f"{ONE}/arrivals/a/b",
        f"{ONE}/batches/a/b/c",
        f"{ONE}/columns/a/b",
        f"{ONE}/columns/a/b/c",
        f"{ONE}/changes/a/b",
        f"{ONE}/stop",
        f"{ONE}/resume",
        f"{ONE}/approvals/{questions[0]}",
        f"{ONE}/approvals/{questions[0]}/revoke",
        f"{ONE}/approvals/{questions[0]}/change",
        f"{ONE}/approvals/{questions[0]}/emergency",
        "/delegations",
        f"{ONE}/effects/{effect.run}/{effect.position}",
        f"{ONE}/reviews/{first}",
        f"{ONE}/runs",
        f"{ONE}/runs/{first}",
        f"{ONE}/undos",
        f"{ONE}/undos/{undo}",
        f"{ONE}/undos/{undo}/certificate",
        f"{ONE}/runs/{first}/undo",
        f"{ONE}/releases/{house.deployment.digest}/undo",
        f"{ONE}/entries/3",
        f"{ONE}/queries/runs-by-status",
    ]


def concrete(path: str, house: House, questions: list[str]) -> str:
    """Return an address that exists, for a route of the table."""
    with house.store.reading() as connection:
        first = connection.execute(select(run.c.id).limit(1)).scalar_one()
    return path.replace(":path", "").format(
        deployment="retail-support",
        approval=questions[0],
        run=first,
        position="1",
        index="3",
        query="stops",
        undo="undo_x",
        release=house.deployment.digest,
        token="abc",
        source="sales",
        table="customers",
        batch="c.csv@12",
        column="income",
    )


def test_the_list_of_routes_without_a_session(house: House, clock: SetClock) -> None:
    """Golden, and it may only shrink: what a stranger reaches."""
    app = console([house], clock=clock)
    inner = app.app  # type: ignore[attr-defined]
    behind = {screen.path for screen in SCREENS} | {f"{screen.path}.json" for screen in SCREENS}
    open_routes = []
    for route in inner.routes:
        if isinstance(route, Mount):
            open_routes.append(f"GET  {route.path}/*")
        elif isinstance(route, Route) and route.path not in behind:
            methods = sorted((route.methods or set()) - {"HEAD"})
            open_routes += [f"{method:<4} {route.path}" for method in methods]
    check_golden("routes-without-auth.txt", "\n".join(sorted(open_routes)) + "\n")


def test_every_other_route_sends_a_stranger_away(
    house: House, questions: list[str], stranger: Caller
) -> None:
    for screen in SCREENS:
        path = concrete(screen.path, house, questions)
        form = dict.fromkeys(screen.post or (), "x")
        answer = stranger.get(path) if screen.method == "GET" else stranger.post(path, form)
        assert (answer.status, answer.to) == (303, "/sign-in"), path
        if screen.method == "GET" and path != "/":
            data = stranger.get(f"{path}.json")
            assert data.status == 401, path
            assert data.headers["content-type"] == "application/problem+json"
            assert data.json()["code"] == "BH-DOO-001"


def test_which_pages_each_role_sees(house: House, questions: list[str], sign_in: SignIn) -> None:
    """Golden: person, rights, and the answer to every page."""
    lines, addresses = [], pages(house, questions)
    for person in ("noor", "maya", "ruth", "jens", "priya"):
        viewer = Viewer.of(house.deployment.charter, person)
        assert viewer is not None
        lines.append(f"{', '.join(sorted(viewer.roles))}: {', '.join(viewer.rights())}")
        caller = sign_in(person)
        for path, screen in zip(addresses, [s for s in SCREENS if s.post is None][1:], strict=True):
            status = caller.get(path).status
            lines.append(f"  {'sees' if status == 200 else 'no  '} {screen.path.replace(':path', '')}")
            assert caller.get(f"{path}.json").status == status
    check_golden("who-sees-what.txt", "\n".join(lines) + "\n")


def test_every_answer_carries_the_security_headers(
    house: House, questions: list[str], sign_in: SignIn
) -> None:
    caller = sign_in("ruth")
    addresses = [*pages(house, questions), f"{ONE}.json", "/nowhere", "/static/console.css", "/sign-in"]
    for path in addresses:
        headers = caller.get(path).headers
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY, path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
    assert "unsafe" not in CONTENT_SECURITY_POLICY


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site", "origin": "http://evil.test"},
        {"sec-fetch-site": "same-site", "origin": "http://console.test"},
        {"sec-fetch-site": "none"},
        {"origin": "http://evil.test"},
        {"origin": "null"},
        {"sec-fetch-site": "same-origin", "origin": "http://evil.test"},
    ],
    ids=str,
)
def test_an_unsafe_request_from_elsewhere_is_refused(headers: dict[str, str], sign_in: SignIn) -> None:
    caller = sign_in("ruth")
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = caller.send("POST", f"{ONE}/stop", b"reason=x", form | headers)
    assert answer.status == 403
    assert "BH-DOO-005" in answer.text
    assert "Nothing was decided" in answer.text
    assert caller.get(f"{ONE}.json").json()["overview"]["stop"]["stopped"] is False


@pytest.mark.parametrize(
    "headers", [{"origin": "http://console.test"}, {"sec-fetch-site": "same-origin"}], ids=str
)
def test_one_proof_of_origin_is_enough(headers: dict[str, str], sign_in: SignIn) -> None:
    """Old browsers send no Sec-Fetch-Site; some send no Origin."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = sign_in("ruth").send("POST", "/theme", b"theme=dark&back=%2Finbox", form | headers)
    assert (answer.status, answer.to) == (303, "/inbox")


@pytest.mark.parametrize("back", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)"])
def test_the_choice_of_theme_leads_nowhere_else(back: str, sign_in: SignIn) -> None:
    assert sign_in("ruth").post("/theme", {"theme": "dark", "back": back}).to == "/"


def test_a_page_that_has_not_changed_is_not_sent_again(sign_in: SignIn, clock: SetClock) -> None:
    caller = sign_in("maya")
    first = caller.get("/inbox")
    assert caller.get("/inbox", {"if-none-match": first.headers["etag"]}).status == 304
    clock.advance(120)  # the minutes left are another text now
    assert caller.get("/inbox", {"if-none-match": first.headers["etag"]}).status == 200


def test_another_person_never_gets_the_same_tag(sign_in: SignIn) -> None:
    tag = sign_in("ruth").get(ONE).headers["etag"]
    assert sign_in("noor").get(ONE, {"if-none-match": tag}).status == 200


def test_what_does_not_exist_is_said_in_words_and_with_a_code(sign_in: SignIn) -> None:
    caller = sign_in("ruth")
    inside = ("runs/run_x", "entries/999999", "entries/-1", "queries/drop", "approvals/apr_x", "undos/undo_x")
    for path in ("/nowhere", "/deployments/other", *(f"{ONE}/{end}" for end in inside)):
        answer = caller.get(path)
        assert answer.status == 404, path
        assert "BH-DOO-004" in answer.text
    assert caller.get("/nowhere.json").json()["code"] == "BH-DOO-004"


def test_data_and_page_say_the_same(house: House, questions: list[str], sign_in: SignIn) -> None:
    data = sign_in("maya").get(f"{ONE}/approvals/{questions[0]}.json").json()
    page = sign_in("maya").get(f"{ONE}/approvals/{questions[0]}").text
    assert data["view"]["digest"] in page
    assert data["view"]["question"]["amount"] in page
    assert data["as_of"].endswith("Z")
