"""``customProperties`` that begin with ``bridgehead``: typed, and refused when they are wrong.

Other vendors' properties are none of our business and are left alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import time
from typing import Any, get_args
from zoneinfo import ZoneInfo

from bridgehead.declare.cron import is_cron
from bridgehead.declare.faults import did_you_mean
from bridgehead.declare.lines import Place
from bridgehead.declare.part import seconds
from bridgehead.watch.contract.faults import Found, dotted
from bridgehead.watch.contract.ours import (
    Cadence,
    ControlTotals,
    Criticality,
    Moves,
    NeedBy,
    OnBreach,
    Ours,
    Responses,
)

OURS = "bridgehead"
ANYWHERE = ("bridgeheadOnBreach", "bridgeheadCriticality")
OF_VALUES = ("bridgeheadDrift",)
OF_A_BATCH = (
    "bridgeheadCadence",
    "bridgeheadMaxStaleness",
    "bridgeheadNeedBy",
    "bridgeheadEmptyBatch",
    "bridgeheadUpstream",
)
OF_A_TABLE = ("bridgeheadControlTotals", "bridgeheadSegment")
DRAFTED = "bridgeheadDraft"
"""What a draft was made from, for the person who accepts it: it asks for nothing."""


def read(part: Mapping[str, Any], place: Place, found: Found, known: tuple[str, ...]) -> Ours:
    """Return our additions at one place; what is wrong with them is noted (BH-WAT-009)."""
    given: dict[str, Any] = {}
    for index, entry in enumerate(part.get("customProperties") or ()):
        name = entry.get("property", "")
        if not name.lower().startswith(OURS) or name == DRAFTED:
            continue
        at = (*place, "customProperties", index)
        reader = _READERS.get(name)
        if reader is None or name not in known:
            elsewhere = " here; it belongs to the contract or an object" if reader else ""
            found.wrong(
                "BH-WAT-009", f"`{name}` is not a property this house knows{elsewhere}", *at, "property",
                means="It would be ignored, and what it asks for would not happen.",
                fix=did_you_mean(name, known),
            )  # fmt: skip
        elif reader[0] in given:
            found.wrong("BH-WAT-009", f"`{name}` is written twice", *at, "property", fix="Keep one.")
        else:
            given[reader[0]] = _typed(name, reader[1], entry.get("value"), (*at, "value"), found)
    return Ours(**given)


def _typed(
    name: str, reader: Callable[[Any, str], Any], value: Any, place: Place, found: Found
) -> Any | None:
    try:
        return reader(value, found.where(*place))
    except (ValueError, TypeError, KeyError, OSError) as error:
        words = f"{error.args[0]!r} is not known" if isinstance(error, KeyError) else str(error)
        found.wrong(
            "BH-WAT-009", f"`{name}` does not hold: {words}", *place,
            means=f"At {dotted(place)}; see docs/reference/contract-properties.md.", fix=_EXAMPLES[name],
        )  # fmt: skip
        return None


def _block(value: Any, known: tuple[str, ...], required: tuple[str, ...] = ()) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("it must be a block of `key: value` lines")
    for key in value:
        if key not in known:
            raise ValueError(f"`{key}` is not one of its keys. {did_you_mean(str(key), known)}")
    for key in required:
        if key not in value:
            raise ValueError(f"`{key}` is missing")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{what} must be text")
    return value.strip()


def _one_of(value: Any, words: tuple[str, ...]) -> Any:
    if value not in words:
        raise ValueError(f"{value!r} is not one of {', '.join(words)}")
    return value


def _duration(value: Any, what: str) -> float:
    amount = seconds(_text(value, what))
    if amount <= 0:
        raise ValueError(f"{what} must be longer than nothing")
    return amount


def _zone(value: Any) -> str:
    try:
        return ZoneInfo(_text(value, "a time zone")).key
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"{value!r} is not a time zone, such as Europe/Berlin") from error


_OF_ALL = ("timezone", "country", "days", "within", "element")


def _cadence(value: Any, _: str) -> Cadence:
    given = _block(value, ("cron", "every", "learned", *_OF_ALL))
    if sum(name in given for name in ("cron", "every", "learned")) != 1:
        raise ValueError("it has either `cron`, `every` or `learned: true`")
    if given.get("learned", True) is not True:
        raise ValueError("`learned` is true or not there")
    return Cadence(
        cron=is_cron(_text(given["cron"], "`cron`")) if "cron" in given else "",
        every_seconds=_duration(given["every"], "`every`") if "every" in given else None,
        timezone=_zone(given.get("timezone", "UTC")),
        country=_country(given["country"]) if "country" in given else "",
        days=_days(given.get("days", 0)),
        within_seconds=_duration(given["within"], "`within`") if "within" in given else 0.0,
        element=_text(given["element"], "`element`") if "element" in given else "",
    )


def _days(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 31:
        raise ValueError("`days` is a whole number from 0 to 31")
    return value


def _upstream(value: Any, _: str) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names:
        raise ValueError("it is the name of a job or system, or a list of them, the nearest first")
    found = tuple(_text(name, "a name") for name in names)
    if len(set(found)) < len(found):
        raise ValueError("it names one twice")
    return found


def _segment(value: Any, _: str) -> str:
    return _text(value, "a column")


def _country(value: Any) -> str:
    text = _text(value, "`country`")
    if len(text) != 2 or not text.isascii() or not text.isupper():
        raise ValueError(f"{text!r} is not a country of ISO 3166, two capital letters such as DE")
    return text


def _need_by(value: Any, _: str) -> NeedBy:
    given = _block(value, ("at", "timezone", "days"), ("at",))
    at = time.fromisoformat(_text(given["at"], "`at`"))
    if at.tzinfo is not None:
        raise ValueError("`at` has no zone; write it as `timezone`")
    return NeedBy(at=at, timezone=_zone(given.get("timezone", "UTC")), days=_days(given.get("days", 0)))


def _on_breach(value: Any, _: str) -> Responses:
    words = get_args(OnBreach)
    if isinstance(value, str):
        return Responses(default=_one_of(value, words))
    given = _block(value, ("default", "readers"), ("default",))
    readers = given.get("readers") or {}
    if not isinstance(readers, Mapping):
        raise ValueError("`readers` is a block of `name: response` lines")
    return Responses(
        default=_one_of(given["default"], words),
        readers=tuple((_text(name, "a reader"), _one_of(what, words)) for name, what in readers.items()),
    )


def _control_totals(value: Any, where: str) -> ControlTotals:
    given = _block(value, ("manifest", "rows", "sums", "tolerance"), ("manifest",))
    sums = given.get("sums") or {}
    if not isinstance(sums, Mapping):
        raise ValueError("`sums` is a block of `column: key` lines")
    if "rows" not in given and not sums:
        raise ValueError("it has neither `rows` nor `sums`")
    tolerance = given.get("tolerance", 0)
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or tolerance < 0:
        raise ValueError("`tolerance` is a number that is not negative")
    manifest = _text(given["manifest"], "`manifest`")
    if manifest.startswith(("/", "\\")) or ".." in manifest.replace("\\", "/").split("/") or ":" in manifest:
        raise ValueError(f"`manifest` {manifest!r} does not lie beside the data")
    return ControlTotals(
        manifest=manifest,
        rows=_text(given["rows"], "`rows`") if "rows" in given else "",
        sums=tuple((_text(column, "a column"), _text(key, "a key")) for column, key in sums.items()),
        tolerance=float(tolerance),
        where=where,
    )


def _max_staleness(value: Any, _: str) -> float:
    return _duration(value, "it")


def _criticality(value: Any, _: str) -> Any:
    return _one_of(value, get_args(Criticality))


def _empty_batch(value: Any, _: str) -> Any:
    return _one_of(value, ("allowed", "refused"))


_SIZES = {
    "psi": "psi",
    "psiAct": "psi_act",
    "ks": "ks",
    "totalVariation": "tv",
    "nullRate": "null_rate",
    "nullTimes": "null_times",
    "unseen": "unseen",
}


def _moves(value: Any, _: str) -> Moves:
    if value in ("off", False):  # YAML reads a bare `off` as false
        return Moves(watched=False)
    given = _block(value, tuple(_SIZES))
    if not given:
        raise ValueError(f"it names none of {', '.join(_SIZES)}")
    sizes: dict[str, Any] = {_SIZES[key]: _size(key, size) for key, size in given.items()}
    return Moves(**sizes)


def _size(key: str, size: Any) -> float:
    """Return a size; shares of rows are between nothing and all of them."""
    most = math.inf if key in ("psi", "psiAct", "nullTimes") else 1
    if isinstance(size, bool) or not isinstance(size, int | float) or not 0 < size <= most:
        raise ValueError(f"`{key}` is a number above 0" + ("" if most > 1 else ", at most 1"))
    return float(size)


_READERS: Mapping[str, tuple[str, Callable[[Any, str], Any]]] = {
    "bridgeheadCadence": ("cadence", _cadence),
    "bridgeheadOnBreach": ("on_breach", _on_breach),
    "bridgeheadMaxStaleness": ("max_staleness_seconds", _max_staleness),
    "bridgeheadNeedBy": ("need_by", _need_by),
    "bridgeheadCriticality": ("criticality", _criticality),
    "bridgeheadControlTotals": ("control_totals", _control_totals),
    "bridgeheadEmptyBatch": ("empty_batch", _empty_batch),
    "bridgeheadUpstream": ("upstream", _upstream),
    "bridgeheadDrift": ("drift", _moves),
    "bridgeheadSegment": ("segment", _segment),
}

_EXAMPLES: Mapping[str, str] = {
    "bridgeheadCadence": "Write for example {cron: '0 5 * * 1-5', timezone: Europe/Berlin, country: DE}.",
    "bridgeheadOnBreach": "Write for example `hold`, or {default: warn, readers: {payouts: block}}.",
    "bridgeheadMaxStaleness": "Write for example `26h`.",
    "bridgeheadNeedBy": "Write for example {at: '06:30', timezone: Europe/Berlin}.",
    "bridgeheadCriticality": "Write low, normal, high or critical.",
    "bridgeheadControlTotals": "Write for example {manifest: o.json, rows: count, sums: {amount: total}}.",
    "bridgeheadEmptyBatch": "Write `allowed` or `refused`.",
    "bridgeheadDrift": "Write for example {psi: 0.2, nullRate: 0.05}, or `off`.",
    "bridgeheadSegment": "Write the name of a column, for example `store`.",
    "bridgeheadUpstream": "Write for example `nightly-export`, or [nightly-export, core-banking].",
}
