"""What is said between us and a process of our own: two lengths, a JSON object, bytes.

Nothing in it is executed or unpickled: a process that was taken over can only give wrong answers.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from typing import IO, Any

LONGEST = 256 * 1024 * 1024
"""Bytes one JSON object may have."""

_TOLD = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "TZ", "TMPDIR")
"""What the process hears of our environment: no secret is among it."""


def started(module: str) -> subprocess.Popen[bytes]:
    """Start a module of ours in a process of its own, which talks over standard input and output."""
    return subprocess.Popen(  # -P: what lies in the folder we stand in is never imported
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in _TOLD if name in os.environ},
    )


def send(stream: IO[bytes], header: dict[str, Any], data: bytes = b"") -> None:
    """Write a message."""
    head = json.dumps(header).encode()
    stream.write(struct.pack(">II", len(head), len(data)) + head + data)
    stream.flush()


def receive(stream: IO[bytes], longest: int = LONGEST) -> tuple[dict[str, Any], bytes]:
    """Read a message. Raises ``EOFError`` where there is none, ``ValueError`` where it is none."""
    lengths = _exactly(stream, 8)
    head, data = struct.unpack(">II", lengths)
    if head > longest or data > longest:
        raise ValueError("the answer is too large")
    header = json.loads(_exactly(stream, head))
    if not isinstance(header, dict):
        raise ValueError("no object")
    return header, _exactly(stream, data)


def _exactly(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) != length:
        raise EOFError
    return data
