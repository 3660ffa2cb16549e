"""One thing is wrong with the data: ``python bench/data_drills.py [--only NAME] [--json]``.

A deployment that pays partners each morning from what their tills reported (below ``tests/fixtures/drills``)
meets every injection of a list, each through the real path of its source: files in a drop folder, or rows of
an SQLite database. Virtual clock; real store, ledger, engine, checks, and an ERP over MCP whose own file is
the judge. The contract is what ``bridgehead watch draft`` proposes of a clean fortnight, read and corrected.

One line a drill: whether anything was said and how many hours after; wrong advices and payments before and
after that; of the runs that acted on it before, by the ledger, how many the house lists; whether the first
words name the cause; what was lost or done twice once people mended what was noticed. What is not noticed
nobody mends. The twin is the same play with nothing injected, which must stay silent.

Exit code 1 where something wrong was done after it was noticed, work was lost or done twice, the house did
not list who was touched, or a twin was not silent. What was not noticed is printed as MISSED, and is no fault
of this bench. ``--only`` takes a part of a name, and may be repeated.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).parents[1] / "tests")

from bridgehead.testing import HostileErp  # noqa: E402
from fixtures.drills.plan import DRILLS, Drill, Place, twin  # noqa: E402
from fixtures.drills.score import Score  # noqa: E402

HEAD = (
    f"{'drill':24} {'noticed':>8} {'cause':>6} {'wrong before/after':>19} {'touched':>8} {'lost':>5} "
    f"{'twice':>6}  twin"
)


def line(drill: Drill, found: Score, control: Score) -> str:
    """Return the line of one drill and its twin."""
    noticed = f"{found.after_h:.1f} h" if found.after_h is not None else "quiet" if drill.quiet else "MISSED"
    cause = "-" if found.after_h is None else "yes" if found.cause else "NO"
    wrong = f"{found.wrong_before} / {found.wrong_after}"
    touched = f"{found.listed}/{found.touched}" if found.touched else "-"
    done = f"{control.wrong_before} wrong, {control.lost} lost, {control.doubled} twice"
    loud = ", ".join(control.noises) or done
    silent = "silent" if control.silent else f"NOT SILENT: {loud}"
    return (
        f"{drill.name:24} {noticed:>8} {cause:>6} {wrong:>19} {touched:>8} {found.lost:>5} {found.doubled:>6}"
        f"  {silent}"
    )


async def main(only: list[str], as_json: bool) -> bool:
    """Play the drills and print what they come to; return whether all is as it must be."""
    chosen = [drill for drill in DRILLS if not only or any(part in drill.name for part in only)]
    controls: dict[Any, Score] = {}
    began, good = time.process_time(), True
    if not as_json:
        print(HEAD)
    with tempfile.TemporaryDirectory() as folder, HostileErp.start(Path(folder) / "erp") as erp:
        place = Place(folder=Path(folder), erp=erp)
        for drill in chosen:
            key = twin(drill)
            try:
                if key not in controls:
                    controls[key] = await place.played(drill, injected=False)
                found, control = await place.played(drill, injected=True), controls[key]
            except Exception:  # a drill that breaks off is a finding, and the others are played all the same
                print(f"{drill.name:24} COULD NOT BE PLAYED\n{traceback.format_exc()}", flush=True)
                good = False
                continue
            told = {"drill": drill.name, **found.as_dict(), "twin": control.as_dict()}
            print(json.dumps(told) if as_json else line(drill, found, control), flush=True)
            if not as_json and found.said:
                more = f" ({found.more})" if found.more else ""
                print(f"{'':24} said first: {found.said[:180]}{more}", flush=True)
            after = found.wrong_after or (found.detected and not found.as_promised)
            good = good and not after and control.silent
    if not as_json:
        print(f"{len(chosen)} drills, {len(controls)} twins, {time.process_time() - began:.0f} s of CPU")
    return good


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="One thing is wrong with the data.")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    sys.exit(0 if asyncio.run(main(given.only, given.json)) else 1)
