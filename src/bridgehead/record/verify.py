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
5. each run begins with its start, and once ended has an outcome for every action it began (a late look,
   made beside a run about one of its effects, may still be under way);
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
import re
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAX_PROBLEMS = 100
CHUNK_LEVEL = 8
CHUNK = 1 << CHUNK_LEVEL
"""Leaves are folded 256 at a time; every eighth level of the tree is also stored."""

_LOOK = b".p0-"
"""Part of the position of a late look: a read the house makes beside a run, also after the run has ended."""
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
        return _Verification(connection, _Given(vkey, kept, keys)).run()


def verify_export(export: Path, *, vkey: str = "", kept: Sequence[str] = ()) -> Report:
    """Verify an export (JSON lines). Raises ``Unreadable``."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(_connect(str(Path(folder) / "export.db"))) as connection,
    ):
        bodies = _load_export(connection, export)
        given = _Given(vkey, kept, None)
        return _Verification(connection, given, stored=False, with_bodies=bodies).run()


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


# --- certificates --------------------------------------------------------------------------------

CERTIFICATE = "bridgehead undo certificate 1"
_OUTCOMES = ("undone", "refused", "pending", "skipped", "person", "impossible", "unknown", "nothing")


@dataclass(slots=True)
class CertificateReport:
    """What a certificate of an undo says, and what does not hold. ``signed`` is true only under the key."""

    origin: str = ""
    undo: str = ""
    of: str = ""
    issued: str = ""
    signed: bool = False
    effects: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    money: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Say whether it is signed and balances."""
        return self.signed and not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as plain values."""
        return {"ok": self.ok, **asdict(self)}


def verify_certificate(note: str, *, vkey: str) -> CertificateReport:
    """Check the signature of an undo's certificate, and that its lines add up. Raises ``Unreadable``.

    ``note`` is the signed note itself, or the JSON in which the console hands it out.
    """
    key = read_vkey(vkey)
    if note.startswith("{"):
        note = _note_in(note)
    text, blank, signatures = note.rpartition("\n\n")
    lines = text.split("\n")
    if not blank or lines[0] != CERTIFICATE:
        raise Unreadable("this is no certificate of an undo")
    report = CertificateReport(signed=any(_signs(key, text + "\n", line) for line in signatures.split("\n")))
    try:
        _read_certificate(report, *_said(report, lines[1:]))
    except (KeyError, ValueError, IndexError, ArithmeticError) as error:
        raise Unreadable(f"a certificate that cannot be read: {error!r}") from error
    if report.origin != key.name:
        report.problems.append(f"it is of {report.origin}, and the key is that of {key.name}")
    if not report.signed:
        report.problems.append("its signature does not hold under this key")
    return report


def _said(report: CertificateReport, lines: list[str]) -> tuple[dict[str, str], list[list[str]]]:
    """Return what the lines say, by name, and the items; money goes into the report."""
    said: dict[str, str] = {}
    items: list[list[str]] = []
    for line in lines:
        name, colon, value = line.partition(": ")
        if not colon:
            raise Unreadable(f"{line!r} is no line of a certificate")
        if name == "item":
            items.append(value.split(" "))
        elif name == "money":
            currency, *parts = value.split(" ")
            report.money[currency] = dict(part.split("=", 1) for part in parts)
        elif said.setdefault(name, value) != value:
            report.problems.append(f"it says {name} twice")
    return said, items


def _note_in(download: str) -> str:
    try:
        found = json.loads(download)["certificate"]
    except (ValueError, KeyError, RecursionError) as error:
        raise Unreadable("this is no certificate of an undo") from error
    if not isinstance(found, str):
        raise Unreadable("this is no certificate of an undo")
    return found


def _read_certificate(report: CertificateReport, said: dict[str, str], items: list[list[str]]) -> None:
    report.origin, report.undo, report.of = said["deployment"], said["undo"], said["of"]
    report.issued, report.effects = said["issued"], int(said["effects"])
    report.counts = {name: int(said[name]) for name in _OUTCOMES}
    listed = dict.fromkeys(_OUTCOMES, 0)
    sums: dict[str, dict[str, Decimal]] = {}
    names = set()
    for number, (place, outcome, effect, _, amount, currency, *_rest) in enumerate(items, 1):
        listed[outcome] += 1
        names.add(effect)
        if int(place) != number:
            report.problems.append(f"item {place} stands where item {number} should")
        if amount != "-" and outcome != "nothing":
            of = sums.setdefault(currency, dict.fromkeys(_MONEY, Decimal(0)))
            for what in _moved(outcome):
                of[what] += Decimal(amount)
    if len(names) != len(items):
        report.problems.append("it lists an effect twice")
    if len(items) != report.effects or sum(report.counts.values()) != report.effects:
        report.problems.append("its counts do not add up to its effects")
    if listed != report.counts:
        report.problems.append("its counts are not those of its items")
    said_money = {
        currency: {name: Decimal(of[name]) for name in _MONEY} for currency, of in report.money.items()
    }
    if said_money != sums:
        report.problems.append("its sums of money are not those of its items")


_MONEY = ("moved", "taken-back", "remaining", "unclear")


def _moved(outcome: str) -> tuple[str, ...]:
    if outcome == "unknown":
        return ("unclear",)
    return ("moved", "taken-back" if outcome == "undone" else "remaining")


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


_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, OverflowError)
"""What a line raises that is no record; the last one is a number too large for a table."""


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
    except (*_MALFORMED, OSError, RecursionError, sqlite3.Error) as error:
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

_BODY = re.compile(
    rb'"body":\{"alg":"A256GCM","c":"([0-9a-f]{64})","ct":"([0-9a-f]{64})","kid":"([0-9a-f]+)","len":(\d+)\}'
)
_END = re.compile(
    rb'"prev":"[0-9a-f]*",((?:[^{}\[\]]*,)?)"run":"[^"\\]*",((?:[^{}\[\]]*,)?)"seq":\d+,"time":"[^"\\]*","v":1\}\Z'
)
MAX_SHAPES = 8
_ENTRIES = "select idx, kind, run, seq, time, leaf, envelope from entry order by idx"


class _Given(NamedTuple):
    """What to verify with."""

    vkey: str
    kept: Sequence[str]
    keys: Path | None


_Run = tuple[int, bytes, int]
"""Where a run stands: seq, leaf hash (hexadecimal, as the next entry names it) and index of its last
entry. A plain tuple: one is made for every entry."""

_NO_RUN: _Run = (0, b"", -1)


class _Shape:
    """How envelopes end, learned from one that was parsed.

    Envelopes are canonical: their members are sorted, so they end with ``prev``, ``run``, ``seq``,
    ``time`` and ``v``, with few things in between. An entry of a known shape is therefore
    *predicted* from the last entry of its run and compared in one go, which is several times faster
    than parsing. No bracket lies in the end that is compared, so a match proves these members to be
    the envelope's own; and of the members called ``kind`` only its own is followed as expected.
    """

    def __init__(self, before_run: bytes, before_seq: bytes, after_kind: bytes) -> None:
        self.parts = (before_run, before_seq, after_kind)
        pieces = (b'"prev":"', b'",' + before_run + b'"run":"', b'",' + before_seq + b'"seq":', b',"time":"')
        literal = [piece.replace(b"%", b"%%") for piece in pieces]
        self._end = literal[0] + b"%b" + literal[1] + b"%b" + literal[2] + b"%d" + literal[3] + b'%b","v":1}'
        self._after_kind = after_kind
        self._kinds: dict[bytes, bytes] = {}

    def length_of_end(self, last: _Run, kind: bytes, run: bytes, seq: int, time: bytes, data: bytes) -> int:
        """Return how long the predicted end of an entry is, or 0 if the entry is not as predicted."""
        end = self._end % (last[1], run, seq, time)
        if not data.endswith(end):
            return 0
        said = self._kinds.get(kind)
        if said is None:
            said = self._kinds[kind] = b'"kind":"' + kind + self._after_kind
        return len(end) if said in data else 0


class _Row(NamedTuple):
    """An entry as it was found."""

    at: int
    kind: bytes
    run: bytes
    seq: int
    time: bytes
    stored: object
    data: bytes

    @classmethod
    def of(cls, at: int, kind: Any, run: Any, seq: Any, time: Any, stored: Any, data: Any) -> _Row:
        """Return a row in which every column has the type it should have, whatever it was made to hold."""
        texts = [value if isinstance(value, bytes) else _text(value).encode() for value in (kind, run, time)]
        number = seq if isinstance(seq, int) else 0
        return cls(at, texts[0], texts[1], number, texts[2], stored, data if isinstance(data, bytes) else b"")


class _Findings:
    """Collects what is wrong, and names the entry it is about wherever one can be named."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._suspects: list[tuple[int, int, str, str]] = []
        self.blamed: set[int] = set()

    def note(self, kind: str, words: str, run: object = "") -> None:
        """Something is wrong with no entry in particular."""
        self._report.add(kind, words, None, _text(run))

    def blame(self, kind: str, words: str, index: int, run: object = "") -> None:
        """Something is wrong with this entry."""
        self.blamed.add(index)
        self._report.add(kind, words, index, _text(run))

    def suspect(self, kind: str, words: str, start: int, end: int) -> None:
        """Something is wrong with an entry from ``start`` up to ``end``; which one may yet show."""
        self._suspects.append((start, end, kind, words))

    def name_suspects(self) -> None:
        """Name a range by its first entry, unless an entry in it is named already."""
        for start, end, kind, words in self._suspects:
            known = any(start <= index < end for index in self.blamed)
            self._report.add(kind, words, None if known or start >= end else start)


class _Tree:
    """The tree over the entries, folded as they come; compares the subtrees a store keeps."""

    def __init__(self, db: sqlite3.Connection, findings: _Findings, *, stored: bool) -> None:
        self._db = db
        self._findings = findings
        self._stored = stored
        self._peaks = Peaks()
        self.rows: list[list[bytes]] = [[]]
        self.leaves = self.rows[0]

    def peaks(self) -> Peaks:
        """Return the peaks over every leaf so far."""
        return self._peaks.with_leaves(self.leaves)

    def fold(self, size: int) -> None:
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
                self._peaks.add(CHUNK_LEVEL, subtree)
            if self._stored:
                self._compare(level * CHUNK_LEVEL, size, subtree)

    def _compare(self, level: int, size: int, subtree: bytes) -> None:
        position = (size >> level) - 1
        query = "select hash from node where level = ? and position = ?"
        if self._db.execute(query, (level, position)).fetchall() != [(subtree,)]:
            start = position << level
            words = f"the stored hash of entries {start} to {size - 1} does not follow from them"
            self._findings.suspect("node", words, start, size)

    def check_count(self, size: int) -> None:
        """Note stored subtrees that are missing or too many."""
        expected, whole = 0, size >> CHUNK_LEVEL
        while whole:
            expected, whole = expected + whole, whole >> CHUNK_LEVEL
        if self._stored and self._db.execute("select count(*) from node").fetchone()[0] != expected:
            self._findings.note("node", "stored subtree hashes are missing, or there are too many")


class _Checkpoints:
    """Every root the log has to reproduce, stored or kept elsewhere."""

    def __init__(self, report: Report, findings: _Findings, key: VerifierKey | None) -> None:
        self._report = report
        self._findings = findings
        self._key = key
        self._due: list[tuple[int, Checkpoint, str]] = []
        self.agreed = 0

    def expect_stored(self, size: object, note: object) -> None:
        """Take a checkpoint of the store."""
        name = f"the checkpoint stored for size {_text(size)}"
        try:
            read = read_note(_text(note), self._key)
        except Unreadable as error:
            self._findings.note("checkpoint", f"{name} cannot be read: {error}")
            return
        if read.size != size:
            self._findings.note("checkpoint", f"{name} speaks of size {read.size}")
        self._expect(read, name)

    def expect_kept(self, note: str) -> None:
        """Take a checkpoint from somewhere the operator of the store cannot write to."""
        read = read_note(note, self._key)
        self._expect(read, f"the kept checkpoint of size {read.size}")

    def _expect(self, read: Checkpoint, name: str) -> None:
        if read.origin != self._report.origin:
            self._findings.note("checkpoint", f"{name} belongs to another log, {read.origin!r}")
        elif self._key is not None and not read.signed:
            self._findings.note("signature", f"{name} is not signed by the given key")
        else:
            self._due.append((read.size, read, name))
            self._due.sort(key=lambda item: -item[0])

    def next_size(self) -> int:
        """Return the size at which the root is needed next."""
        return self._due[-1][0] if self._due else -1

    def compare(self, size: int, root: bytes) -> int:
        """Compare what is due at this size; return the next size."""
        while self._due and self._due[-1][0] <= size:
            at, read, name = self._due.pop()
            if at == size and read.root == root:
                self.agreed = size
                self._report.checkpoints += 1
                self._report.signed_size = size if read.signed else self._report.signed_size
            else:
                words = (
                    f"{name} commits to other content: entries {self.agreed} to {at - 1} are not as they were"
                )
                self._findings.suspect("root", words, self.agreed, at)
        return self.next_size()

    def check_rest(self, size: int) -> None:
        """Name checkpoints that speak of more entries than there are."""
        for at, _, name in self._due:
            self._findings.blame("truncated", f"{name} commits to {at} entries; the log holds {size}", size)


class _Runs:
    """What each run has recorded so far."""

    def __init__(self, report: Report, findings: _Findings) -> None:
        self._report = report
        self._findings = findings
        self.states: dict[bytes, _Run] = {}
        self.open: dict[tuple[bytes, bytes], int] = {}
        self.ended: set[bytes] = set()

    def check_sequence(self, index: int, run: bytes, seq: int, prev: object) -> None:
        """Say how an entry does not follow the last one of its run, if it does not."""
        last, leaf, at = self.states.get(run, _NO_RUN)
        if seq > last + 1:
            words = f"entries of its run are missing before it: {seq} follows {last}"
            self._findings.blame("sequence", words, index, run)
        elif seq <= last:
            self._findings.blame("sequence", f"its run counts {seq} again after {last}", index, run)
        elif prev != leaf.decode() and at not in self._findings.blamed:
            words = f"entry {index}, which follows it in its run, was written after other bytes"
            self._findings.blame("chain", words, max(at, 0), run)

    def begin(self, index: int, kind: bytes, run: bytes) -> None:
        """Take the first entry of a run."""
        if run and kind != b"run.started":
            self._findings.blame("incomplete", "the run does not begin with run.started", index, run)

    def check_open(self) -> None:
        """Name the actions that have no outcome although their run has ended."""
        for (run, position), index in self.open.items():
            if _LOOK in position:
                continue
            if run in self.ended:
                where = _text(position).removesuffix(",")
                words = f"its run ended without an outcome for this action ({where})"
                self._findings.blame("incomplete", words, index, run)
            else:
                self._report.open_actions += 1
        self._report.runs = sum(1 for run in self.states if run)
        self._report.ended_runs = len(self.ended)

    def check_heads(self, db: sqlite3.Connection) -> None:
        """Compare with the head rows that the writer keeps for itself."""
        found = 0
        for run, seq, prev in db.execute("select run, seq, prev from run_head"):
            known = self.states.get(run)
            found += known is not None
            if known is None or (isinstance(seq, int) and known[0] < seq):
                self._findings.note("sequence", "the last entries of this run are missing", run)
            elif known[:2] != (seq, prev) and known[2] not in self._findings.blamed:
                self._findings.blame("chain", "it is not what the head of its run says it is", known[2], run)
        if found < len(self.states):
            self._findings.note("head", f"{len(self.states) - found} runs have lost their head row")


class _Bodies:
    """The bodies beside the entries: recorded, erased lawfully, or missing."""

    def __init__(
        self,
        db: sqlite3.Connection,
        report: Report,
        findings: _Findings,
        keys: Path | None,
        *,
        included: bool,
    ) -> None:
        self._db = db
        self._report = report
        self._findings = findings
        self._kek = _read_kek(keys)
        self._included = included
        self._ciphers: dict[bytes, AESGCM | None] = {}
        self._rows = db.execute("select idx, record_key, nonce, ciphertext, kid from body order by idx")
        self._row = self._rows.fetchone()
        self._erased_keys: dict[bytes, int] = {}
        self._erased_entries: dict[int, int] = {}
        # Erasures first: a missing body comes before the entry that explains it.
        for index, data in db.execute("select idx, envelope from entry where kind = 'body.erased'"):
            target = _fields(data).get("erased")
            if isinstance(target, dict) and isinstance(target.get("kid"), str):
                self._erased_keys[target["kid"].encode()] = index
            elif isinstance(target, dict) and type(target.get("index")) is int:
                self._erased_entries[target["index"]] = index

    def check(self, index: int, run: bytes, about: re.Match[bytes]) -> None:
        """Check the body of an entry that speaks of one."""
        commitment, digest, kid, length = about.groups()
        self._skip_to(index)
        erased_at = max(self._erased_keys.get(kid, -1), self._erased_entries.get(index, -1))
        if self._row is None or self._row[0] != index:
            self._absent(index, run, erased_at)
            return
        _, record_key, nonce, ciphertext, stored_kid = self._row
        self._row = self._rows.fetchone()
        self._report.bodies += 1
        if erased_at > index:
            self._findings.blame(
                "erasure", f"its body is still here, though entry {erased_at} erased it", index, run
            )
        try:
            found = hashlib.sha256(record_key + nonce + ciphertext).hexdigest().encode()
        except TypeError:
            found = b""
        if found != digest or stored_kid != kid:
            self._findings.blame("body", "its body is not the one that was recorded", index, run)
        elif self._kek is not None:
            self._open(index, run, kid, (commitment, int(length)), (record_key, nonce, ciphertext))

    def check_rest(self, *, stored: bool) -> None:
        """Name bodies without an entry, and bodies whose key is gone."""
        self._skip_to(sys.maxsize)
        if stored:
            lost = "select kid, min(idx) from body where kid not in (select kid from data_key) group by kid"
            for kid, index in self._db.execute(lost).fetchall():
                if self._ciphers.get(kid, self) is not None:
                    self._findings.blame("key", f"the data key {_text(kid)} of its body is missing", index)

    def _skip_to(self, index: int) -> None:
        while self._row is not None and not (isinstance(self._row[0], int) and self._row[0] >= index):
            at = self._row[0] if isinstance(self._row[0], int) else index
            self._findings.blame("body", "a body lies beside it that it does not speak of", at)
            self._row = self._rows.fetchone()

    def _absent(self, index: int, run: bytes, erased_at: int) -> None:
        if erased_at > index:
            self._report.bodies_erased += 1
        elif self._included:
            self._findings.blame(
                "body", "its body is missing, and no entry says that it was erased", index, run
            )
        else:
            self._report.bodies_left_out += 1

    def _open(
        self, index: int, run: bytes, kid: bytes, said: tuple[bytes, int], sealed: tuple[bytes, bytes, bytes]
    ) -> None:
        if kid not in self._ciphers:
            self._ciphers[kid] = self._unwrapped(kid)
            if self._ciphers[kid] is None:
                self._findings.blame(
                    "key", f"the data key {_text(kid)} of its body is missing or damaged", index
                )
        cipher, (record_key, nonce, ciphertext) = self._ciphers[kid], sealed
        if cipher is None:
            return
        try:
            plaintext = cipher.decrypt(nonce, ciphertext, kid)
        except (InvalidTag, ValueError):
            self._findings.blame("body", "its body does not decrypt", index, run)
            return
        if said != (hmac.digest(record_key, plaintext, "sha256").hex().encode(), len(plaintext)):
            self._findings.blame("body", "its body does not match the commitment", index, run)
        else:
            self._report.bodies_opened += 1

    def _unwrapped(self, kid: bytes) -> AESGCM | None:
        query = "select subject, nonce, wrapped from data_key where kid = ?"
        rows = self._db.execute(query, (_text(kid),)).fetchall()
        try:
            ((subject, nonce, wrapped),) = rows
            bound = b"\n".join((b"bridgehead data key", self._report.origin.encode(), kid, subject))
            return AESGCM(self._kek.decrypt(nonce, wrapped, bound)) if self._kek else None
        except (InvalidTag, ValueError, TypeError):
            return None


class _Verification:
    """One pass over a ledger."""

    def __init__(
        self, db: sqlite3.Connection, given: _Given, *, stored: bool = True, with_bodies: bool = True
    ) -> None:
        self._db = db
        self._stored = stored
        self.report = Report()
        self._findings = _Findings(self.report)
        key = read_vkey(given.vkey) if given.vkey else None
        self._read_head(key)
        self._tree = _Tree(db, self._findings, stored=stored)
        self._runs = _Runs(self.report, self._findings)
        self._bodies = _Bodies(db, self.report, self._findings, given.keys, included=with_bodies)
        self._checkpoints = _Checkpoints(self.report, self._findings, key)
        for size, note in db.execute("select size, note from checkpoint"):
            self._checkpoints.expect_stored(size, note)
        for note in given.kept:
            self._checkpoints.expect_kept(note)
        self._shapes: list[_Shape] = []

    def run(self) -> Report:
        """Check everything, and return the verdict."""
        self._walk()
        self._checkpoints.check_rest(self.report.size)
        self._bodies.check_rest(stored=self._stored)
        self._runs.check_open()
        if self._stored:
            self._runs.check_heads(self._db)
        self._check_head()
        self._tree.check_count(self.report.size)
        self._findings.name_suspects()
        return self.report

    def _read_head(self, key: VerifierKey | None) -> None:
        rows = self._db.execute("select origin, size, frontier from ledger_head").fetchall()
        if len(rows) != 1:
            raise Unreadable("the store holds no ledger")
        origin, self._head_size, self._head_frontier = rows[0]
        self.report.origin = _text(origin)
        if key is not None and key.name != self.report.origin:
            words = f"the verifier key belongs to {key.name}, the log is {self.report.origin}"
            self._findings.note("origin", words)

    def _walk(self) -> None:
        """Read every entry once, in order. This is the hot loop: what is predicted is not parsed."""
        tree, runs, checkpoints, shapes = self._tree, self._runs, self._checkpoints, self._shapes
        states, actions, leaves, sha256, hexlify = (
            runs.states,
            runs.open,
            tree.leaves,
            hashlib.sha256,
            binascii.hexlify,
        )
        expected, due = 0, checkpoints.next_size()
        for index, kind, run, seq, time, stored, data in self._db.execute(_ENTRIES):
            if expected == due:
                due = checkpoints.compare(expected, tree.peaks().root())
            if index != expected:
                expected = self._gap(expected, index)
            try:
                leaf, last, end = sha256(b"\x00" + data).digest(), states.get(run, _NO_RUN), 0
                if leaf == stored and seq == last[0] + 1:
                    for shape in shapes:
                        end = shape.length_of_end(last, kind, run, seq, time, data)
                        if end:
                            break
            except TypeError:
                end = 0  # a column was made to hold something of another type
            if not end:
                row = _Row.of(expected, kind, run, seq, time, stored, data)
                kind, run, seq, leaf, data, end = self._look_closer(row)
            if kind in _OPENS:
                actions[run, data[data.rfind(b'"position":') : -end]] = expected
            elif kind in _CLOSES:
                actions.pop((run, data[data.rfind(b'"position":') : -end]), None)
            elif kind == b"run.ended":
                runs.ended.add(run)
            if run not in states:
                runs.begin(expected, kind, run)
            if b'"body":{' in data:
                self._check_body(expected, run, data)
            states[run] = (seq, hexlify(leaf), expected)
            leaves.append(leaf)
            expected += 1
            if len(leaves) == CHUNK:
                tree.fold(expected)
        checkpoints.compare(expected, tree.peaks().root())
        self.report.size, self.report.root = expected, tree.peaks().root().hex()

    def _look_closer(self, row: _Row) -> tuple[bytes, bytes, int, bytes, bytes, int]:
        """Parse an entry and say what is wrong with it, if anything is.

        Return its kind, run, seq, leaf and bytes, and how many of those there are from ``prev`` on.
        """
        leaf, fields = leaf_hash(row.data), _fields(row.data)
        columns = {"kind": row.kind, "run": row.run, "seq": row.seq, "time": row.time}
        sound = leaf == row.stored and bool(fields)
        if not sound:
            words = "its bytes are not those that were hashed when it was written"
            self._findings.blame(
                "bytes", words if fields else "its bytes are no JSON object", row.at, row.run
            )
        differing = [name for name in columns if fields and _text(fields.get(name)) != _text(columns[name])]
        if differing:
            words = f"{', '.join(differing)} stored beside it differ from what it says"
            self._findings.blame("column", words, row.at, row.run)
        end = len(row.data) - max(row.data.rfind(b'"prev":"'), 0)
        if not sound:  # only the columns are left to go by
            return row.kind, row.run, row.seq, leaf, row.data, end
        kind, run = _text(fields.get("kind")).encode(), _text(fields.get("run")).encode()
        seq = fields["seq"] if type(fields.get("seq")) is int else 0
        if fields.get("v") != 1 or fields.get("origin") != self.report.origin:
            self._findings.blame("origin", "it belongs to another log or format", row.at, row.run)
        self._runs.check_sequence(row.at, run, seq, fields.get("prev"))
        self._learn(fields, row.data)
        return kind, run, seq, leaf, row.data, end

    def _learn(self, fields: dict[str, Any], data: bytes) -> None:
        """Remember how this envelope ends, to predict the next."""
        end, names = _END.search(data), sorted(fields)
        if end is not None and "kind" in names[:-1]:
            after_kind = b'","%b":' % names[names.index("kind") + 1].encode("utf-8", "replace")
            shape = _Shape(end[1], end[2], after_kind)
            if all(shape.parts != known.parts for known in self._shapes):
                self._shapes.insert(0, shape)
                del self._shapes[MAX_SHAPES:]

    def _gap(self, expected: int, index: object) -> int:
        """Name what is missing; return where to go on."""
        if type(index) is int and index > expected:
            last = index - 1
            words = f"entries {expected} to {last} are missing" if last > expected else "it is missing"
            self._findings.blame("gap", words, expected)
            return index
        words = f"an entry is numbered {_text(index)} where {expected} belongs"
        self._findings.blame("gap", words, expected)
        return expected

    def _check_body(self, index: int, run: bytes, ahead: bytes) -> None:
        about = _BODY.search(ahead)
        if about is None:
            self._findings.blame("body", "what it says about its body cannot be read", index, run)
        else:
            self._bodies.check(index, run, about)

    def _check_head(self) -> None:
        size = self.report.size
        if self._head_size != size:
            at = min(size, self._head_size) if isinstance(self._head_size, int) else size
            words = f"the head row counts {_text(self._head_size)} entries; there are {size}"
            self._findings.blame("head", words, at)
        elif self._head_frontier != self._tree.peaks().frontier():
            words = "the hashes in the head row do not follow from the entries"
            self._findings.suspect("head", words, self._checkpoints.agreed, size)


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
    parser.add_argument(
        "file", type=Path, help="a store (SQLite), an export (.jsonl), or with --certificate one"
    )
    parser.add_argument("--certificate", action="store_true", help="the file is the certificate of an undo")
    parser.add_argument("--vkey", type=Path, help="file with the verifier key")
    parser.add_argument(
        "--checkpoint", type=Path, action="append", default=[], help="a checkpoint kept elsewhere"
    )
    parser.add_argument("--keys", type=Path, help="folder with kek, to check decrypted bodies as well")
    given = parser.parse_args(arguments)
    try:
        vkey = given.vkey.read_text() if given.vkey else ""
        kept = [path.read_text() for path in given.checkpoint]
        report: Report | CertificateReport
        if given.certificate:
            report = verify_certificate(given.file.read_text(), vkey=vkey)
        elif given.file.suffix == ".jsonl":
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
