"""Days off of a country, from the ``holidays`` package (extra ``watch``)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from bridgehead.kernel.errors import CharterError, ConfigError


def days_off(country: str, years: Iterable[int], region: str = "") -> frozenset[date]:
    """Return the public holidays of a country (``DE``) and region (``BE``) in those years.

    Raises ``ConfigError`` (BH-WAT-042) without the extra, ``CharterError`` (BH-WAT-043) for a place the
    package does not know: an unknown calendar is not a calendar without holidays.
    """
    try:
        import holidays
    except ImportError as error:
        raise ConfigError(
            "BH-WAT-042",
            "the package holidays is not installed",
            means=f"Which days are off in {country} is not known here.",
            fix="pip install 'bridgehead[watch]', or list the days in the contract.",
        ) from error
    try:
        return frozenset(holidays.country_holidays(country, subdiv=region or None, years=sorted(set(years))))
    except NotImplementedError as error:
        raise CharterError(
            "BH-WAT-043",
            f"no calendar is known for {country}{' ' + region if region else ''}",
            means="Which days are off there is not known, so a day without a batch cannot be judged.",
            fix="Write the country as ISO 3166 has it (DE), the region as ISO 3166-2 (BE), or list the days.",
        ) from error
