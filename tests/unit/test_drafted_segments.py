"""``bridgehead watch draft`` of batches: by which column each is complete, and that chance is no alarm."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from bridgehead.doors.cli import cli
from bridgehead.kernel.clock import SystemClock
from bridgehead.watch.arrivals import accept_volume
from bridgehead.watch.arrivals.event import Arrival, Noticed
from bridgehead.watch.arrivals.segments import segments
from bridgehead.watch.arrivals.state import Feed
from bridgehead.watch.checks.engine import Limits
from bridgehead.watch.contract.read import parse
from bridgehead.watch.draft.batches import Counted
from bridgehead.watch.draft.complete import segment
from bridgehead.watch.draft.draft import from_files
from bridgehead.watch.draft.proposal import DraftTable
from bridgehead.watch.draft.written import contract_text
from fixtures.drills import tills

FIRST = date(2026, 9, 7)
TOWNS = ("Aarau", "Basel", "Chur", "Davos")
Rows = list[dict[str, Any]]


def visits(draw: np.random.Generator, rows: int = 120) -> Rows:
    """A day of visits: most at one of four places, few at a fifth; each a purpose and a member of staff."""
    places = draw.choice([*TOWNS, "Elm"], rows, p=[0.3, 0.3, 0.2, 0.19, 0.01])
    return [
        {
            "visit_no": int(draw.integers(1, 10**9)),
            "place": str(place),
            "purpose": str(draw.choice(["repair", "advice"])),
            "employee": str(draw.choice(["ines", "noor", "olga"])),
            "minutes": int(draw.integers(1, 5)),
        }
        for place in places
    ]


def drop(folder: Path, days: int = 20, form: str = "csv", without: Mapping[int, str] | None = None) -> Path:
    """A file a day; of some days one place is absent."""
    draw, absent = np.random.default_rng(7), without or {}
    folder.mkdir(parents=True, exist_ok=True)
    for day in range(days):
        rows = [row for row in visits(draw) if row["place"] != absent.get(day)]
        write(folder / f"visits_{FIRST + timedelta(days=day)}.{form}", rows)
    return folder


def write(path: Path, rows: Rows) -> None:
    if path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    elif path.suffix == ".parquet":
        import duckdb

        source = path.with_suffix(".jsonl.part")
        source.write_text("\n".join(map(json.dumps, rows)))
        duckdb.sql(f"COPY (FROM read_json('{source}', format = 'newline_delimited')) TO '{path}'")
        source.unlink()
    else:
        text = io.StringIO(newline="")
        csv.writer(text).writerows([list(rows[0]), *(list(row.values()) for row in rows)])
        content = text.getvalue().encode()
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def drafted(folder: Path, table: str = "visits") -> DraftTable:
    found = from_files(folder, limits=Limits(), clock=SystemClock(), say=lambda _: None).tables
    return next(one for one in found if one.name == table)


# --- what is proposed -----------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "csv.gz", "jsonl", "parquet"])
def test_the_column_whose_values_are_in_every_file_is_proposed_as_a_guess(tmp_path: Path, form: str) -> None:
    folder, out = drop(tmp_path / "drop", form=form), tmp_path / "c.odcs.yaml"
    run = CliRunner().invoke(cli, ["watch", "draft", str(folder), "--out", str(out)], standalone_mode=False)
    assert run.return_value == 0, run.output
    text = out.read_text()
    words = (
        "# guess: each of the 4 usual of 5 values of `place` is in all 20 files, of the rarest about 22 rows"
    )
    assert words in text and "`purpose` (2 values)" in text and "clause: segment" in text
    (table,) = parse(text.encode(), "c").tables
    assert table.ours.segment == "place"
    check = ["watch", "check", "--contract", str(out), "--data", str(folder)]
    checked = CliRunner().invoke(cli, check, standalone_mode=False)
    assert checked.return_value == 0, checked.output


def test_one_absence_that_chance_does_not_explain_and_nothing_is_proposed(tmp_path: Path) -> None:
    found = drafted(drop(tmp_path, without={4: "Chur"})).segment
    assert found is not None and found.column == "purpose" and not found.others


def test_few_files_say_nothing_and_rare_values_may_be_absent(tmp_path: Path) -> None:
    assert drafted(drop(tmp_path / "few", days=5)).segment is None
    found = drafted(drop(tmp_path / "rare", days=6, without={2: "Elm", 3: "Elm"})).segment
    assert found is not None and (found.column, found.values) == ("place", 4)


def test_a_small_file_may_lack_what_chance_left_out_and_the_draft_says_so(tmp_path: Path) -> None:
    folder = drop(tmp_path)
    short = [row for row in visits(np.random.default_rng(2), rows=12) if row["place"] != "Chur"]
    write(folder / f"visits_{FIRST + timedelta(days=20)}.csv", short)
    found = drafted(folder).segment
    assert found is not None and (found.column, found.small) == ("place", 1)
    assert "in all 21 files but 1 with too few rows to tell" in found.words()


def test_of_many_files_the_newest_are_counted_and_the_draft_says_so(tmp_path: Path) -> None:
    found = drafted(drop(tmp_path, days=95, without={0: "Chur"})).segment
    assert found is not None and found.column == "place"
    assert "in each of the newest 91 files with rows" in found.words()


def test_files_that_are_named_after_no_day_are_no_batches(tmp_path: Path) -> None:
    folder = drop(tmp_path / "visits")
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(folder / f"part-{number}.csv")
    assert drafted(tmp_path).segment is None


def test_a_column_about_people_and_one_that_measures_are_never_named(tmp_path: Path) -> None:
    found = drafted(drop(tmp_path)).segment
    assert found is not None
    assert {found.column, *(one.column for one in found.others)} == {"place", "purpose"}


def test_a_column_that_one_file_lacks_is_not_named(tmp_path: Path) -> None:
    folder = drop(tmp_path)
    last = max(folder.iterdir())
    write(
        last, [{key: row[key] for key in row if key != "place"} for row in visits(np.random.default_rng(1))]
    )
    found = drafted(folder).segment
    assert found is not None and found.column == "purpose"


def test_what_refers_to_another_table_comes_first(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    write(tmp_path / "shops.csv", [{"id": n, "town": f"Town {n}"} for n in range(1, 13)])
    for day in range(8):
        rows = [
            {"no": 1000 * day + n, "shop_id": int(draw.integers(1, 13)), "kind": f"kind {n % 15}"}
            for n in range(400)
        ]
        write(tmp_path / f"sales_{FIRST + timedelta(days=day)}.csv", rows)
    found = drafted(tmp_path, "sales").segment
    assert found is not None
    assert (found.column, found.why) == ("shop_id", "it refers to another table")
    assert [one.column for one in found.others] == ["kind"], "of more values, and steadier"


def test_what_so_many_senders_send_comes_before_what_chance_draws(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    for day in range(12):
        rows = [{"till": f"T{n % 4}", "paid": f"by {draw.integers(0, 7)}"} for n in range(300)]
        write(tmp_path / f"sales_{FIRST + timedelta(days=day)}.csv", rows)
    found = drafted(tmp_path, "sales").segment
    assert found is not None and (found.column, found.others[0].column) == ("till", "paid")
    assert found.why == "its values vary least from file to file"


def test_what_the_drills_promise_is_what_is_drafted_of_their_fortnight(tmp_path: Path) -> None:
    for day in range(15):
        at = date(2026, 3, 9) + timedelta(days=day)
        (tmp_path / f"sales_{at}.csv").write_text(tills.text(tills.rows(at, 5)), encoding="utf-8")
    contract = Path(tills.__file__).with_name("house") / "contracts" / "tills.odcs.yaml"
    (promised,) = parse(contract.read_bytes(), "tills").tables
    made = drafted(tmp_path, "sales")
    assert made.segment is not None and made.segment.column == promised.ours.segment
    text = contract_text("tills", [made], "x", "y")
    assert not any(store in text.partition("properties:")[0] for store in tills.STORES)


# --- what is raised afterwards --------------------------------------------------------------------


def watched(
    counts: Sequence[Mapping[str, int]], feed: Feed | None = None
) -> tuple[Feed, list[list[Noticed]]]:
    """Let batches come, one a day; return what is said of each."""
    feed, said = feed or Feed(feed="visits"), []
    for number, rows in enumerate(counts):
        day = FIRST + timedelta(days=number)
        at = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
        told = tuple((name, count) for name, count in rows.items() if count)
        feed, now = segments(feed, Arrival(feed="visits", batch=str(day), at=at, segments=told), day)
        said.append(list(now))
    return feed, said


def missing(said: Sequence[Sequence[Noticed]]) -> list[int]:
    """Return the batches that were said to lack a value."""
    return [n for n, now in enumerate(said) if any(one.kind == "segment_missing" for one in now)]


def random_feed(draw: np.random.Generator, batches: int = 60) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Rows of 2 to 20 values in each batch, nothing wrong: values, weekdays, days and lumps differ."""
    values = int(draw.integers(2, 21))
    shares = draw.dirichlet(np.full(values, draw.choice([1, 3, 20, 200])))
    size = np.exp(draw.uniform(np.log(30), np.log(3000)))
    week = np.exp(draw.normal(0, draw.choice([0, 0.3]), 7))
    days = week[np.arange(batches) % 7] * np.exp(draw.normal(0, 0.1, batches))
    lumps = np.exp(draw.normal(0, draw.choice([0, 0, 0.2, 0.5]), (batches, values)))
    found: np.ndarray[Any, np.dtype[np.float64]] = draw.poisson(size * np.outer(days, shares) * lumps)
    return found


def test_of_what_is_proposed_chance_raises_at_most_one_batch_in_a_thousand() -> None:
    draw, proposed, judged, raised = np.random.default_rng(41), 0, 0, 0
    for _ in range(200):
        rows = random_feed(draw)
        rows = rows[:, rows[:20].sum(axis=0) > 0]
        names = tuple(f"v{n:02}" for n in range(rows.shape[1]))
        if segment([Counted(column="place", values=names, rows=rows[:20])], frozenset()) is None:
            continue
        proposed += 1
        _, said = watched([dict(zip(names, map(int, day), strict=True)) for day in rows])
        judged += len(rows) - 20
        raised += sum(n >= 20 for n in missing(said))
    assert proposed > 60, "what is never proposed raises nothing, either"
    assert raised <= judged / 1000


def test_a_place_that_opens_later_is_no_news_and_missed_once_it_is_usual() -> None:
    usual = dict.fromkeys(TOWNS, 30)
    opened = [usual] * 20 + [usual | {"Flims": 25}] * 20
    _, said = watched([*opened, usual])
    assert missing(said) == [40]


def test_a_place_that_closes_is_missed_in_every_batch_until_a_person_says_that_it_is_so() -> None:
    usual = dict.fromkeys(TOWNS, 30)
    closed = {name: 30 for name in TOWNS if name != "Davos"}
    feed, said = watched([usual] * 28 + [closed] * 7)
    assert missing(said) == list(range(28, 35)), "what was missed never becomes usual by itself"
    feed = accept_volume(feed, by="olga", why="Davos is closed")
    feed, said = watched([closed] * 21, feed)
    assert missing(said) == []
    _, said = watched([{name: 30 for name in closed if name != "Chur"}], feed)
    assert missing(said) == [0], "the others are still watched"
