"""The part of a charter that starts runs by the clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from bridgehead.declare.asking import Calendar
from bridgehead.declare.cron import Timing, is_cron
from bridgehead.declare.part import Name, Part, is_duration, is_zone


class Schedule(Part):
    """A workflow that is started by the clock, each time at most once."""

    workflow: Name = Field(description="What is started: an id under `workflows`.")
    when: str = Field(
        description="When, as cron text of five fields (minute, hour, day of month, month, day of week), "
        "such as `30 2 * * mon-fri`."
    )
    timezone: str = Field(
        default="", description="IANA time zone of `when`; empty: that of `calendar`, which is then needed."
    )
    calendar: Name | None = Field(
        default=None, description="Only on the working days of this calendar; its hours say nothing here."
    )
    principal: Name = Field(
        description="The person on whose behalf it runs, with that person's rights: an id under `people`."
    )
    title: str = Field(default="", max_length=120, description="What people call it; empty: its name.")
    input: dict[str, Any] = Field(
        default_factory=dict,
        description="The case. In its texts `{date}` is the day it is due, local time, and `{occurrence}` "
        "the moment, in UTC.",
    )
    bindings: dict[Name, str] = Field(
        default_factory=dict, description="Values for the bindings of the workflow, all of them."
    )
    missed: Literal["run-once", "skip"] = Field(
        default="run-once",
        description="What becomes of times at which nothing could be started: one run makes up for those "
        "within `grace`, or none does. What is not made up for is told to the owner.",
    )
    grace: str = Field(default="1h", description="How late a run may still be started.")
    overlap: Literal["skip", "allow"] = Field(
        default="skip", description="Whether it starts while an earlier run of it has not ended."
    )

    _cron = field_validator("when")(is_cron)
    _duration = field_validator("grace")(is_duration)

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        return is_zone(value) if value else value

    def timing(self, calendars: Mapping[str, Calendar]) -> Timing:
        """Return when it is due."""
        place = calendars[self.calendar] if self.calendar else None
        zone = self.timezone or (place.timezone if place else "")
        return Timing.on(self.when, zone, place.working_time if place else None)

    def case(self, calendars: Mapping[str, Calendar], occurrence: datetime) -> dict[str, Any]:
        """Return the input of the run that is due at a moment, its places filled."""
        local = occurrence.astimezone(self.timing(calendars).zone)
        values = {"{occurrence}": f"{occurrence.astimezone(UTC):%Y-%m-%dT%H:%MZ}"}
        filled: dict[str, Any] = _filled(self.input, values | {"{date}": f"{local:%Y-%m-%d}"})
        return filled

    def called(self, name: str, calendars: Mapping[str, Calendar], occurrence: datetime) -> str:
        """Return what people call the run that is due at a moment."""
        zone: ZoneInfo = self.timing(calendars).zone
        return f"{self.title or name}, {occurrence.astimezone(zone):%Y-%m-%d %H:%M}"


def _filled(value: Any, places: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for place, text in places.items():
            value = value.replace(place, text)
        return value
    if isinstance(value, dict):
        return {key: _filled(item, places) for key, item in value.items()}
    return [_filled(item, places) for item in value] if isinstance(value, list) else value
