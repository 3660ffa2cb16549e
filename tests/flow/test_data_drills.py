"""Data drills, the quick ones: one thing is wrong with the data, and a whole deployment notices, holds back
what rests on it, names the cause, and recovers. ``bench/data_drills.py`` plays them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgehead.testing import HostileErp
from fixtures.drills.plan import DRILLS, Drill, Place
from fixtures.drills.score import Score


def drill(name: str) -> Drill:
    return next(each for each in DRILLS if each.name == name)


async def played(place: Path, *names: str) -> dict[str, Score]:
    """Play drills, each on a deployment of its own; and, as ``twin``, the first with nothing injected."""
    with HostileErp.start(place / "erp") as erp:
        here = Place(folder=place, erp=erp)
        found = {name: await here.played(drill(name), injected=True) for name in names}
        return found | {"twin": await here.played(drill(names[0]), injected=False)}


FILES = ("value renamed", "half a file", "yesterday's file again", "one store absent")
ROWS = ("cents for euros (db)", "clock put right (db)")


async def test_a_spoilt_file_is_nobodys_data_and_what_waits_for_the_whole_one_is_done_once(
    tmp_path: Path,
) -> None:
    found = await played(tmp_path, *FILES)
    for name in FILES:
        one = found[name]
        assert one.detected and one.cause, (name, one)
        assert one.after_h == pytest.approx(0, abs=0.01), (name, one)
        assert (one.wrong_before, one.wrong_after, one.lost, one.doubled) == (0, 0, 0, 0), (name, one)
    assert found["twin"].silent, found["twin"]


async def test_rows_that_break_between_two_looks_do_harm_until_the_next_and_none_afterwards(
    tmp_path: Path,
) -> None:
    found = await played(tmp_path, *ROWS)
    for name in ROWS:
        one = found[name]
        assert one.detected and one.cause, (name, one)
        assert one.after_h is not None and one.after_h < 3, (name, one)
        assert (one.wrong_after, one.lost, one.doubled) == (0, 0, 0), (name, one)
        assert one.listed == one.touched, (name, one)
    assert found[ROWS[0]].touched == 3 == found[ROWS[0]].wrong_before, "advised in cents, and listed"
    assert found["twin"].silent, found["twin"]
