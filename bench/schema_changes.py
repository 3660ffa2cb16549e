"""How schema changes are read from real histories: ``python bench/schema_changes.py [--half kept] [--json]``.

14 histories of open-source projects beside the repository (``../shared/data/schema_evolution``: 439 dumps,
425 transitions, with the changes that the collection's own tool, Hecate, found). Every pair of dumps is
read and compared here; a change is one (table, column, kind). Precision and recall are per kind over all
transitions.

- ``type``: Hecate compares types as they are printed, without ``unsigned``, so that ``INT`` and ``INTEGER``
  differ; ours that is only another spelling counts here as well.
- Hecate passes over ALTER TABLE: such statements are taken out here before both are compared.
- ``key``: membership in the primary key. Hecate does not see a key whose columns are quoted, or that is
written beside its column in some versions and not in others, and says either a change of type or of key;
transitions in which a dump begins or ends to quote its keys are left out for both kinds, ``type_all`` and
``key_all`` have them in. Most of what is left of its key changes is no change of the dumps either (castor
1.02 and 1.03 lose and regain every key, and the files do not): this truth does not measure keys, and is
printed all the same.

``--half developed`` are the histories looked at while this was written, ``kept`` those that were not.
Renames are proposed from the schemas alone; which removals and additions are one was labelled by hand
(``bench/schema_renames.py``).
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from schema_renames import RENAMES

from bridgehead.watch.schema_change.compare import Change, compare
from bridgehead.watch.schema_change.ddl import read_ddl
from bridgehead.watch.schema_change.renames import Rename, renames
from bridgehead.watch.schema_change.schema import Schema

ROOT = Path(__file__).resolve().parents[1]
SHARED = next((up / "shared" for up in ROOT.parents if (up / "shared" / "data").is_dir()), ROOT / "absent")
DATA = SHARED / "data" / "schema_evolution"
DEVELOPED = (
    "coppermine",
    "e107",
    "nucleuscms",
    "joomla_1_5",
    "mozilla__tls-observatory",
    "processone__ejabberd",
    "HaliteChallenge__Halite-II",
)
POSTGRESQL = {"mozilla__tls-observatory"}
KINDS = ("table_in", "table_out", "column_in", "column_out", "type", "key", "type_all", "key_all")
ALTERED = re.compile(r"^ALTER TABLE [^;]*;", re.MULTILINE | re.IGNORECASE)
KEY = re.compile(r"primary\s+key\s*\(", re.IGNORECASE)
QUOTED_KEY = re.compile(r"primary\s+key\s*\(\s*[`\"]", re.IGNORECASE)
Fact = tuple[str, str, str]
"""Kind, table, column."""


def truth(history: Path) -> dict[tuple[str, str], set[Fact]]:
    """Return what Hecate found in each transition."""
    named = {
        "Insertion:UpdateTable": "column_in",
        "Deletion:UpdateTable": "column_out",
        "Insertion:NewTable": "table_in",
        "Deletion:DeleteTable": "table_out",
        "Update:TypeChange": "type",
        "Update:KeyChange": "key",
    }
    found: dict[tuple[str, str], set[Fact]] = defaultdict(set)
    with (history / "truth" / "transitions.csv").open(newline="") as file:
        for row in csv.DictReader(file, delimiter=";"):
            facts = found[row["oldVer"], row["newVer"]]
            if kind := named.get(row["EventType"]):
                table = row["Table"].strip('`"')
                facts.add((kind, table, "" if kind.startswith("table") else row["attrName"].casefold()))
    return found


def order(history: Path) -> list[tuple[str, str]]:
    with (history / "truth" / "metrics.csv").open(newline="") as file:
        return [(row["oldVer"], row["newVer"]) for row in csv.DictReader(file, delimiter=";")]


def ours(changes: tuple[Change, ...]) -> set[Fact]:
    """Return our changes in the words of the truth."""
    named = {
        "table_added": "table_in",
        "table_removed": "table_out",
        "column_added": "column_in",
        "column_removed": "column_out",
        "type_changed": "type",
        "type_widened": "type",
        "type_respelled": "type",
        "value_added": "type",
        "value_removed": "type",
        "key_changed": "key",
    }
    return {
        (named[each.kind], each.table, each.column.casefold())
        for each in changes
        if each.kind in named and not _signs_only(each)
    }


def _signs_only(change: Change) -> bool:
    """Whether only the sign of an integer differs, which Hecate does not print."""
    return (
        change.kind.startswith("type_")
        and change.before.lstrip("u") == change.after.lstrip("u")
        and (change.before != change.after)
        and change.kind != "type_respelled"
    )


def read(history: Path) -> tuple[dict[str, Schema], int]:
    """Return the schemas of a history by file name, and how many parts could not be read."""
    dialect = "postgres" if history.name in POSTGRESQL else "mysql"
    schemas, unread = {}, 0
    for file in sorted((history / "schemata").glob("*.sql")):
        text = ALTERED.sub("", file.read_text(errors="replace"))
        schemas[file.name], findings = read_ddl(text, dialect, file.name)
        unread += len(findings)
    return schemas, unread


def one(history: Path) -> dict[str, Any]:
    """Return hits, misses and extras of one history per kind, and the renames proposed in it."""
    schemas, unread = read(history)
    known = truth(history)
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    wrong: list[str] = []
    proposed: list[tuple[str, Rename]] = []
    for old, new in order(history):
        changes = compare(schemas[old], schemas[new])
        found, expected = ours(changes), known[old, new]
        quoting = _quotes(history, old) != _quotes(history, new)
        for kind in KINDS:
            if kind in ("type", "key") and quoting:
                continue
            of = kind.removesuffix("_all")
            mine, theirs = ({fact for fact in facts if fact[0] == of} for facts in (found, expected))
            counts[kind].update(hit=len(mine & theirs), extra=len(mine - theirs), missed=len(theirs - mine))
            wrong += [f"{new} extra {fact}" for fact in sorted(mine - theirs)]
            wrong += [f"{new} missed {fact}" for fact in sorted(theirs - mine)]
        proposed += [(new, each) for each in renames(schemas[old], schemas[new])]
    return {"counts": counts, "unread": unread, "wrong": wrong, "renames": proposed}


def _quotes(history: Path, version: str) -> bool:
    text = (history / "schemata" / version).read_text(errors="replace")
    return 2 * len(QUOTED_KEY.findall(text)) > len(KEY.findall(text))


def scored(results: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    table = {}
    for kind in KINDS:
        total = sum((result["counts"][kind] for result in results.values()), Counter[str]())
        found, expected = total["hit"] + total["extra"], total["hit"] + total["missed"]
        table[kind] = {
            "precision": total["hit"] / found if found else 1.0,
            "recall": total["hit"] / expected if expected else 1.0,
            "changes": expected,
        }
    return table


def scored_renames(results: dict[str, dict[str, Any]]) -> dict[str, float]:
    hits = proposals = 0
    for name, result in results.items():
        for new, each in result["renames"]:
            proposals += 1
            hits += (name, new, each.table, each.before, each.after) in RENAMES
    labelled = sum(one[0] in results for one in RENAMES)
    return {
        "precision": hits / proposals if proposals else 1.0,
        "recall": hits / labelled if labelled else 1.0,
        "proposed": proposals,
        "labelled": labelled,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Schema changes of real histories.")
    parser.add_argument("--half", choices=("all", "developed", "kept"), default="all")
    parser.add_argument("--wrong", action="store_true", help="list what differs from the truth")
    parser.add_argument("--renames", action="store_true", help="list what is proposed")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if not DATA.is_dir():
        print("skipped: ../shared/data/schema_evolution is not beside this repository")
        return
    began = time.process_time()
    names = [folder.name for folder in sorted(DATA.iterdir()) if folder.is_dir()]
    if given.half != "all":
        names = [name for name in names if (name in DEVELOPED) == (given.half == "developed")]
    results = {name: one(DATA / name) for name in names}
    table = scored(results)
    of_renames = scored_renames(results)
    unread = {name: result["unread"] for name, result in results.items()}
    seconds = round(time.process_time() - began, 1)
    if given.json:
        told = {"half": given.half, "kinds": table, "renames": of_renames, "unread": unread, "cpu_s": seconds}
        print(json.dumps(told, indent=1))
        return
    for kind, row in table.items():
        print(f"{kind:10s} " + "  ".join(f"{name} {value:.3f}" for name, value in row.items()))
    print("renames    " + "  ".join(f"{name} {value:.2f}" for name, value in of_renames.items()))
    print(f"unread parts: {unread}; {seconds} s CPU")
    for name, result in results.items():
        for line in result["wrong"] if given.wrong else ():
            print(name, line)
        for new, each in result["renames"] if given.renames else ():
            hit = (name, new, each.table, each.before, each.after) in RENAMES
            print("right" if hit else "WRONG", (name, new, each.table, each.before, each.after), each.score)


if __name__ == "__main__":
    main()
