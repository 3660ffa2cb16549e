"""What a charter may say of tables that come in batches, and what landing does where it cannot write."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgehead.declare import load
from bridgehead.declare.faults import CharterErrors
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.arrivals.folder import FolderState
from bridgehead.watch.feeds import landing
from fixtures.fed import FedDesk


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("folder: ../drop", "folder: drop", "BH-CHA-143"),
        ("folder: ../drop", "folder: .", "BH-CHA-143"),
        ('files: "customers*.csv"', 'files: "../*.csv"', "BH-CHA-014"),
        ("holds: all", "holds: some", "BH-CHA-014"),
        ("        feed:", "        file: a.csv\n        feed:", "a `file` or a `feed`, not both"),
        ("    contract: sales.odcs.yaml\n", "", "what is not checked is not published"),
        ("    driver: duckdb\n", "    driver: duckdb\n    path: all.duckdb\n", "without a `path`"),
    ],
)
def test_a_feed_that_cannot_be_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    desk = FedDesk(tmp_path).change(old, new)
    with pytest.raises(CharterErrors) as caught:
        load(desk.folder)
    assert said in str(caught.value)


def test_a_hidden_folder_of_the_deployment_may_take_batches(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path).change("folder: ../drop", "folder: .drop/sales")
    assert load(desk.folder).charter.sources["sales"].feeds["customers"].folder == ".drop/sales"


def test_a_copy_that_cannot_be_written_is_said_and_one_that_changes_is_looked_at_again(
    tmp_path: Path,
) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "a.csv").write_text("id\n1\n")
    (drop / "link.csv").symlink_to(drop / "a.csv")
    (one,) = landing.look(drop, "*.csv", "rename", FolderState()).complete
    (tmp_path / "full").write_text("no folder")
    with pytest.raises(WatchError, match="BH-WAT-046"):
        landing.land(drop, one, tmp_path / "full")
    (drop / "a.csv").unlink()
    assert landing.land(drop, one, tmp_path / "place") is None
    assert list((tmp_path / "place").iterdir()) == []
    with pytest.raises(WatchError, match="BH-WAT-045"):
        landing.look(tmp_path / "gone", "*", "rename", FolderState())
