"""Two releases at work side by side: each is served by its own programs, and shares what has an address."""

from __future__ import annotations

from bridgehead.assemble import House
from fixtures.houses import OPERATOR, Desk


def test_a_program_of_the_folder_is_each_releases_own(desk: Desk) -> None:
    house = House.open(desk.folder, state=desk.state, clock=desk.clock)
    try:
        releases = [house.activate(by=OPERATOR)]
        (desk.folder / "shop.py").write_text("# the server, in another version\n", "utf-8")
        releases.append(house.activate(by=OPERATOR))
        old, new = (house.boundary_of(release).drivers for release in releases)
        assert old["server:shop"] is not new["server:shop"]
        assert old["model:support"] is new["model:support"]
    finally:
        house.close()
