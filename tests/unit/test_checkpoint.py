"""Checkpoints and verifier keys, as the C2SP specifications have them; hostile bytes stay harmless."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.kernel.errors import LedgerError
from bridgehead.record import Keys
from bridgehead.record.checkpoint import checkpoint_text, key_id, signed_note, verifier_key
from bridgehead.record.verify import Unreadable, read_note, read_vkey, verify_export, verify_store

ROOT = bytes(range(32))


def test_the_example_key_of_the_go_implementation_has_the_id_it_should() -> None:
    # golang.org/x/mod/sumdb/note, documentation of Verifier.
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    read = read_vkey(text)
    assert (read.name, read.id.hex()) == ("PeterNeumann", "c74f20a3")
    assert verifier_key("PeterNeumann", read.key.public_bytes_raw()) == text


def test_the_example_note_of_the_go_implementation_verifies() -> None:
    key = read_vkey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
    )
    signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    raw = base64.b64decode(signature)
    assert raw[:4] == key.id
    key.key.verify(raw[4:], text.encode())


def test_a_note_is_three_lines_a_blank_one_and_a_signature(tmp_path: Path) -> None:
    keys = Keys.create(tmp_path, "acme/refunds")
    lines = keys.sign_checkpoint(7, ROOT).split("\n")
    assert lines[:4] == ["acme/refunds", "7", base64.b64encode(ROOT).decode(), ""]
    assert lines[4].startswith("\u2014 acme/refunds ")
    assert lines[5:] == [""]


@given(st.integers(0, 2**63), st.binary(min_size=32, max_size=32))
def test_what_was_signed_is_read_back(size: int, root: bytes) -> None:
    signer = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
    public = signer.public_key().public_bytes_raw()
    note = signed_note(checkpoint_text("a/b", size, root), "a/b", public, signer.sign)
    key = read_vkey(verifier_key("a/b", public))
    assert read_note(note, key) == ("a/b", size, root, True)
    assert read_note(note, None).signed is False


@given(st.data())
def test_no_flipped_character_keeps_its_signature(data: st.DataObject) -> None:
    signer = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
    public = signer.public_key().public_bytes_raw()
    note = signed_note(checkpoint_text("a/b", 1234, ROOT), "a/b", public, signer.sign)
    at = data.draw(st.integers(0, len(note) - 2))
    other = data.draw(st.characters(codec="utf-8").filter(lambda letter: letter != note[at]))
    try:
        read = read_note(note[:at] + other + note[at + 1 :], read_vkey(verifier_key("a/b", public)))
    except Unreadable:
        return
    assert not read.signed


def test_another_signature_line_beside_ours_does_not_disturb() -> None:
    signer = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
    public = signer.public_key().public_bytes_raw()
    note = signed_note(checkpoint_text("a/b", 1, ROOT), "a/b", public, signer.sign)
    cosigned = note + "\u2014 witness.example/w AAAAAAAA\n"
    assert read_note(cosigned, read_vkey(verifier_key("a/b", public))).signed


@given(st.text())
def test_hostile_notes_and_keys_are_unreadable_not_a_crash(text: str) -> None:
    for read in (read_vkey, lambda note: read_note(note, None)):
        with pytest.raises(Unreadable):
            read(text)


@given(data=st.binary(max_size=300))
def test_hostile_files_are_unreadable_not_a_crash(
    data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("hostile") / "file"
    path.write_bytes(data)
    with pytest.raises(Unreadable):
        verify_store(path)
    with pytest.raises(Unreadable):
        verify_export(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NAMES = {
    "ledger": ("origin", "size", "frontier", "bodies"),
    "entry": ("index", "leaf", "envelope"),
    "body": ("index", "record_key", "nonce", "ciphertext", "kid"),
    "checkpoint": ("size", "note"),
}


@given(data=st.data())
def test_hostile_lines_of_an_export_are_told_or_unreadable_not_a_crash(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = [{"type": "ledger", "origin": "a/b", "size": 1, "frontier": "", "bodies": True}]
    for kind in data.draw(st.lists(st.sampled_from(list(NAMES)), max_size=4)):
        values = {name: data.draw(json_values | st.just("00") | st.just('{"v":1}')) for name in NAMES[kind]}
        lines.append({"type": kind, **values})
    path = tmp_path_factory.mktemp("hostile") / "export.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    try:
        assert not verify_export(path).ok
    except Unreadable:
        pass


def test_keys_are_made_once_readable_only_by_their_owner_and_fit_together(tmp_path: Path) -> None:
    made = Keys.create(tmp_path, "acme/refunds")
    assert Keys.load(tmp_path).vkey == made.vkey
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("ledger.key", "kek")] == [0o600, 0o600]
    assert made.kek.hex() not in repr(made)
    with pytest.raises(LedgerError, match="BH-REC-010"):
        Keys.create(tmp_path, "acme/refunds")


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "a\nb"])
def test_a_name_that_notes_cannot_carry_is_refused(tmp_path: Path, origin: str) -> None:
    with pytest.raises(LedgerError, match="BH-REC-011"):
        Keys.create(tmp_path, origin)


def test_keys_that_cannot_be_used_are_refused_in_words(tmp_path: Path) -> None:
    Keys.create(tmp_path / "a", "acme/a")
    other = Keys.create(tmp_path / "b", "acme/b")
    folder = tmp_path / "a"
    for name, content in (("ledger.vkey", other.vkey.encode()), ("ledger.key", b"no key"), ("kek", b"short")):
        kept = (folder / name).read_bytes()
        (folder / name).write_bytes(content)
        with pytest.raises(LedgerError, match="BH-REC-011"):
            Keys.load(folder)
        (folder / name).write_bytes(kept)
    (folder / "kek").chmod(0o644)
    with pytest.raises(LedgerError, match="chmod 600"):
        Keys.load(folder)
    (folder / "kek").unlink()
    with pytest.raises(LedgerError, match="cannot be read"):
        Keys.load(folder)


def test_the_id_of_a_key_depends_on_its_name() -> None:
    assert key_id("a", ROOT) != key_id("b", ROOT)
