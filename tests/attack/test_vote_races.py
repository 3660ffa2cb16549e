"""Eight threads in two processes fight over each question, on both databases: nothing wrong may come of it.

``bench/votes.py`` is the measurement, with a thousand races; here are eight of each kind in turn, and the
judge itself is judged: it must see what is wrong.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench"
RACES = 48


def test_races_and_attacks_on_votes_have_one_winner_and_the_right_one(store_url: str) -> None:
    command = [sys.executable, str(BENCH / "votes.py"), "--races", str(RACES), "--seed", "11", "--json"]
    if not store_url.startswith("sqlite"):
        command += ["--store", store_url]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == 0, found["what"]
    assert found["revoked_in_time"] + found["revoked_too_late"] == RACES // 8
    assert set(found["kinds"]) == {"double", "pair", "opposed", "stale", "self", "late", "spent", "revoke"}


@pytest.fixture
def races(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("vote_races")


def ended(races: Any, kind: str) -> Any:
    """Return how a race of a kind may end."""
    once = {"approval.voted": 1}
    closed = once | {"approval.closed": 1}
    yes, found = [("lead-1", "approve")], races.Found
    return {
        "double": found(replies=["counted", races.AGAIN], state="open", votes=yes, entries=once),
        "opposed": found(replies=["counted", races.CLOSED], state="used", votes=yes, entries=closed, calls=1),
        "stale": found(replies=[races.STALE] * 2, state="open", votes=[]),
        "self": found(replies=[races.OWN, races.NOBODY], state="open", votes=[]),
        "late": found(replies=["swept", "counted"], state="used", votes=yes, entries=closed, calls=1),
        "spent": found(replies=["counted", races.CLOSED], state="used", votes=yes, entries=closed, calls=1),
        "revoke": found(
            replies=["in time", "BH-APR-026"],
            state="revoked",
            votes=yes,
            entries=closed | {"approval.revoked": 1},
        ),
    }[kind]


@pytest.mark.parametrize("kind", ["double", "opposed", "stale", "self", "late", "spent", "revoke"])
def test_the_judge_lets_a_right_end_pass_and_no_other(races: Any, kind: str) -> None:
    good = ended(races, kind)
    assert races.wrong(kind, good) == ""
    yes = ("lead-2", "approve")
    worse = [
        replace(good, calls=good.calls + 1),
        replace(good, votes=[*good.votes, yes]),
        replace(good, votes=[*good.votes, yes, yes], entries={"approval.voted": len(good.votes) + 2}),
        replace(good, replies=[*good.replies, "counted"]) if kind != "revoke" else replace(good, replies=[]),
        replace(good, replies=["BH-APR-001", *good.replies[1:]]),
        replace(good, state="approved"),
    ]
    assert all(races.wrong(kind, bad) for bad in worse), [races.wrong(kind, bad) for bad in worse]
