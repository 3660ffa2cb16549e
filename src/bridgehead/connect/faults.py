"""What every driver says in the same words: codes BH-CON-010 to BH-CON-018.

A driver's own faults stand in its own file: BH-CON-02x MCP servers, BH-CON-04x models,
BH-CON-05x stand-ins, BH-CON-06x databases; BH-CON-00x are settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bridgehead.kernel.errors import ConfigError, ConnectError, EffectState

LIMIT_BYTES = 4 * 1024 * 1024
"""The largest answer taken from another system, in bytes."""

LONGEST_WORDS = 2000
"""How much of another system's words is kept, in characters."""


def bad_setting(what: str, *, fix: str) -> ConfigError:
    """Return the fault for a setting that cannot be used."""
    return ConfigError("BH-CON-002", what, means="Nothing was reached.", fix=fix)


def not_open(name: str) -> ConnectError:
    """Return the fault for a call before ``open`` or after ``close``."""
    return ConnectError(
        "BH-CON-010",
        f"{name} is not open",
        effect_state="none",
        temporary=True,
        means="Nothing was sent.",
        fix="Start the deployment again; its drivers are opened at the start.",
    )


def unknown_operation(name: str, operation: str, known: Iterable[str]) -> ConnectError:
    """Return the fault for an operation the other side does not offer."""
    offered = ", ".join(sorted(known)[:20]) or "nothing"
    return ConnectError(
        "BH-CON-011",
        f"{name} does not offer {operation!r}",
        effect_state="none",
        means="Nothing was sent.",
        fix=f"It offers {offered}.",
    )


def with_bound(name: str, arguments: Mapping[str, Any], bound: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``arguments`` with the deployment's own; raises BH-CON-012 where both name one.

    INVARIANT: what the deployment binds is never overridden by what an agent asks for.
    """
    both = sorted(arguments.keys() & bound.keys())
    if both:
        raise ConnectError(
            "BH-CON-012",
            f"the arguments for {name} name {', '.join(both)}, which the deployment binds itself",
            effect_state="none",
            means="Nothing was sent.",
            fix="Leave it out; the deployment fills it in.",
        )
    return {**arguments, **bound}


def late(name: str, deadline: float, effect: EffectState) -> ConnectError:
    """Return the fault for a deadline that passed."""
    return ConnectError(
        "BH-CON-013",
        f"{name} did not answer within {deadline:g} s",
        effect_state=effect,
        temporary=True,
        means=_what_is_known(effect),
        fix="See whether it is up and how long it takes; raise its `deadline` if that is normal.",
    )


def too_late(name: str) -> ConnectError:
    """Return the fault for a call that could not be sent in time: connecting took too long."""
    return ConnectError(
        "BH-CON-017",
        f"{name} was ready too late to be sent this",
        effect_state="none",
        temporary=True,
        means="Nothing was sent.",
        fix="Raise the action's `send_budget` if it normally takes so long to start.",
    )


def unusable(name: str, why: str, effect: EffectState = "unknown") -> ConnectError:
    """Return the fault for an answer that cannot be taken."""
    return ConnectError(
        "BH-CON-014",
        f"the answer of {name} cannot be used: {why}",
        effect_state=effect,
        means=_what_is_known(effect),
        fix="Ask whoever runs it; an answer that is not understood is never guessed at.",
    )


def lost(name: str, why: str, effect: EffectState) -> ConnectError:
    """Return the fault for a connection that broke or could not be made."""
    return ConnectError(
        "BH-CON-015",
        f"the connection to {name} is gone: {why}",
        effect_state=effect,
        temporary=True,
        means=_what_is_known(effect),
        fix="See whether it is up; the next call connects again.",
    )


def shorten(words: str, limit: int = LONGEST_WORDS) -> str:
    """Return ``words`` on one line, at most ``limit`` characters."""
    line = " ".join(words.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _what_is_known(effect: EffectState) -> str:
    return "Nothing was sent." if effect == "none" else "Whether it took effect there is not known."
