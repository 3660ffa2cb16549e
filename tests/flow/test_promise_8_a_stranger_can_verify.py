"""Promise 8. What a real run left behind is checked by one file and by twenty lines written here, with
nothing of ours; ``tests/attack/test_tampering.py`` then changes every byte."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import bridgehead
from fixtures.houses import IDENTIFY, Desk, act, ask, decide


@pytest.fixture
async def left_behind(desk: Desk, tmp_path: Path) -> Path:
    """A folder with what a stranger is given: the store, the log's public key, the verifier."""
    steps = [IDENTIFY, act("refund", order_id="o1", amount=20), act("read_order", order_id="o9"), ask()]
    desk.start(*steps, decide("Go on?"))
    await desk.work()
    desk.vote("maya")
    await desk.work()
    desk.close()  # signs a checkpoint
    given = tmp_path / "given"
    given.mkdir()
    shutil.copy(desk.state / "store.db", given)
    shutil.copy(desk.state / "keys" / "ledger.vkey", given)
    shutil.copy(Path(bridgehead.__file__).parent / "record" / "verify.py", given)
    return given


def verify(folder: Path) -> tuple[int, dict[str, Any]]:
    """Run the verifier as a stranger would: isolated from our packages."""
    command = [sys.executable, "-I", "verify.py", "store.db", "--vkey", "ledger.vkey"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return ran.returncode, json.loads(ran.stdout)


async def test_one_file_verifies_it_all(left_behind: Path) -> None:
    code, report = verify(left_behind)
    assert (code, report["ok"], report["problems"]) == (0, True, [])
    assert (report["runs"], report["ended_runs"], report["open_actions"]) == (1, 1, 0)
    assert report["signed_size"] == report["size"] > 15


async def test_and_names_what_was_changed(left_behind: Path) -> None:
    with closing(sqlite3.connect(left_behind / "store.db")) as db:
        index, data = db.execute("select idx, envelope from entry where kind = 'action.refused'").fetchone()
        db.execute("update entry set envelope = ? where idx = ?", (data.replace(b"refuse", b"permit"), index))
        db.commit()
    code, report = verify(left_behind)
    assert (code, report["ok"], report["first"]["index"]) == (1, False, index)


async def test_twenty_lines_of_a_strangers_own_come_to_the_same_root(left_behind: Path) -> None:
    """RFC 6962 section 2.1 and C2SP signed notes, from their texts."""

    def root(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return leaves[0]
        half = 1 << (len(leaves) - 1).bit_length() - 1
        return hashlib.sha256(b"\x01" + root(leaves[:half]) + root(leaves[half:])).digest()

    with closing(sqlite3.connect(left_behind / "store.db")) as db:
        entries = [row[0] for row in db.execute("select envelope from entry order by idx")]
        note = db.execute("select note from checkpoint order by size desc").fetchone()[0]
    text, _, signatures = note.partition("\n\n")
    origin, size, head = text.split("\n")[:3]
    assert int(size) == len(entries)
    assert base64.b64decode(head) == root([hashlib.sha256(b"\x00" + entry).digest() for entry in entries])
    name, _, key = (left_behind / "ledger.vkey").read_text().strip().split("+", 2)
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:])
    (signature,) = [line.split(" ")[2] for line in signatures.splitlines() if line.startswith(f"— {name} ")]
    public.verify(base64.b64decode(signature)[4:], (text + "\n").encode())  # raises if it is not theirs
    assert origin == "example-tests/desk"
