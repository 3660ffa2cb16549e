"""Promise 9. A deployment without somebody who answers for it does not go live."""

from __future__ import annotations

import pytest

from bridgehead.declare import CharterErrors
from bridgehead.kernel.errors import CharterError, ConfigError
from fixtures.houses import Desk, act

OLGA = "olga: {name: Olga Owner, email: olga@example.com, roles: [owner]}"
DAN = "dan: {name: Dan Deputy, email: dan@example.com, roles: [owner]}"
SAM = "sam: {name: Sam Sponsor, email: sam@example.com, roles: [fde]}"
OWNER = "owner: {person: olga, deputy: dan, escalation: [rhea]}"


def gone(person: str) -> tuple[str, str]:
    return person, person.replace("}", ", active: false}")


@pytest.mark.parametrize(
    "change",
    [gone(OLGA), gone(DAN), gone(SAM), (OWNER, OWNER.replace("deputy: dan", "deputy: olga"))],
    ids=["the owner is gone", "the deputy is gone", "the agent's sponsor is gone", "one person is both"],
)
async def test_it_is_not_activated_and_nothing_runs(desk: Desk, change: tuple[str, str]) -> None:
    desk.change(*change)
    desk.reopen()
    with pytest.raises(CharterError) as fault:
        desk.activate()
    assert fault.value.code == "BH-ASM-002"
    assert fault.value.where.startswith("charter.yaml:")
    with pytest.raises(ConfigError) as nothing:
        desk.start(act("price_of", item="lamp"), workflow="plain")
    assert nothing.value.code == "BH-ASM-001"
    assert desk.entries() == []


@pytest.mark.parametrize(
    "change",
    [
        (OWNER + "\n", ""),
        (OWNER, "owner: {person: olga}"),
        (OWNER, OWNER.replace("person: olga", "person: eve")),
    ],
    ids=["no owner", "no deputy", "an owner nobody knows"],
)
def test_a_charter_that_names_nobody_is_none(desk: Desk, change: tuple[str, str]) -> None:
    desk.change(*change)
    with pytest.raises(CharterErrors):
        desk.reopen()


async def test_the_release_before_stays_active(desk: Desk) -> None:
    before = desk.activate()
    desk.change(*gone(OLGA))
    with pytest.raises(CharterError):
        desk.activate()
    assert desk.house.deployment.digest == before
    assert (await desk.settle(act("price_of", item="lamp"), workflow="plain"))["is"] == "done"


async def test_whoever_answers_is_on_record_where_something_needs_them(desk: Desk) -> None:
    desk.workflow("async def play(run, steps):\n    return 1 / 0\n")
    run = desk.start(workflow="plain")
    await desk.work()
    assert desk.bodies("finding.raised", run)[0]["owner"] == "olga"
