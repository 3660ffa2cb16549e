"""What every test can ask for. Real databases, no mocks, no network, no sleeping."""

from __future__ import annotations

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
