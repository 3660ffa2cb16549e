"""Check a ledger without trusting the program that wrote it.

This file stands alone: the standard library and ``cryptography``, nothing of Bridgehead. Copy it,
read it, run it::

    python verify.py store.db --vkey ledger.vkey --checkpoint kept-elsewhere.txt

It reads a store (SQLite) or an export (JSON lines), never writes, hashes the stored bytes and
never serialises anything again. Memory: one hash for each doubling of the log, and about 300 bytes
for each run. What it checks, in this order:

1. entries are numbered 0, 1, 2 ... without a gap;
2. each leaf hash is that of the stored bytes (RFC 6962: SHA-256 of 0x00 and the bytes);
3. the columns people search by say what the bytes say;
4. each run counts 1, 2, 3 ... and each entry names the one before it in its run;
5. each run begins with its start, and once ended has an outcome for every action it began;
6. each body is the one that was recorded, or was erased lawfully under an entry of this log;
7. stored subtree hashes, the head row and the heads of runs follow from the entries;
8. the root equals every checkpoint, stored or kept elsewhere, and their signatures hold.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAX_PROBLEMS = 100
CHUNK_LEVEL = 8
CHUNK = 1 << CHUNK_LEVEL
"""Leaves are folded 256 at a time; every eighth level of the tree is also stored."""

_CLOSES = (b"action.outcome", b"action.settled", b"action.refused")
_OPENS = (b"action.intent", b"action.claimed")


class Unreadable(Exception):
    """What was given is no ledger, no key or no checkpoint; nothing can be said about it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not hold. ``index`` is the first entry concerned, where one can be named."""

    kind: str
    words: str
    index: int | None = None
    run: str = ""


@dataclass(slots=True)
class Report:
    """The verdict. ``ok`` is true only if nothing was found wrong.

    ``first`` is the problem with the lowest entry. ``open_actions`` counts actions that began in
    runs still open and have no outcome yet. ``checkpoints`` counts those that hold; up to
    ``signed_size`` entries are covered by a signature of the given key.
    """

    origin: str = ""
    size: int = 0
    root: str = ""
    runs: int = 0
    ended_runs: int = 0
    open_actions: int = 0
    bodies: int = 0
    bodies_opened: int = 0
    bodies_erased: int = 0
    bodies_left_out: int = 0
    checkpoints: int = 0
    signed_size: int = 0
    problem_count: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Say whether everything held."""
        return self.problem_count == 0

    @property
    def first(self) -> Problem | None:
        """Return the problem with the lowest entry, or the first one if none names an entry."""
        return min(self.problems, key=lambda p: sys.maxsize if p.index is None else p.index, default=None)

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as plain values."""
        first = self.first
        return {"ok": self.ok, "first": asdict(first) if first else None, **asdict(self)}

    def add(self, kind: str, words: str, index: int | None = None, run: str = "") -> None:
        """Note a problem; beyond the first hundred only their number."""
        self.problem_count += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(kind, words, index, run))


def verify_store(
    store: Path, *, vkey: str = "", kept: Sequence[str] = (), keys: Path | None = None
) -> Report:
    """Verify a SQLite store.

    ``vkey`` is the verifier key text; without it signatures are not checked. ``kept`` are
    checkpoint notes from somewhere the operator cannot write to. ``keys`` is a folder holding
    ``kek``, to decrypt the bodies as well. Raises ``Unreadable``.
    """
    with _opened(store) as connection:
        return _Verification(connection, vkey, kept, keys).run()


def verify_export(export: Path, *, vkey: str = "", kept: Sequence[str] = ()) -> Report:
    """Verify an export (JSON lines). Raises ``Unreadable``."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(_connect(str(Path(folder) / "export.db"))) as connection,
    ):
        bodies = _load_export(connection, export)
        return _Verification(connection, vkey, kept, None, exported=True, with_bodies=bodies).run()


# --- trees ---------------------------------------------------------------------------------------


def leaf_hash(data: bytes) -> bytes:
    """Return the leaf hash of RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the node hash of RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Peaks:
    """The roots of the full subtrees of a growing tree, largest first, each with its level."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, level: int, subtree: bytes) -> None:
        """Add a full subtree no larger than the last one."""
        while self._peaks and self._peaks[-1][0] == level:
            subtree, level = node_hash(self._peaks.pop()[1], subtree), level + 1
        self._peaks.append((level, subtree))

    def with_leaves(self, leaves: Sequence[bytes]) -> Peaks:
        """Return these peaks with fewer than a chunk of leaves after them."""
        grown = Peaks()
        grown._peaks = self._peaks.copy()
        for leaf in leaves:
            grown.add(0, leaf)
        return grown

    def frontier(self) -> bytes:
        """Return the peaks as the head row holds them."""
        return b"".join(subtree for _, subtree in self._peaks)

    def root(self) -> bytes:
        """Return the root of the tree."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        root = self._peaks[-1][1]
        for _, subtree in reversed(self._peaks[:-1]):
            root = node_hash(subtree, root)
        return root


def folded(leaves: Sequence[bytes]) -> bytes:
    """Return the root of a full subtree."""
    sha256, row = hashlib.sha256, leaves
    while len(row) > 1:
        row = [
            sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=True)
        ]
    return row[0]


# --- signed notes --------------------------------------------------------------------------------


class Checkpoint(NamedTuple):
    """What a signed note says: origin, size and root, and whether the key's signature holds."""

    origin: str
    size: int
    root: bytes
    signed: bool


class VerifierKey(NamedTuple):
    """A verifier key: name, id and key (https://c2sp.org/signed-note)."""

    name: str
    id: bytes
    key: Ed25519PublicKey


def read_vkey(text: str) -> VerifierKey:
    """Read ``name+id+base64``. Raises ``Unreadable``."""
    parts = text.strip().split("+", 2)
    try:
        name, key_id, data = parts[0], bytes.fromhex(parts[1]), base64.b64decode(parts[2], validate=True)
        key = Ed25519PublicKey.from_public_bytes(data[1:])
    except (IndexError, ValueError) as error:
        raise Unreadable("the verifier key is not of the form name+id+key") from error
    if data[:1] != b"\x01" or hashlib.sha256(name.encode() + b"\n" + data).digest()[:4] != key_id:
        raise Unreadable("the verifier key is damaged: its id does not belong to its key")
    return VerifierKey(name, key_id, key)


def read_note(note: str, key: VerifierKey | None) -> Checkpoint:
    """Read a checkpoint (https://c2sp.org/tlog-checkpoint). Raises ``Unreadable``."""
    text, blank, signatures = note.rpartition("\n\n")
    lines = f"{text}\n".split("\n")
    try:
        origin, size, root = lines[0], lines[1], base64.b64decode(lines[2], validate=True)
        if not blank or not origin or not size.isascii() or str(int(size)) != size or len(root) != 32:
            raise Unreadable("a checkpoint is not three lines, a blank line and a signature")
        signed = key is not None and any(_signs(key, text + "\n", line) for line in signatures.split("\n"))
        return Checkpoint(origin, int(size), root, signed)
    except (IndexError, ValueError) as error:
        raise Unreadable("a checkpoint is not three lines, a blank line and a signature") from error


def _signs(key: VerifierKey, text: str, line: str) -> bool:
    start = f"— {key.name} "
    if not line.startswith(start):
        return False
    try:
        signature = base64.b64decode(line[len(start) :], validate=True)
        key.key.verify(signature[4:], text.encode())
    except (binascii.Error, InvalidSignature, ValueError):
        return False
    return signature[:4] == key.id


# --- reading -------------------------------------------------------------------------------------


def _connect(address: str, *, uri: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=uri, isolation_level=None)
    # Text arrives as bytes: what an attacker stored need not be UTF-8, and must still be compared.
    connection.text_factory = bytes
    return connection


@contextmanager
def _opened(store: Path) -> Iterator[sqlite3.Connection]:
    if not store.is_file():
        raise Unreadable(f"there is no store at {store}")
    try:
        with closing(_connect(f"{store.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("BEGIN")  # one moment of the store, however long this takes
            yield connection
    except sqlite3.Error as error:
        raise Unreadable(f"{store} cannot be read as a ledger: {error}") from error


_EXPORT_TABLES = """
create table ledger_head (origin, size, frontier);
create table entry (idx integer, kind, run, seq, time, leaf, envelope);
create table body (idx integer primary key, record_key, nonce, ciphertext, kid);
create table node (level, position, hash);
create table run_head (run, seq, prev);
create table data_key (kid, subject, nonce, wrapped);
create table checkpoint (size integer, note);
"""


def _load_export(connection: sqlite3.Connection, export: Path) -> bool:
    """Copy an export into tables, so that there is one verification; return whether it has bodies."""
    connection.executescript(_EXPORT_TABLES)
    connection.execute("BEGIN")
    with_bodies, number = False, 0
    try:
        with export.open(encoding="utf-8") as lines:
            for line in lines:
                number += 1
                record = json.loads(line)
                with_bodies |= record["type"] == "ledger" and record["bodies"] is True
                _load_record(connection, record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, sqlite3.Error) as error:
        raise Unreadable(f"{export}, line {number}, is not part of a ledger export: {error!r}") from error
    connection.execute("create index by_idx on entry (idx)")
    return with_bodies


def _load_record(connection: sqlite3.Connection, record: dict[str, Any]) -> None:
    row: tuple[Any, ...]
    match record["type"]:
        case "ledger":
            row = (record["origin"], record["size"], base64.b64decode(record["frontier"]))
            connection.execute("insert into ledger_head values (?, ?, ?)", row)
        case "entry":
            data = record["envelope"].encode()
            fields = _fields(data)
            columns = [fields.get(name) for name in ("kind", "run", "seq", "time")]
            if not all(value is None or isinstance(value, str | int) for value in columns):
                columns = [None] * 4
            row = (record["index"], *columns, bytes.fromhex(record["leaf"]), data)
            connection.execute("insert into entry values (?, ?, ?, ?, ?, ?, ?)", row)
        case "body":
            parts = (base64.b64decode(record[name]) for name in ("record_key", "nonce", "ciphertext"))
            connection.execute(
                "insert into body values (?, ?, ?, ?, ?)", (record["index"], *parts, record["kid"])
            )
        case "checkpoint":
            row = (record["size"], record["note"])
            connection.execute("insert into checkpoint values (?, ?)", row)
        case other:
            raise ValueError(f"a line of type {other!r}")


def _fields(data: object) -> dict[str, Any]:
    """Return what an envelope says, or nothing if it is not a JSON object."""
    try:
        fields = json.loads(data) if isinstance(data, bytes) else None
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


# --- the verification ----------------------------------------------------------------------------

# SQLite reads the JSON: it is several times faster than building Python objects. The result is one
# text that is compared, whole, with what it has to be; on any difference Python looks closer.
_ENTRIES = """
select e.idx, e.kind, e.run, e.seq, e.time, e.leaf, e.envelope,
       case when json_valid(cast(e.envelope as text)) then json_extract(cast(e.envelope as text),
           '$.v', '$.origin', '$.kind', '$.run', '$.seq', '$.time', '$.prev',
           '$.position', '$.body.ct', '$.body.kid') end
from entry e order by e.idx
"""


_NOTHING_MORE = b"null,null,null]"

_RunState = tuple[int, bytes, int, bool]
"""Where a run stands: seq, leaf hash (hexadecimal) and index of its last entry, whether it ended."""


class _Verification:
    """One pass over a ledger."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        vkey: str,
        kept: Sequence[str],
        keys: Path | None,
        *,
        exported: bool = False,
        with_bodies: bool = True,
    ) -> None:
        self.db = connection
        self.report = Report()
        self.key = read_vkey(vkey) if vkey else None
        self.kept = [read_note(note, self.key) for note in kept]
        self.exported = exported
        self.with_bodies = with_bodies
        self.kek = _read_kek(keys)
        self.ciphers: dict[str, AESGCM | None] = {}
        self.runs: dict[bytes, _RunState] = {}
        self.open: dict[tuple[bytes, bytes], int] = {}
        self.blamed: set[int] = set()
        self.suspect: list[tuple[int, int, str, str]] = []
        self.peaks = Peaks()
        self.rows: list[list[bytes]] = [[]]
        self.agreed = 0

    def run(self) -> Report:
        """Check everything, and return the verdict."""
        self._read_head()
        self._read_erasures()
        self._read_checkpoints()
        self._walk()
        self._check_body_rows()
        self._check_runs()
        self._check_head()
        self._name_suspects()
        return self.report

    def _blame(self, kind: str, words: str, index: int, run: object = "") -> None:
        self.blamed.add(index)
        self.report.add(kind, words, index, _text(run))

    # What is read before the walk.

    def _read_head(self) -> None:
        rows = self.db.execute("select origin, size, frontier from ledger_head").fetchall()
        if len(rows) != 1:
            raise Unreadable("the store holds no ledger")
        origin, self.head_size, self.head_frontier = rows[0]
        self.origin = self.report.origin = _text(origin)
        if self.key is not None and self.key.name != self.origin:
            self.report.add(
                "origin", f"the verifier key belongs to {self.key.name}, the log is {self.origin}"
            )

    def _read_erasures(self) -> None:
        """Erasures first: a missing body comes before the entry that explains it."""
        self.erased_keys: dict[str, int] = {}
        self.erased_entries: dict[int, int] = {}
        for index, data in self.db.execute("select idx, envelope from entry where kind = 'body.erased'"):
            target = _fields(data).get("erased")
            if isinstance(target, dict) and isinstance(target.get("kid"), str):
                self.erased_keys[target["kid"]] = index
            elif isinstance(target, dict) and type(target.get("index")) is int:
                self.erased_entries[target["index"]] = index

    def _read_checkpoints(self) -> None:
        """Collect every root the log has to reproduce, by size, the smallest last."""
        self.due: list[tuple[int, Checkpoint, str]] = []
        for size, note in self.db.execute("select size, note from checkpoint"):
            name = f"the checkpoint stored for size {_text(size)}"
            try:
                read = read_note(_text(note), self.key)
            except Unreadable as error:
                self.report.add("checkpoint", f"{name} cannot be read: {error}")
                continue
            if read.size != size:
                self.report.add("checkpoint", f"{name} speaks of size {read.size}")
            self._expect(read, name)
        for read in self.kept:
            self._expect(read, f"the kept checkpoint of size {read.size}")
        self.due.sort(key=lambda item: item[0], reverse=True)

    def _expect(self, read: Checkpoint, name: str) -> None:
        if read.origin != self.origin:
            self.report.add("checkpoint", f"{name} belongs to another log, {read.origin!r}")
        elif self.key is not None and not read.signed:
            self.report.add("signature", f"{name} is not signed by the given key")
        else:
            self.due.append((read.size, read, name))

    # The walk.

    def _walk(self) -> None:
        self.body_rows = self.db.execute(
            "select idx, record_key, nonce, ciphertext, kid from body order by idx"
        )
        self.body = self.body_rows.fetchone()
        sha256, runs, leaves = hashlib.sha256, self.runs, self.rows[0]
        start = f'[1,{json.dumps(self.origin, ensure_ascii=False)},"'.encode()
        expected, due = 0, self._next_due()
        for index, kind, run, seq, time, stored, data, said in self.db.execute(_ENTRIES):
            if expected == due:
                due = self._compare_roots(expected)
            if index != expected:
                expected = self._gap(expected, index)
            before = runs.get(run)
            try:
                leaf = sha256(b"\x00" + data).digest()
                prev, following = (before[1], before[0] + 1) if before else (b"", 1)
                told = b'%b%b","%b",%d,"%b","%b",' % (start, kind, run, seq, time, prev)
                fits = leaf == stored and seq == following and said.startswith(told)
            except (TypeError, AttributeError):
                fits, leaf = False, b""
            if fits:
                rest = said[len(told) :]
            else:
                row = _Row(expected, kind, run, seq, time, stored, data)
                kind, run, seq, leaf, rest = self._look_closer(row)
                before = runs.get(run)
            if before is None and run and kind != b"run.started":
                self._blame("incomplete", "the run does not begin with run.started", expected, run)
            if rest != _NOTHING_MORE:
                self._follow(expected, kind, run, rest, data)
            ended = kind == b"run.ended" or (before is not None and before[3])
            runs[run] = (seq, leaf.hex().encode(), expected, ended)
            leaves.append(leaf)
            if len(leaves) == CHUNK:
                self._fold(expected + 1)
            expected += 1
        self.report.size = expected
        self._compare_roots(expected)

    def _gap(self, expected: int, index: object) -> int:
        """Name what is missing; return where to go on."""
        if type(index) is int and index > expected:
            last = index - 1
            many = f"entries {expected} to {last} are" if last > expected else f"entry {expected} is"
            self._blame("gap", f"{many} missing", expected)
            return index
        self._blame("gap", f"an entry is numbered {_text(index)} where {expected} belongs", expected)
        return expected

    def _look_closer(self, row: _Row) -> tuple[bytes, bytes, int, bytes, bytes]:
        """Say what is wrong with an entry; return its kind, run, seq, leaf and rest to go on with."""
        leaf = leaf_hash(row.data) if isinstance(row.data, bytes) else b"\0" * 32
        fields = _fields(row.data)
        columns = {"kind": row.kind, "run": row.run, "seq": row.seq, "time": row.time}
        sound = leaf == row.stored and bool(fields)
        if leaf != row.stored:
            self._blame(
                "bytes", "its bytes are not those that were hashed when it was written", row.index, row.run
            )
        elif not fields:
            self._blame("bytes", "its bytes are not a JSON object", row.index, row.run)
        differing = [
            name for name, column in columns.items() if fields and _text(fields.get(name)) != _text(column)
        ]
        if differing:
            words = f"its {', '.join(differing)} beside the entry differ from what the entry says"
            self._blame("column", words, row.index, row.run)
        if sound and (fields.get("v") != 1 or fields.get("origin") != self.origin):
            self._blame("envelope", "it belongs to another log or format", row.index, row.run)
        # Whole bytes speak for themselves; damaged ones leave only the columns to go by.
        source = fields if sound else columns
        kind, run = _text(source.get("kind")).encode(), _text(source.get("run")).encode()
        seq = source.get("seq")
        seq = seq if isinstance(seq, int) else 0
        if sound:
            self._check_sequence(row.index, run, seq, str(fields.get("prev")))
        body = fields.get("body") if isinstance(fields.get("body"), dict) else {}
        rest = (
            [fields.get("position"), body.get("ct"), body.get("kid")]
            if sound and body is not None
            else [None] * 3
        )
        text = json.dumps(rest, separators=(",", ":"), ensure_ascii=False)
        return kind, run, seq, leaf, text.encode("utf-8", "replace")[1:]

    def _check_sequence(self, index: int, run: bytes, seq: int, prev: str) -> None:
        last, leaf, at, _ = self.runs.get(run, (0, b"", index, False))
        if seq > last + 1:
            self._blame("sequence", f"of its run, {seq - last - 1} entries before it are missing", index, run)
        elif seq <= last:
            self._blame("sequence", f"its run counts {seq} again after {last}", index, run)
        elif prev != leaf.decode() and at not in self.blamed:
            words = f"entry {index}, which follows it in its run, was written after other bytes"
            self._blame("chain", words, at, run)

    def _follow(self, index: int, kind: bytes, run: bytes, rest: bytes, data: bytes) -> None:
        position, digest, kid = rest[:-1].rsplit(b",", 2)
        if kind in _OPENS:
            self.open[run, position] = index
        elif kind in _CLOSES:
            self.open.pop((run, position), None)
        if digest != b"null":
            self._check_body(index, run, digest, kid, data)

    # Trees and checkpoints.

    def _fold(self, size: int) -> None:
        """Turn 256 hashes of a stored level into one of the next, as often as it goes."""
        level = 0
        while len(self.rows[level]) == CHUNK:
            subtree = folded(self.rows[level])
            self.rows[level].clear()
            level += 1
            if level == len(self.rows):
                self.rows.append([])
            self.rows[level].append(subtree)
            if level == 1:
                self.peaks.add(CHUNK_LEVEL, subtree)
            if not self.exported:
                self._check_node(level * CHUNK_LEVEL, size, subtree)

    def _check_node(self, level: int, size: int, subtree: bytes) -> None:
        position = (size >> level) - 1
        query = "select hash from node where level = ? and position = ?"
        if self.db.execute(query, (level, position)).fetchall() != [(subtree,)]:
            words = f"the stored hash of entries {position << level} to {size - 1} does not follow from them"
            self.suspect.append((position << level, size, "node", words))

    def _next_due(self) -> int:
        return self.due[-1][0] if self.due else -1

    def _compare_roots(self, size: int) -> int:
        """Compare the checkpoints due at this size; return the size at which the next one is."""
        root = self.peaks.with_leaves(self.rows[0]).root()
        self.report.root = root.hex()
        while self.due and self.due[-1][0] <= size:
            at, read, name = self.due.pop()
            if at == size and read.root == root:
                self._agree(read)
            else:
                words = (
                    f"{name} commits to other content: entries {self.agreed} to {at - 1} are not as they were"
                )
                self.suspect.append((self.agreed, at, "root", words))
        return self._next_due()

    def _agree(self, read: Checkpoint) -> None:
        self.agreed = read.size
        self.report.checkpoints += 1
        if read.signed:
            self.report.signed_size = read.size

    def _name_suspects(self) -> None:
        """A range that does not hold is named by its first entry, unless one in it is named already."""
        for start, end, kind, words in self.suspect:
            known = any(start <= index < end for index in self.blamed)
            self.report.add(kind, words, None if known or start >= end else start)

    # Bodies.

    def _check_body(self, index: int, run: bytes, digest: bytes, kid: bytes, data: bytes) -> None:
        self._pass_bodies(index)
        name = kid.decode("utf-8", "replace").strip('"')
        erased_at = max(self.erased_keys.get(name, -1), self.erased_entries.get(index, -1))
        if self.body is None or self.body[0] != index:
            self._absent(index, run, erased_at)
            return
        _, record_key, nonce, ciphertext, stored_kid = self.body
        self.body = self.body_rows.fetchone()
        self.report.bodies += 1
        if erased_at > index:
            self._blame(
                "erasure", f"its body was erased by entry {erased_at}, yet it is still there", index, run
            )
        try:
            found = b'"%b"' % hashlib.sha256(record_key + nonce + ciphertext).hexdigest().encode()
        except TypeError:
            found = b""
        if found != digest or _text(stored_kid) != name:
            self._blame("body", "its body is not the one that was recorded", index, run)
        elif self.kek is not None:
            self._open_body(index, run, name, data, (record_key, nonce, ciphertext))

    def _absent(self, index: int, run: bytes, erased_at: int) -> None:
        if erased_at > index:
            self.report.bodies_erased += 1
        elif self.with_bodies:
            self._blame("body", "its body is missing, and no entry says that it was erased", index, run)
        else:
            self.report.bodies_left_out += 1

    def _pass_bodies(self, index: int) -> None:
        """Name body rows that belong to no entry before this one."""
        while self.body is not None and not (type(self.body[0]) is int and self.body[0] >= index):
            at = self.body[0]
            self._blame(
                "body", "a body lies beside it that it does not speak of", at if type(at) is int else index
            )
            self.body = self.body_rows.fetchone()

    def _open_body(
        self, index: int, run: bytes, kid: str, data: bytes, sealed: tuple[bytes, bytes, bytes]
    ) -> None:
        record_key, nonce, ciphertext = sealed
        cipher = self._cipher(kid, index)
        if cipher is None:
            return
        try:
            plaintext = cipher.decrypt(nonce, ciphertext, kid.encode())
        except (InvalidTag, ValueError):
            self._blame("body", "its body does not decrypt", index, run)
            return
        about = _fields(data)["body"]
        said = (about.get("c"), about.get("len"))
        if said != (hmac.digest(record_key, plaintext, "sha256").hex(), len(plaintext)):
            self._blame("body", "its body does not match the commitment", index, run)
        else:
            self.report.bodies_opened += 1

    def _cipher(self, kid: str, index: int) -> AESGCM | None:
        if kid not in self.ciphers:
            self.ciphers[kid] = self._unwrapped(kid)
            if self.ciphers[kid] is None:
                self._blame("key", f"the data key {kid} of its body is missing or damaged", index)
        return self.ciphers[kid]

    def _unwrapped(self, kid: str) -> AESGCM | None:
        rows = self.db.execute(
            "select subject, nonce, wrapped from data_key where kid = ?", (kid,)
        ).fetchall()
        try:
            ((subject, nonce, wrapped),) = rows
            bound = "\n".join(("bridgehead data key", self.origin, kid, _text(subject))).encode()
            assert self.kek is not None
            return AESGCM(self.kek.decrypt(nonce, wrapped, bound))
        except (InvalidTag, ValueError, TypeError):
            return None

    # What is checked after the walk.

    def _check_body_rows(self) -> None:
        self._pass_bodies(sys.maxsize)
        if self.exported:
            return
        lost = "select kid, min(idx) from body where kid not in (select kid from data_key) group by kid"
        for kid, index in self.db.execute(lost).fetchall():
            if _text(kid) not in self.ciphers:
                self._blame("key", f"the data key {_text(kid)} of its body is missing", index)

    def _check_runs(self) -> None:
        for (run, position), index in self.open.items():
            if self.runs[run][3]:
                words = f"its run ended without an outcome for the action at position {_text(position)}"
                self._blame("incomplete", words, index, run)
            else:
                self.report.open_actions += 1
        cases = [state for run, state in self.runs.items() if run]
        self.report.runs, self.report.ended_runs = len(cases), sum(state[3] for state in cases)
        if not self.exported:
            self._check_run_heads()

    def _check_run_heads(self) -> None:
        found = 0
        for run, seq, prev in self.db.execute("select run, seq, prev from run_head"):
            known = self.runs.get(run)
            found += known is not None
            if known is None or known[0] < (seq if isinstance(seq, int) else 0):
                self.report.add("sequence", "the last entries of the run are missing", None, _text(run))
            elif (known[0], known[1]) != (seq, prev) and known[2] not in self.blamed:
                self._blame("chain", "it is not what the head of its run says it is", known[2], run)
        if found != len(self.runs):
            self.report.add("head", f"{len(self.runs) - found} runs have no head row")

    def _check_head(self) -> None:
        size = self.report.size
        for at, _, name in self.due:
            self.report.add("truncated", f"{name} commits to {at} entries; the log holds {size}", size)
        computed = self.peaks.with_leaves(self.rows[0])
        if self.head_size != size:
            words = f"the head row says {_text(self.head_size)} entries; there are {size}"
            self.report.add("head", words, size if not self.blamed else None)
        elif self.head_frontier != computed.frontier():
            self.suspect.append(
                (self.agreed, size, "head", "the head row's hashes do not follow from the entries")
            )
        if not self.exported and self.db.execute("select count(*) from node").fetchone()[0] != _node_count(
            size
        ):
            self.report.add("node", "stored subtree hashes are missing, or there are too many")


@dataclass(frozen=True, slots=True)
class _Row:
    """An entry as it was found."""

    index: int
    kind: object
    run: object
    seq: object
    time: object
    stored: object
    data: object


def _node_count(size: int) -> int:
    count = 0
    while size := size >> CHUNK_LEVEL:
        count += size
    return count


def _read_kek(folder: Path | None) -> AESGCM | None:
    if folder is None:
        return None
    try:
        return AESGCM((folder / "kek").read_bytes())
    except (OSError, ValueError) as error:
        raise Unreadable(f"{folder / 'kek'} cannot be used: {error}") from error


# --- the command ---------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify a file; return 0 if everything held, 1 if something did not, 2 if it cannot be read."""
    parser = argparse.ArgumentParser(description="Check a Bridgehead ledger without trusting Bridgehead.")
    parser.add_argument("file", type=Path, help="a store (SQLite) or an export (.jsonl)")
    parser.add_argument("--vkey", type=Path, help="file with the verifier key")
    parser.add_argument(
        "--checkpoint", type=Path, action="append", default=[], help="a checkpoint kept elsewhere"
    )
    parser.add_argument("--keys", type=Path, help="folder with kek, to check decrypted bodies as well")
    given = parser.parse_args(arguments)
    try:
        vkey = given.vkey.read_text() if given.vkey else ""
        kept = [path.read_text() for path in given.checkpoint]
        if given.file.suffix == ".jsonl":
            report = verify_export(given.file, vkey=vkey, kept=kept)
        else:
            report = verify_store(given.file, vkey=vkey, kept=kept, keys=given.keys)
    except (Unreadable, OSError, UnicodeDecodeError) as error:
        print(f"cannot verify: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report.as_dict(), indent=2))
    return 0 if report.ok else 1


if __name__ == "__main__":
    raise SystemExit(main())
