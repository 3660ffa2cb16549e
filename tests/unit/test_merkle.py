"""The tree against RFC 6962 written down naively: the recursive definitions of section 2.1."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.record import merkle, verify

leaves_of = st.integers(1, 1500)


def naive_root(data: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = largest_power_of_two_below(len(data))
    return hashlib.sha256(b"\x01" + naive_root(data[:k]) + naive_root(data[k:])).digest()


def naive_path(m: int, data: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962 section 2.1.1."""
    if len(data) == 1:
        return []
    k = largest_power_of_two_below(len(data))
    if m < k:
        return [*naive_path(m, data[:k]), naive_root(data[k:])]
    return [*naive_path(m - k, data[k:]), naive_root(data[:k])]


def naive_proof(m: int, data: Sequence[bytes], known: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962 section 2.1.2."""
    if m == len(data):
        return [] if known else [naive_root(data)]
    k = largest_power_of_two_below(len(data))
    if m <= k:
        return [*naive_proof(m, data[:k], known), naive_root(data[k:])]
    return [*naive_proof(m - k, data[k:], False), naive_root(data[:k])]


def largest_power_of_two_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


class Log:
    """A tree with what a store keeps of it: leaves, and every eighth level."""

    def __init__(self, size: int) -> None:
        self.data = [b"%d" % number for number in range(size)]
        self.tree = merkle.Tree()
        self.stored: dict[int, list[bytes]] = {0: []}
        for item in self.data:
            leaf = merkle.leaf_hash(item)
            self.stored[0].append(leaf)
            for node in self.tree.append(leaf):
                level = self.stored.setdefault(node.level, [])
                assert node.position == len(level)
                level.append(node.hash)

    def read(self, level: int, start: int, count: int) -> list[bytes]:
        return self.stored.get(level, [])[start : start + count]


@given(leaves_of)
def test_the_root_is_that_of_the_definition(size: int) -> None:
    log = Log(size)
    assert log.tree.root() == naive_root(log.data)
    assert merkle.Tree(size, log.tree.frontier()).root() == naive_root(log.data)


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert merkle.Tree().root() == naive_root([]) == verify.Peaks().root()


@given(leaves_of, st.data())
def test_audit_paths_are_those_of_the_definition_and_hold(size: int, draw: st.DataObject) -> None:
    log, index = Log(size), draw.draw(st.integers(0, size - 1))
    path = merkle.inclusion_proof(log.read, index, size)
    assert path == naive_path(index, log.data)
    assert merkle.holds_inclusion(log.stored[0][index], index, size, path, log.tree.root())


@given(leaves_of, st.data())
def test_consistency_proofs_are_those_of_the_definition_and_hold(new: int, draw: st.DataObject) -> None:
    old = draw.draw(st.integers(1, new))
    log, before = Log(new), Log(old).tree.root()
    proof = merkle.consistency_proof(log.read, old, new)
    assert proof == naive_proof(old, log.data)
    assert merkle.holds_consistency(old, new, before, log.tree.root(), proof)


@given(st.integers(2, 600), st.data())
def test_a_bent_proof_does_not_hold(size: int, draw: st.DataObject) -> None:
    log, index = Log(size), draw.draw(st.integers(0, size - 1))
    path, root, leaf = merkle.inclusion_proof(log.read, index, size), log.tree.root(), log.stored[0][index]
    at = draw.draw(st.integers(0, len(path) - 1))
    flipped = [*path[:at], bytes([path[at][0] ^ 1]) + path[at][1:], *path[at + 1 :]]
    assert not merkle.holds_inclusion(leaf, index, size, flipped, root)
    assert not merkle.holds_inclusion(leaf, index, size, path[:-1], root)
    assert not merkle.holds_inclusion(leaf, index, size, [*path, root], root)
    assert not merkle.holds_inclusion(merkle.leaf_hash(b"other"), index, size, path, root)
    assert not merkle.holds_inclusion(leaf, size, size, path, root)


@given(st.integers(2, 600), st.data())
def test_a_rewritten_past_is_not_consistent(new: int, draw: st.DataObject) -> None:
    old = draw.draw(st.integers(1, new - 1))
    log, before = Log(new), Log(old).tree.root()
    proof, after = merkle.consistency_proof(log.read, old, new), log.tree.root()
    assert not merkle.holds_consistency(old, new, merkle.leaf_hash(b"other"), after, proof)
    assert not merkle.holds_consistency(old, new, before, merkle.leaf_hash(b"other"), proof)
    assert not merkle.holds_consistency(old, new, before, after, proof[:-1])
    assert not merkle.holds_consistency(old, new, before, after, [*proof, after])
    assert not merkle.holds_consistency(new, old, after, before, proof)


@given(st.integers(0, 1500))
def test_the_verifiers_own_tree_agrees(size: int) -> None:
    log, peaks = Log(size), verify.Peaks()
    whole = size // verify.CHUNK * verify.CHUNK
    for start in range(0, whole, verify.CHUNK):
        peaks.add(verify.CHUNK_LEVEL, verify.folded(log.stored[0][start : start + verify.CHUNK]))
    grown = peaks.with_leaves(log.stored[0][whole:])
    assert (grown.root(), grown.frontier()) == (log.tree.root(), log.tree.frontier())


def test_a_tree_of_65536_leaves_stores_two_levels() -> None:
    tree, nodes = merkle.Tree(), []
    for number in range(65_536):
        nodes += tree.append(merkle.leaf_hash(b"%d" % number))
    assert [(node.level, node.position) for node in nodes[-2:]] == [(8, 255), (16, 0)]
    assert nodes[-1].hash == tree.root()


def test_what_cannot_be_proven_is_an_error_not_a_proof() -> None:
    log = Log(300)
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_proof(log.read, 300, 300)
    with pytest.raises(ValueError, match="no consistency proof"):
        merkle.consistency_proof(log.read, 0, 300)
    log.stored[8] = []
    with pytest.raises(ValueError, match="stored hashes of level 8 are missing"):
        merkle.inclusion_proof(log.read, 299, 300)
    with pytest.raises(ValueError, match="peaks"):
        merkle.Tree(3, b"")
