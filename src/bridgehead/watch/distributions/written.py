"""Frames and profiles as JSON, and back to the bit; what every value of a baseline is known by is packed."""

from __future__ import annotations

import base64
import json
import struct

from bridgehead.kernel.errors import StoreError
from bridgehead.watch import stored
from bridgehead.watch.profile import Column, ColumnFrame, Frame, Profile


def frame_text(frame: Frame) -> str:
    """Return a frame as JSON."""
    columns = [
        {
            "name": one.name,
            "edges": list(one.edges),
            "top": list(one.top),
            "known": _packed(one.known),
            "keyed": one.keyed,
        }
        for one in frame.columns
    ]
    return _json({"digest": frame.digest, "columns": columns})


def frame_of(text: str) -> Frame:
    """Return the frame that ``frame_text`` wrote. Raises ``StoreError`` (BH-WAT-116)."""
    try:
        told = json.loads(text)
        columns = tuple(
            ColumnFrame(
                name=one["name"],
                edges=tuple(float(edge) for edge in one["edges"]),
                top=tuple(one["top"]),
                known=_unpacked(one["known"]),
                keyed=bool(one["keyed"]),
            )
            for one in told["columns"]
        )
        return Frame(columns=columns, digest=str(told["digest"]))
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise StoreError(
            "BH-WAT-116",
            f"the stored baseline is not one: {type(error).__name__}",
            means="What was accepted cannot be read. Nothing was changed.",
            fix="Restore the state from a backup, or accept a new baseline.",
        ) from error


def columns_text(profile: Profile) -> str:
    """Return the columns of a profile as JSON."""
    return _json([stored.plain(one) for one in profile.columns])


def profile_of(frame: str, rows: int, text: str) -> Profile:
    """Return the profile that ``columns_text`` wrote. Raises ``StoreError`` (BH-WAT-040)."""
    columns = tuple(stored.read(Column, one) for one in json.loads(text))
    return Profile(frame=frame, rows=rows, columns=columns)


def _packed(known: frozenset[int]) -> str:
    return base64.b64encode(struct.pack(f">{len(known)}Q", *sorted(known))).decode()


def _unpacked(text: str) -> frozenset[int]:
    raw = base64.b64decode(text, validate=True)
    return frozenset(struct.unpack(f">{len(raw) // 8}Q", raw))


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
