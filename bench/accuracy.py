"""How often it was right, with few labels and with none: ``python bench/accuracy.py [--json]``.

On the public streams beside the repository (``../shared/data/drift``): a model is fitted on the first 15 %
of elec2 and of weather, calibrated on the next 10 %, and judged in chunks of 1,000 of the rest, whose labels
only the bench knows.

- label-free: in how many of the chunks where confidence is off by more than 10 points is the state not
  ``supported``; and how far off is it where it is.
- audited: 100 results of each chunk are drawn at random, 20 times over: how often does the interval hold the
  true share, and how far off is the estimate.
- alarm: 200 replays of a fall from 94 % to 61 % at a floor of 90 %, at once and after 400 good answers; and
  400 replays of 500 answers at 94 %.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import random
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgehead.watch.accuracy.alarm import Alarm, heard
from bridgehead.watch.accuracy.calibrate import calibrated, classified
from bridgehead.watch.accuracy.encode import compared
from bridgehead.watch.accuracy.interval import Label, interval
from bridgehead.watch.accuracy.labelfree import Example, judged

ROOT = Path(__file__).resolve().parents[1]
SHARED = next((up / "shared" for up in ROOT.parents if (up / "shared" / "data").is_dir()), ROOT / "absent")
DATA = SHARED / "data" / "drift"
SETS = ("elec2", "weather")
GOALS = {"off_and_not_supported": 0.9, "supported_mae": 3.0, "coverage": (0.93, 0.99), "audited_mae": 3.5}
CHUNK, AUDITED, TIMES, OFF = 1000, 100, 20, 0.10
Floats = NDArray[np.float64]


def stream(name: str) -> tuple[list[dict[str, float]], Floats]:
    """Return features and class of each row, in order."""
    file = next(DATA.glob(f"{name}*"))
    content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    head, *rows = list(csv.reader(io.StringIO(content.decode())))
    features = [dict(zip(head[:-1], map(float, row[:-1]), strict=True)) for row in rows]
    return features, np.array([float(row[-1]) for row in rows])


def examples(name: str) -> tuple[list[Example], list[Example]]:
    """Return the labelled reference, and everything after it, as a model fitted before both says."""
    features, truth = stream(name)
    first, second = int(0.15 * len(truth)), int(0.25 * len(truth))
    rows = compared(features[:first], features[first:])
    chance = classified(rows.reference, truth[:first], rows.batch)
    right = (chance >= 0.5) == (truth[first:] == 1)
    sure = np.maximum(chance, 1 - chance)
    made = [
        Example(features=features[first + at], proxy=float(sure[at]), right=bool(right[at]))
        for at in range(len(sure))
    ]
    return made[: second - first], made[second - first :]


def chunks(rest: list[Example]) -> list[list[Example]]:
    return [rest[at : at + CHUNK] for at in range(0, len(rest) - CHUNK + 1, CHUNK)]


def label_free(reference: list[Example], rest: list[Example]) -> dict[str, Any]:
    """Judge each chunk without its labels, then hold it against them."""
    sure = np.array([one.proxy for one in reference])
    right = np.array([float(bool(one.right)) for one in reference])
    told = []
    for chunk in chunks(rest):
        unseen = [Example(features=one.features, proxy=one.proxy) for one in chunk]
        found = judged(reference, unseen)
        true = statistics.fmean(bool(one.right) for one in chunk)
        confident = float(calibrated(sure, right, np.array([one.proxy for one in chunk])).mean())
        told.append((found, true, confident))
    off = [found.state for found, true, confident in told if abs(confident - true) > OFF]
    supported = [abs(f.span.estimate - true) for f, true, _ in told if f.state == "supported" and f.span]
    unchanged = float(right.mean())
    return {
        "chunks": len(told),
        "true_reference": unchanged,
        "true_mean": statistics.fmean(true for _, true, _ in told),
        "states": {
            s: sum(f.state == s for f, _, _ in told) for s in ("supported", "extrapolating", "not estimable")
        },
        "cbpe_mae": 100 * statistics.fmean(abs(confident - true) for _, true, confident in told),
        "constant_mae": 100 * statistics.fmean(abs(unchanged - true) for _, true, _ in told),
        "off_chunks": len(off),
        "off_and_not_supported": sum(state != "supported" for state in off) / len(off) if off else None,
        "supported_mae": 100 * statistics.fmean(supported) if supported else None,
        "apart": [round(float(f.apart), 3) for f, _, _ in told[:: max(1, len(told) // 8)]],
    }


def audited(rest: list[Example], seed: int) -> dict[str, Any]:
    """Audit 100 of each chunk, many times over."""
    chance, held, errors, halves = random.Random(seed), 0, [], []
    for chunk in chunks(rest):
        true = statistics.fmean(bool(one.right) for one in chunk)
        for _ in range(TIMES):
            drawn = set(chance.sample(range(CHUNK), AUDITED))
            labels = [Label(right=bool(chunk[at].right), proxy=chunk[at].proxy) for at in drawn]
            others = [one.proxy for at, one in enumerate(chunk) if at not in drawn]
            found = interval(labels, others, drawn=AUDITED, population=CHUNK)
            assert found.low is not None and found.high is not None and found.estimate is not None
            held += found.low <= true <= found.high
            errors.append(abs(found.estimate - true))
            halves.append((found.high - found.low) / 2)
    return {
        "coverage": held / len(errors),
        "audited_mae": 100 * statistics.fmean(errors),
        "half_width": 100 * statistics.fmean(halves),
    }


def alarms() -> dict[str, Any]:
    """Replay falls and no falls."""

    def until(good: int, seed: int, accuracy: float, most: int) -> int | None:
        chance, alarm = random.Random(seed), Alarm(floor=0.9)
        for number in range(good + most):
            alarm = heard(alarm, wrong=chance.random() >= (0.94 if number < good else accuracy))
            if alarm.raised:
                return alarm.raised_at - good
        return None

    at_once = [until(0, seed, 0.61, 400) or 401 for seed in range(200)]
    after = [until(400, seed, 0.61, 400) or 401 for seed in range(200)]
    return {
        "within_40": sum(at <= 40 for at in at_once) / 200,
        "median": statistics.median(at_once),
        "after_400_good_median": statistics.median(after),
        "after_400_good_p90": statistics.quantiles(after, n=10)[-1],
        "false_of_400": sum(until(0, seed, 0.94, 500) is not None for seed in range(400)),
    }


def measured() -> dict[str, Any]:
    found: dict[str, Any] = {"alarm": alarms()}
    for name in SETS:
        reference, rest = examples(name)
        found[name] = {**label_free(reference, rest), **audited(rest, seed=5)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = parser.parse_args().json
    if not DATA.is_dir():
        raise SystemExit("The public streams are not here (../shared/data/drift): nothing was measured.")
    began = time.process_time()
    found = measured() | {"goals": GOALS, "cpu_seconds": round(time.process_time() - began, 1)}
    print(json.dumps(found) if as_json else json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
