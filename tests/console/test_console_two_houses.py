"""One console for two deployments: an id means something inside one charter only."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridgehead.assemble import House
from bridgehead.doors.console import console, make_link
from bridgehead.kernel.clock import SetClock
from bridgehead.kernel.principal import Principal
from fixtures import retail
from fixtures.console_caller import HOST, Caller


@pytest.fixture
def other(tmp_path: Path, clock: SetClock) -> Iterator[House]:
    """Another deployment, in which `maya` is somebody else and `ruth` is the same Ruth."""
    folder = tmp_path / "other"
    shutil.copytree(retail.FOLDER, folder, ignore=shutil.ignore_patterns(".bridgehead", "__pycache__"))
    charter = folder / "charter.yaml"
    text = charter.read_text().replace("name: retail-support", "name: other-desk")
    charter.write_text(text.replace("maya@example.com", "maya.b@example.com"))
    opened = House.open(folder, clock=clock)
    opened.activate(Principal(id="ruth", kind="human", name="Ruth Okafor"))
    yield opened
    opened.close()


def signed_in(house: House, both: list[House], person: str, clock: SetClock) -> Caller:
    caller = Caller(console(both, clock=clock))
    link = make_link(house.store, person, clock, f"http://{HOST}")
    assert caller.post(link.removeprefix(f"http://{HOST}")).status == 303
    return caller


def test_somebody_of_the_same_id_elsewhere_is_not_the_same_person(
    house: House, other: House, questions: list[str], clock: SetClock
) -> None:
    maya_of_other = signed_in(other, [house, other], "maya", clock)
    assert "Nothing waits for you" in maya_of_other.get("/inbox").text
    assert maya_of_other.get(f"/deployments/retail-support/approvals/{questions[0]}").status == 404


def test_the_same_person_sees_both(house: House, other: House, clock: SetClock) -> None:
    ruth = signed_in(house, [house, other], "ruth", clock)
    data = ruth.get("/deployments.json").json()
    assert [item["name"] for item in data["deployments"]] == ["retail-support", "other-desk"]
    ruth.post("/deployments/other-desk/stop", {"reason": "here only"})
    data = ruth.get("/deployments.json").json()
    assert [item["stop"]["stopped"] for item in data["deployments"]] == [False, True]
