"""Data contracts of sources, as who watches data reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bridgehead.check.rule import Family, Rule
from bridgehead.check.sources import Misfit
from bridgehead.declare import Deployment
from bridgehead.kernel.finding import Finding

UNREADABLE = Rule(
    id="BH-CHK-110",
    severity="block",
    title="A data contract cannot be read",
    why="Its tables could not be looked at, and what is not looked at counts as broken.",
    fix="Repair it at the line named; `bridgehead watch check --contract FILE --data ...` tries it on data.",
)
LEFT_OUT = Rule(
    id="BH-CHK-111",
    severity="warn",
    title="A data contract leaves something unsaid",
    why="What the contract does not say of a table is not watched; a table without a word counts as broken.",
    fix="Write an object for the table in the contract, or remove the contract from the source.",
)

NO_TOTALS = Rule(
    id="BH-CHK-113",
    severity="block",
    title="The control totals of a feed cannot be found",
    why="A file of one name for all batches does not say which batch it is about; none would be published.",
    fix="Name a file for each batch, for example `manifest: '{batch}.totals.json'`.",
)
PERSONAL_SEGMENT = Rule(
    id="BH-CHK-114",
    severity="block",
    title="A feed is segmented by a column that is kept from people",
    why="What a batch lacks is told by the values of that column, on pages, in incidents and in the ledger.",
    fix="Name another column under `bridgeheadSegment`: one without tags and masks that every grant shows.",
)
DRAFT = Rule(
    id="BH-CHK-115",
    severity="warn",
    title="A data contract is a draft",
    why="Its clauses hold readers up as those of any other do, though nobody has said that they are right.",
    fix="Have its owner read it clause by clause, and write `status: active`.",
)
_OF = {"totals": NO_TOTALS, "segment": PERSONAL_SEGMENT, "draft": DRAFT}

ReadContracts = Callable[[Deployment], Iterable[Misfit]]
"""Who can read contracts says what of them is wrong (``blocks``), and what is left out."""


def promised(d: Deployment, read: ReadContracts) -> Iterator[Finding]:
    """Yield what is wrong with the contracts of sources."""
    for misfit in read(d):
        rule = _OF.get(misfit.of) or (UNREADABLE if misfit.blocks else LEFT_OUT)
        yield rule.found(misfit.words, misfit.where)


FAMILY = Family(
    "Data contracts", (UNREADABLE, LEFT_OUT, NO_TOTALS, PERSONAL_SEGMENT, DRAFT), lambda d: iter(())
)
