"""Signing in: a link works once, only by its button, and the store never learns it."""

from __future__ import annotations

from sqlalchemy import select, update
from starlette.types import ASGIApp

from bridgehead.assemble import House
from bridgehead.doors.console import make_link
from bridgehead.kernel.clock import SetClock
from bridgehead.store.tables import entry, session, signin
from fixtures.console_caller import HOST, Caller, SignIn

BASE = f"http://{HOST}"


def path_of(house: House, clock: SetClock, person: str = "maya", minutes: int = 15) -> str:
    return make_link(house.store, person, clock, BASE, minutes).removeprefix(BASE)


def test_fetching_a_link_signs_nobody_in_and_uses_nothing_up(
    house: House, clock: SetClock, stranger: Caller
) -> None:
    """A mail scanner opens every link it sees."""
    link = path_of(house, clock)
    for _ in range(3):
        answer = stranger.get(link)
        assert answer.status == 200
        assert "Sign in as Maya Lindqvist?" in answer.text
    assert stranger.cookies == {}
    assert stranger.post(link).to == "/"


def test_a_link_works_once(house: House, clock: SetClock, app: ASGIApp) -> None:
    link = path_of(house, clock)
    assert Caller(app).post(link).status == 303
    again = Caller(app).post(link)
    assert again.status == 410
    assert "BH-DOO-002" in again.text
    assert again.headers.get("set-cookie") is None


def test_a_link_expires(house: House, clock: SetClock, stranger: Caller) -> None:
    link = path_of(house, clock, minutes=15)
    clock.advance(15 * 60 + 1)
    assert stranger.get(link).status == 410
    assert stranger.post(link).status == 410


def test_a_link_nobody_made_is_refused_in_the_same_words(stranger: Caller) -> None:
    assert stranger.get("/sign-in/abc").status == 410
    assert stranger.post("/sign-in/abc").status == 410


def test_the_store_keeps_hashes_only(house: House, clock: SetClock, app: ASGIApp) -> None:
    link = path_of(house, clock)
    caller = Caller(app)
    caller.post(link)
    token, secret = link.rpartition("/")[2], caller.cookies["bridgehead_session"]
    with house.store.reading() as connection:
        kept = [*connection.execute(select(signin)).all(), *connection.execute(select(session)).all()]
    assert token not in str(kept)
    assert secret not in str(kept)


def test_opening_a_session_is_recorded(house: House, clock: SetClock, stranger: Caller) -> None:
    stranger.post(path_of(house, clock))
    with house.store.reading() as connection:
        kinds = connection.execute(select(entry.c.kind).order_by(entry.c.idx.desc()).limit(1)).scalar_one()
    assert kinds == "session.opened"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    house: House, clock: SetClock, app: ASGIApp
) -> None:
    plain = Caller(app).post(path_of(house, clock)).headers["set-cookie"]
    assert "HttpOnly" in plain and "SameSite=lax" in plain and "Secure" not in plain
    sealed = Caller(app, scheme="https").post(path_of(house, clock)).headers["set-cookie"]
    assert "Secure" in sealed


def test_a_session_ends_after_twelve_hours(house: House, clock: SetClock, stranger: Caller) -> None:
    stranger.post(path_of(house, clock))
    assert stranger.get("/inbox").status == 200
    clock.advance(12 * 3600 + 1)
    assert stranger.get("/inbox").to == "/sign-in"


def test_signing_out_ends_the_session_everywhere(house: House, clock: SetClock, app: ASGIApp) -> None:
    here = Caller(app)
    here.post(path_of(house, clock))
    copy = Caller(app, cookies=dict(here.cookies))
    assert here.post("/sign-out").to == "/sign-in"
    assert "bridgehead_session" not in here.cookies
    assert copy.get("/inbox").to == "/sign-in"


def test_a_person_nobody_declared_cannot_sign_in(house: House, clock: SetClock, stranger: Caller) -> None:
    assert stranger.post(path_of(house, clock, person="mallory")).status == 410


def test_a_session_of_somebody_no_longer_declared_is_over(
    house: House, clock: SetClock, stranger: Caller
) -> None:
    stranger.post(path_of(house, clock))
    with house.store.writing() as connection:
        connection.execute(update(session).values(person="mallory"))
    assert stranger.get("/inbox").to == "/sign-in"


def test_the_first_page_is_the_one_a_person_came_for(sign_in: SignIn) -> None:
    assert sign_in("maya").get("/").to == "/inbox"
    assert sign_in("ruth").get("/").to == "/deployments"
