"""A drop folder: a batch is read when its sender says it is complete, once, and never guessed to be."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bridgehead.kernel.errors import ConfigError
from bridgehead.watch import stored
from bridgehead.watch.arrivals import Arrival, Noticed
from bridgehead.watch.arrivals.folder import Folder, FolderState, read

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
ORDERS = "id,store,amount\n1,north,10.50\n2,south,2.25\n3,north,\n"


class Dropped:
    """A folder as the reader sees it, look by look; its state goes through JSON each time."""

    def __init__(self, path: Path, complete_by: str = "rename", **more: object) -> None:
        self.path = path
        self.folder = Folder(feed="orders", path=path, complete_by=complete_by, **more)  # type: ignore[arg-type]
        self.state = FolderState()

    def look(self) -> tuple[list[Arrival], list[Noticed]]:
        state, arrivals, said = read(self.folder, self.state, NOW)
        self.state = stored.read(FolderState, json.loads(json.dumps(stored.plain(state))))
        return list(arrivals), list(said)

    def manifest(self, batch: str, *names: str, **more: object) -> None:
        files = [self.part(name) for name in names]
        text = json.dumps({"batch": batch, "files": files} | more)
        (self.path / f"{batch}.manifest.json").write_text(text)

    def part(self, name: str) -> dict[str, object]:
        content = (self.path / name).read_bytes()
        return {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_a_file_is_there_once_it_is_renamed(tmp_path: Path) -> None:
    place = Dropped(tmp_path, names="orders*.csv", key=("id",), segment="store")
    (tmp_path / "orders_20261121.csv.part").write_text(ORDERS)
    (tmp_path / ".orders.csv").write_text(ORDERS)
    (tmp_path / "readme.txt").write_text("hello")
    assert place.look() == ([], [])
    (tmp_path / "orders_20261121.csv.part").rename(tmp_path / "orders_20261121.csv")
    arrivals, said = place.look()
    assert said == []
    (one,) = arrivals
    assert (one.rows, one.about, one.segments) == (3, (date(2026, 11, 21),), (("north", 2), ("south", 1)))
    assert place.look() == ([], []), "what was taken is remembered"


def test_a_touched_file_is_no_news_a_replaced_one_is(tmp_path: Path) -> None:
    place = Dropped(tmp_path)
    (tmp_path / "a.csv").write_text(ORDERS)
    (first,), _ = place.look()
    os.utime(tmp_path / "a.csv", (1, 1))
    assert place.look() == ([], [])
    (tmp_path / "a.csv").write_text(ORDERS.replace("2.25", "9.99"))
    (second,), _ = place.look()
    assert (first.batch, first.keys) == (second.batch, second.keys)
    assert first.content != second.content


def test_rows_in_another_order_under_another_name_are_the_same_batch(tmp_path: Path) -> None:
    place = Dropped(tmp_path, key=("id",))
    (tmp_path / "a.csv").write_text(ORDERS)
    (first,), _ = place.look()
    lines = ORDERS.splitlines()
    (tmp_path / "b.csv").write_text("\r\n".join([lines[0], lines[3], lines[1], lines[2]]))
    (second,), _ = place.look()
    assert second.content == first.content
    assert second.overlap == 1.0


def test_a_manifest_says_when_a_batch_is_complete(tmp_path: Path) -> None:
    """The data are there, whole, long before: nothing is read until the manifest says what they must be."""
    place = Dropped(tmp_path, "manifest")
    (tmp_path / "north.csv").write_text(ORDERS)
    assert place.look() == ([], [])
    (tmp_path / "south.csv").write_text(ORDERS)
    place.manifest("2026-11-21", "north.csv", "south.csv", rows=6, sums={"amount": "25.50"})
    (tmp_path / "south.csv").write_text(ORDERS[:20])
    arrivals, said = place.look()
    assert arrivals == []
    assert "south.csv is not what the manifest says" in said[0].words
    assert place.look() == ([], []), "said once: the sender may still be writing"
    (tmp_path / "south.csv").write_text(ORDERS)
    (one,), said = place.look()
    assert said == []
    assert one.rows == 6
    assert [(each.name, each.said, each.counted) for each in one.totals] == [
        ("rows", Decimal(6), Decimal(6)),
        ("amount", Decimal("25.50"), Decimal("25.50")),
    ]
    assert place.look() == ([], [])


def test_a_format_that_is_not_text_is_known_by_its_bytes(tmp_path: Path) -> None:
    place = Dropped(tmp_path, "manifest")
    (tmp_path / "a.parquet").write_bytes(b"PAR1\x00\xff")
    place.manifest("2026-11-21", "a.parquet", rows=12)
    (one,), _ = place.look()
    assert one.rows == 12, "counted by the sender until the scan counts"
    assert one.totals == ()


def test_a_column_that_cannot_be_summed_does_not_agree(tmp_path: Path) -> None:
    place = Dropped(tmp_path, "manifest")
    (tmp_path / "a.csv").write_text(ORDERS.replace("2.25", "two"))
    place.manifest("b", "a.csv", sums={"amount": "12.75", "tax": "1"})
    (one,), _ = place.look()
    assert [(each.name, each.said == each.counted) for each in one.totals] == [
        ("amount", False),
        ("tax", False),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"batch": "b"}',
        '{"batch": "b", "files": []}',
        '{"batch": "b", "files": [{"name": "../a.csv", "bytes": 1, "sha256": "%s"}]}' % ("0" * 64),
        '{"batch": "b", "files": [{"name": "..", "bytes": 1, "sha256": "%s"}]}' % ("0" * 64),
        '{"batch": "b", "files": [{"name": ".a", "bytes": 1, "sha256": "%s"}]}' % ("0" * 64),
        '{"batch": "b", "files": [{"name": "a.csv", "bytes": -1, "sha256": "%s"}]}' % ("0" * 64),
        '{"batch": "b", "files": [{"name": "a.csv", "bytes": 1, "sha256": "%s"}], "rows": -4}' % ("0" * 64),
        '{"batch": "b", "files": [{"name": "a.csv", "bytes": 1, "sha256": "%s"}], "sums": {"a": "NaN"}}'
        % ("0" * 64),
        "[" * 100_000,
        '{"batch": "b", "command": "rm"}',
        "\x00" * 10,
        "7" * 5000,
    ],
)
def test_a_manifest_of_a_stranger_is_said_and_nothing_is_read(tmp_path: Path, text: str) -> None:
    place = Dropped(tmp_path / "in", "manifest")
    (tmp_path / "in").mkdir()
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "in" / "b.manifest.json").write_text(text)
    arrivals, said = place.look()
    assert arrivals == []
    assert [each.kind for each in said] == ["late"]


def test_links_pipes_and_folders_are_not_batches(tmp_path: Path) -> None:
    place = Dropped(tmp_path / "in")
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.csv").write_text(ORDERS)
    (tmp_path / "in" / "link.csv").symlink_to(tmp_path / "secret.csv")
    os.mkfifo(tmp_path / "in" / "pipe.csv")
    (tmp_path / "in" / "folder.csv").mkdir()
    assert place.look() == ([], [])


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b'a,b\n"' + b"x" * 100, b"", b"\n\n", b"a\n\x00\n"])
def test_bytes_that_are_no_table_are_an_arrival_all_the_same(tmp_path: Path, content: bytes) -> None:
    place = Dropped(tmp_path, key=("id",))
    (tmp_path / "a.csv").write_bytes(content)
    (one,), _ = place.look()
    assert one.size == len(content)


def test_a_header_alone_holds_no_rows(tmp_path: Path) -> None:
    place = Dropped(tmp_path)
    (tmp_path / "a.csv").write_text("id,store,amount\n")
    (tmp_path / "b.jsonl").write_text("")
    arrivals, _ = place.look()
    assert [each.rows for each in arrivals] == [0, 0]


def test_a_folder_that_cannot_be_read_is_an_error_and_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="BH-WAT-044"):
        Dropped(tmp_path / "gone").look()
