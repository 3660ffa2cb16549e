"""What every test can ask for. Real databases, no mocks, no network, no sleeping."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = [
    "fixtures.postgres",
    "fixtures.stores",
    "fixtures.cut_wire",
    "fixtures.ledgers",
    "fixtures.houses",
    "fixtures.engines",
]

# A shared two-core machine: a slow example is not a failure; the seed of a failure is printed.
settings.register_profile(
    "house", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes minutes, so that no process is left with it at the end; else in random order."""
    items.sort(key=lambda item: "drill" not in item.path.parts)
