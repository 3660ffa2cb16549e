"""The Merkle tree of RFC 6962 section 2.1: hashing, growth, proofs.

The log keeps the *peaks* (the roots of the full subtrees that make up a tree of this size, largest
first) in its head row, and every eighth level of full subtrees in a table, like the tiles of C2SP
tlog-tiles. Levels in between are folded when a proof asks for them: at most 255 hashes each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

STRIDE = 8
"""Stored levels are the multiples of this; level 0 are the leaves themselves."""

EMPTY_ROOT = hashlib.sha256(b"").digest()

ReadHashes = Callable[[int, int, int], Sequence[bytes]]
"""``read(level, start, count)``: stored hashes of a stored level, in order."""


class Node(NamedTuple):
    """A full subtree: ``2**level`` leaves, the ``position``-th of its level."""

    level: int
    position: int
    hash: bytes


def leaf_hash(data: bytes) -> bytes:
    """Return SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows: its size and its peaks, nothing else."""

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, frontier: bytes = b"") -> None:
        if len(frontier) != 32 * size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} peaks")
        self.size = size
        self.peaks = [frontier[at : at + 32] for at in range(0, len(frontier), 32)]

    def append(self, leaf: bytes) -> list[Node]:
        """Add a leaf hash; return the full subtrees of stored levels that it completes."""
        finished: list[Node] = []
        subtree, level, size = leaf, 0, self.size
        while size >> level & 1:
            subtree = node_hash(self.peaks.pop(), subtree)
            level += 1
            if level % STRIDE == 0:
                finished.append(Node(level, size >> level, subtree))
        self.peaks.append(subtree)
        self.size = size + 1
        return finished

    def frontier(self) -> bytes:
        """Return the peaks as one byte string, for the head row."""
        return b"".join(self.peaks)

    def root(self) -> bytes:
        """Return the root hash (RFC 6962: MTH)."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def copy(self) -> Tree:
        """Return a tree that grows apart from this one."""
        twin = Tree.__new__(Tree)  # no need to parse what this one already holds
        twin.size, twin.peaks = self.size, self.peaks.copy()
        return twin


def inclusion_proof(read: ReadHashes, index: int, size: int) -> list[bytes]:
    """Return the audit path of a leaf in the tree of ``size`` leaves (RFC 6962 section 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(read, middle, end))
            end = middle
        else:
            path.append(_range_root(read, start, middle))
            start = middle
    return path[::-1]


def consistency_proof(read: ReadHashes, old: int, new: int) -> list[bytes]:
    """Return the proof that the first ``old`` leaves are unchanged (RFC 6962 section 2.1.2)."""
    if not 0 < old <= new:
        raise ValueError(f"no consistency proof from {old} to {new}")
    path: list[bytes] = []
    start, end = 0, new
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_root(read, middle, end))
            end = middle
        else:
            path.append(_range_root(read, start, middle))
            start = middle
    if start > 0:
        # The old tree's last full subtree; when it is the whole old tree its root is known anyway.
        path.append(_range_root(read, start, end))
    return path[::-1]


def holds_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Say whether an audit path leads from the leaf to the root (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and result == root


def holds_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Say whether the new tree begins with the old one (RFC 9162 section 2.1.4.2)."""
    if old == new:
        return not proof and old_root == new_root
    if not 0 < old < new:
        return False
    hashes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not hashes:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    before = after = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _range_root(read: ReadHashes, start: int, end: int) -> bytes:
    count = end - start
    if count & (count - 1) == 0:
        return _full_subtree(read, count.bit_length() - 1, start // count)
    middle = start + _split(count)
    return node_hash(_range_root(read, start, middle), _range_root(read, middle, end))


def _full_subtree(read: ReadHashes, level: int, position: int) -> bytes:
    fold = level % STRIDE
    hashes = list(read(level - fold, position << fold, 1 << fold))
    if len(hashes) != 1 << fold:
        raise ValueError(f"stored hashes of level {level - fold} are missing")
    while len(hashes) > 1:
        hashes = [node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def _split(count: int) -> int:
    """Return the largest power of two smaller than ``count``."""
    return 1 << (count - 1).bit_length() - 1
