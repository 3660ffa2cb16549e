"""Files whose names are no text: they are taken in under a name that can be read, and break no other one."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridgehead.assemble.watching import watch_once
from bridgehead.doors.cli.watch import watch
from fixtures.fed import HEADER, ROWS, FedDesk, richer

STRANGE = {
    b"customers_caf\xe9.csv": r"customers_caf\xe9.csv",
    b"customers_a\nb.csv": r"customers_a\nb.csv",
    b"customers_\x1b[31m.csv": r"customers_\x1b[31m.csv",
    "customers_\u202evsc.csv".encode(): r"customers_\u202evsc.csv",
}


@pytest.fixture
def desk(tmp_path: Path, store_url: str) -> Iterator[FedDesk]:
    made = FedDesk(tmp_path, store=store_url)
    yield made
    made.close()


def drops(desk: FedDesk, name: bytes, by: int) -> None:
    text = "\n".join([HEADER, *richer(ROWS, by)]) + "\n"
    place = os.fsencode(desk.sender.folder)
    with open(place + b"/.draft", "wb") as file:
        file.write(text.encode())
    os.rename(place + b"/.draft", place + b"/" + name)


async def test_a_name_that_is_no_text_is_told_readably_and_breaks_no_other(desk: FedDesk) -> None:
    for number, name in enumerate(STRANGE):
        drops(desk, name, number)
    desk.sender.sends("customers_plain.csv", richer(ROWS, 10))
    await watch_once(desk.house)
    assert desk.batches() == dict.fromkeys([*STRANGE.values(), "customers_plain.csv"], "published")
    assert "look" not in desk.breaches()
    await watch_once(desk.house)
    assert len(desk.batch_rows()) == 5, "nothing is taken in twice"
    assert {body["batch"].partition("@")[0] for body in desk.bodies("batch.published")} >= set(
        STRANGE.values()
    )
    place = ["--in", str(desk.folder), "--state", str(desk.state)]
    told = CliRunner().invoke(watch, ["batches", *place]).output
    assert "\x1b" not in told and "\u202e" not in told
    assert desk.verified().ok


async def test_a_name_that_waits_is_told_readably_too(desk: FedDesk) -> None:
    desk.change('files: "customers*.csv"', 'files: "customers*.csv", complete_by: manifest')
    drops(desk, b"customers_caf\xe9.csv.manifest.json", 0)
    text = ("\n".join([HEADER, *ROWS]) + "\n").encode()
    (desk.sender.folder / "customers_1.csv").write_bytes(text)
    part = {"name": "customers_1.csv", "bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    said = {"batch": "day\u0000one\n", "files": [part]}
    (desk.sender.folder / "customers_1.manifest.json").write_text(json.dumps(said))
    await watch_once(desk.house)
    assert desk.batches() == {r"day\x00one\n": "published"}
    (awaited,) = [clause for clause in desk.breaches() if clause.startswith("landing")]
    assert awaited == r"landing customers_caf\xe9.csv.manifest.json"
    assert desk.verified().ok
