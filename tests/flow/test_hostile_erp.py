"""The hostile order system does to its callers what it is told to do, and its own file tells the truth."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.connect import open_server
from bridgehead.connect.actions.mcp import MOST_STARTS
from bridgehead.declare.model import McpServer
from bridgehead.kernel.errors import ConnectError
from bridgehead.kernel.ports import Driver, Request
from bridgehead.testing import HostileErp
from bridgehead.testing.hostile_erp import CHAOS, Book, Faults, Judgement, judge
from bridgehead.testing.hostile_erp.desk import Answered, Broken, Desk
from bridgehead.testing.hostile_erp.faults import EVERYTHING, KINDS

ORDER = {"reference": "o-1", "customer": "Ana", "amount": "12.50"}


def post(reference: str = "o-1", **more: Any) -> Request:
    arguments = ORDER | {"reference": reference} | more
    return Request(operation="post_order", arguments=arguments, key="k", deadline=10)


def find(reference: str = "o-1") -> Request:
    return Request(operation="find_posting", arguments={"reference": reference}, key="k", deadline=10)


def driver(erp: HostileErp, folder: Path) -> Driver:
    settings = McpServer(url=erp.mcp_url, region="local", deadline="10s")
    return open_server("erp", settings, state=folder, folder=folder)


async def failing(to: Driver, request: Request) -> ConnectError:
    with pytest.raises(ConnectError) as caught:
        await to.call(request)
    return caught.value


# --- which fault strikes ----------------------------------------------------------------------


@given(st.integers(0, 10**6), st.text(max_size=20), st.integers(1, 50))
def test_the_same_attempt_is_struck_the_same_way_every_time(seed: int, reference: str, attempt: int) -> None:
    strikes = {CHAOS.strike(seed, "post_order", reference, attempt) for _ in range(3)}
    assert len(strikes) == 1
    assert Faults().strike(seed, "post_order", reference, attempt).kind is None


def test_faults_come_as_often_as_their_shares_say() -> None:
    struck = [CHAOS.strike(1, "post_order", f"o-{n}", 1).kind for n in range(20_000)]
    for kind, share in CHAOS.shares.items():
        assert abs(struck.count(kind) / len(struck) - share) < 0.01
    assert {kind for kind in struck if kind} == set(CHAOS.shares)


@pytest.mark.parametrize("mix", [CHAOS, EVERYTHING, Faults(shares={"hangs": 0.5}, reads_fail=0.25)])
def test_shares_are_written_and_read_back(mix: Faults) -> None:
    assert Faults.parse(mix.text()) == mix


@pytest.mark.parametrize("text", ["chaotic", "lags=3%", "hangs=300%", "hangs=60%,restarts=60%", "hangs=much"])
def test_what_is_not_a_share_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"fault|share|SHARE"):
        Faults.parse(text)


# --- what each of them does -------------------------------------------------------------------


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    opened = Book(tmp_path / "erp.db", keys=False)
    yield opened
    opened.close()


DONE = {
    "none": 1,
    "fails-before": 0,
    "loses-reply": 1,
    "applies-late": 0,
    "applies-twice": 2,
    "hangs": 0,
    "hangs:after": 1,
    "restarts": 0,
    "restarts:after": 1,
    "rate-limits": 0,
    "rejects": 0,
}


@pytest.mark.parametrize(("fault", "posted"), DONE.items())
def test_a_fault_changes_the_books_as_it_says(book: Book, fault: str, posted: int) -> None:
    book.plan("o-1", [fault])
    result = Desk(book, Faults(), 0).change("post_order", ORDER)
    assert book.find("o-1")["found"] == posted
    told = isinstance(result, Answered) and not result.refused
    assert told == (fault in ("none", "applies-twice"))
    assert set(KINDS) == {name.partition(":")[0] for name in DONE} - {"none"}


def test_a_late_change_comes_by_itself_and_only_once(book: Book) -> None:
    book.plan("o-1", ["applies-late"])
    desk = Desk(book, Faults(soonest=0.0, latest=0.0), 0)
    assert desk.change("post_order", ORDER) == Broken(how="status", status=504)
    assert book.apply_due() is None
    assert book.apply_due() is None
    assert book.find("o-1")["found"] == 1


def test_what_is_cancelled_stands_no_more_and_cannot_be_cancelled_again(book: Book) -> None:
    desk = Desk(book, Faults(), 0)
    assert desk.change("cancel_posting", {"reference": "o-1"}) == Answered(
        refused="Nothing is posted under o-1."
    )
    desk.change("post_order", ORDER)
    answer = desk.change("cancel_posting", {"reference": "o-1"})
    assert isinstance(answer, Answered) and answer.value["state"] == "cancelled"
    assert book.find("o-1")["found"] == 0
    again = desk.change("cancel_posting", {"reference": "o-1"})
    assert isinstance(again, Answered) and again.refused


@pytest.mark.parametrize("keys", [False, True])
def test_a_repeated_key_is_dropped_only_where_keys_are_known(tmp_path: Path, keys: bool) -> None:
    book = Book(tmp_path / "erp.db", keys=keys)
    desk = Desk(book, Faults(), 0)
    for _ in range(3):
        desk.change("post_order", ORDER | {"key": "k-1"})
    other = desk.change("post_order", ORDER | {"key": "k-1", "amount": "99"})
    assert book.find("o-1")["found"] == (1 if keys else 4)
    assert bool(isinstance(other, Answered) and other.refused) == keys
    book.close()


@pytest.mark.parametrize("amount", ["-1", "0", "much", "", "NaN", "Infinity"])
def test_an_amount_that_is_none_is_a_business_no(book: Book, amount: str) -> None:
    answer = Desk(book, Faults(), 0).change("post_order", ORDER | {"amount": amount})
    assert isinstance(answer, Answered) and "amount" in answer.refused
    assert book.find("o-1")["found"] == 0


# --- on the wire ------------------------------------------------------------------------------


async def test_a_caller_over_mcp_is_told_no_more_than_it_can_know(tmp_path: Path) -> None:
    with HostileErp.start(tmp_path, faults="none", late="10ms..20ms") as erp:
        caller = driver(erp, tmp_path)
        await caller.open()
        unclear = ["fails-before", "loses-reply", "rate-limits", "applies-late", "restarts", "restarts:after"]
        for number, fault in enumerate(unclear):
            erp.next(f"o-{number}", [fault])
            error = await failing(caller, post(f"o-{number}"))
            assert error.effect_state == "unknown", fault
        for fault in ("hangs", "hangs:after"):
            erp.next("o-8", [fault])
            error = await failing(caller, replace(post("o-8"), deadline=0.3))
            assert (error.code, error.effect_state) == ("BH-CON-013", "unknown")
        erp.next("o-9", ["rejects", "none"])
        assert (await caller.call(post("o-9"))).refused == "The period is closed for this order."
        assert (await caller.call(post("o-9"))).value["state"] == "posted"
        assert (await caller.call(find("o-8"))).value["found"] == 1
        await caller.close()
        seen = erp.judge(["o-0", "o-1", "o-2", "o-4", "o-5", "o-8", "o-9"])
        assert (seen.absent, seen.twice, seen.extra) == (("o-0", "o-2", "o-4"), 0, 1)


async def test_a_system_that_is_down_for_a_while_is_reached_again_at_once(tmp_path: Path) -> None:
    """Not left alone for a minute, as a program that keeps dying is."""
    erp = HostileErp.start(tmp_path)
    caller = driver(erp, tmp_path)
    await caller.open()
    erp.kill()
    for _ in range(2 * MOST_STARTS):
        assert (await failing(caller, post())).effect_state == "none"
    port = int(erp.url.rpartition(":")[2])
    with HostileErp.start(tmp_path, port=port):
        assert (await caller.call(post())).value["state"] == "posted"
        await caller.close()


async def test_a_late_change_outlives_the_process_that_promised_it(tmp_path: Path) -> None:
    erp = HostileErp.start(tmp_path, late="200ms..200ms")
    erp.next("o-1", ["applies-late"])
    caller = driver(erp, tmp_path)
    await caller.open()
    await failing(caller, post())
    erp.kill()
    await caller.close()
    assert erp.judge(["o-1"]).missing == 1
    with HostileErp.start(tmp_path) as again:
        caller = driver(again, tmp_path)
        await caller.open()
        while (await caller.call(find())).value["found"] == 0:
            pass
        await caller.close()
    assert judge(erp.file, ["o-1"]) == Judgement(once=1, twice=0, missing=0, extra=0, by_the_system=0)


def asked(erp: HostileErp, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(erp.url.removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def test_the_same_over_plain_http(tmp_path: Path) -> None:
    with HostileErp.start(tmp_path) as erp:
        erp.next("o-1", ["fails-before", "rate-limits", "rejects", "loses-reply", "none"])
        assert [asked(erp, "POST", "/postings", ORDER)[0] for _ in range(3)] == [503, 429, 422]
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            asked(erp, "POST", "/postings", ORDER)
        assert asked(erp, "POST", "/postings", ORDER)[0] == 201
        assert erp.judge(["o-1"]).duplicated == ("o-1",)
        assert asked(erp, "GET", "/postings?reference=o-1")[1]["found"] == 2
        assert asked(erp, "POST", "/postings/o-1/cancel")[1]["state"] == "cancelled"
        assert [p["state"] for p in asked(erp, "GET", "/postings")[1]["postings"]] == ["posted", "cancelled"]
        for wrong in ({"reference": "o-2"}, [1], {**ORDER, "colour": "red"}, {**ORDER, "amount": 5}):
            assert asked(erp, "POST", "/postings", wrong)[0] == 400
        assert asked(erp, "GET", "/postings?after=x")[0] == 400


def test_faults_are_switched_while_it_runs_and_kept_when_it_restarts(tmp_path: Path) -> None:
    with HostileErp.start(tmp_path, faults="chaos", seed=3) as erp:
        assert asked(erp, "GET", "/admin/faults")[1]["faults"] == CHAOS.text()
        erp.set_faults("restarts=100%", seed=5)
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            asked(erp, "POST", "/postings", ORDER)
        while True:
            try:
                told = asked(erp, "GET", "/admin/faults")[1]
                break
            except ConnectionError:  # on its way up
                continue
        assert (told["faults"], told["seed"]) == ("restarts=1", 5)
        assert asked(erp, "POST", "/admin/faults", {"faults": "lags=1%"})[0] == 400
        assert asked(erp, "POST", "/admin/next", {"reference": "o-1", "faults": ["lags"]})[0] == 400


def test_the_file_is_judged_from_the_command_line(tmp_path: Path) -> None:
    book = Book(tmp_path / "erp.db", keys=False)
    book.plan("o-2", ["applies-twice"])
    desk = Desk(book, Faults(), 0)
    for reference in ("o-1", "o-2", "o-3", "o-3"):
        desk.change("post_order", ORDER | {"reference": reference})
    book.close()
    (tmp_path / "orders.json").write_text(json.dumps({"orders": [{"reference": f"o-{n}"} for n in range(5)]}))
    command = [sys.executable, "-m", "bridgehead.testing.hostile_erp", "--folder", str(tmp_path)]
    said = subprocess.run(
        [*command, "--judge", f"@{tmp_path / 'orders.json'}"], capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines() == [
        "2 of 5 orders posted exactly once",
        "1 more than once o-3",
        "2 not at all o-0, o-4",
        "1 second postings made by the system itself",
    ]
