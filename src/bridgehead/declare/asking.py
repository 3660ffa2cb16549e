"""Questions to people as a charter writes them: who must agree, by when, and what happens until then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from bridgehead.declare.part import Name, Part, Words, is_duration, is_zone, seconds
from bridgehead.kernel.calendar import DAYS, WorkingTime
from bridgehead.kernel.calendar import hours as opening
from bridgehead.kernel.quorum import Need, Needs, parse


class Rung(Part):
    """One rung of the ladder climbed while a question stays open."""

    after: str = Field(description="How long after the question was opened, e.g. `2h`.")
    do: Literal["remind", "widen", "owner"] = Field(
        description="`remind` those who are asked, `widen` the question to another group, or put it before "
        "the `owner` and the deputy. Whom it is widened to may stand for any group that is asked."
    )
    to: Name | None = Field(default=None, description="For `widen`: the group that may answer from then on.")

    _durations = field_validator("after")(is_duration)


class Emergency(Part):
    """Break-glass: one person permits at once, and others look at it afterwards."""

    who: Name = Field(description="The group whose members may permit at once, each alone.")
    review_within: str = Field(default="24h", description="How long the review may take.")
    review: Name = Field(description="The approval rule under which others review it.")

    _durations = field_validator("review_within")(is_duration)


class Calendar(Part):
    """The working time of a place: deadlines that name it run only while people work there."""

    timezone: str = Field(description="Name of the IANA time zone, e.g. `Europe/Berlin`.")
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = Field(
        default=["mon", "tue", "wed", "thu", "fri"], min_length=1, description="Working days."
    )
    hours: str = Field(default="09:00-17:00", description="Working hours, local time.")
    holidays: list[str] = Field(default_factory=list, description="Days off, written `2026-12-25`.")

    _zone = field_validator("timezone")(is_zone)

    @field_validator("hours")
    @classmethod
    def _open(cls, value: str) -> str:
        opening(value)
        return value

    @field_validator("holidays")
    @classmethod
    def _dates(cls, value: list[str]) -> list[str]:
        for each in value:
            date.fromisoformat(each)
        return value

    def seconds(self, duration: str) -> float:
        """Return the working seconds in a duration; ``1d`` is one working day."""
        if duration.endswith("d"):
            return float(duration[:-1]) * self.working_time.day_seconds
        return seconds(duration)

    @property
    def working_time(self) -> WorkingTime:
        """Return the calendar as something that counts."""
        opens, closes = opening(self.hours)
        return WorkingTime(
            zone=ZoneInfo(self.timezone),
            days=frozenset(DAYS.index(day) for day in self.days),
            opens=opens,
            closes=closes,
            holidays=frozenset(date.fromisoformat(each) for each in self.holidays),
        )


class ApprovalRule(Part):
    """A question to people. Silence is refusal; there is no setting for anything else."""

    question: Words = Field(description="Why people are asked, in one sentence.")
    who: str = Field(
        description="Who must agree: a group, or how many of which: `2 of finance-leads and 1 of risk`. "
        "Everybody counts once, and for one group only."
    )
    quorum: int = Field(
        default=1, ge=1, description="How many different people must agree, where `who` is only a group."
    )
    within: str = Field(description="How long the question stays open, e.g. `4h`.")
    valid_for: str = Field(default="24h", description="How long a yes may wait before it is used.")
    otherwise: Literal["refuse"] = Field(default="refuse", description="What silence means.")
    when: dict[Name, str] = Field(
        default_factory=dict,
        description="Simple limits: action -> `amount > 250 USD`. Anything finer is a Cedar policy with "
        '`@ask("this rule")`.',
    )
    escalate: list[Rung] = Field(
        default_factory=list, description="What happens while nobody answers, earliest first."
    )
    calendar: Name | None = Field(
        default=None,
        description="The calendar in whose working time `within` and `escalate` count; `1d` is then one "
        "working day. Without it they count every hour.",
    )
    emergency: Emergency | None = None

    _durations = field_validator("within", "valid_for")(is_duration)

    @field_validator("who")
    @classmethod
    def _parses(cls, value: str) -> str:
        parse(value)
        return value

    @property
    def needs(self) -> Needs:
        """Return how many of which groups must agree."""
        found = parse(self.who)
        if len(found) == 1 and found[0].people == 1:
            return (Need(found[0].group, self.quorum),)
        return found


def deadline(
    calendars: Mapping[str, Calendar], rule: ApprovalRule, since: datetime, duration: str
) -> datetime:
    """Return when a duration of an approval rule has passed, in the rule's calendar."""
    if rule.calendar is None:
        return since + timedelta(seconds=seconds(duration))
    place = calendars[rule.calendar]
    return place.working_time.after(since, place.seconds(duration))
