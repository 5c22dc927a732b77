"""Business days as moments: when one begins in a brand, also where the clocks are changed."""

from datetime import UTC, date, datetime, time, timedelta

from midstage.kit.clock import Tenant, zone

_MINUTE = timedelta(minutes=1)
_NEAR = timedelta(hours=26)  # a business day and a change of the clocks
_CHANGE = timedelta(hours=3)  # more than summer time changes any clock by


def day_begins(tenant: Tenant, day: date) -> datetime | None:
    """The first moment of a business day; None after the end of the calendar."""
    try:
        wall = datetime.combine(day, time(), zone(tenant.zone)) + timedelta(minutes=tenant.day_starts_minute)
        begins = wall.astimezone(UTC)
        if not _changes(tenant, begins - _CHANGE, begins + _CHANGE):
            return begins
        at = begins - _CHANGE
        while tenant.business_date(at) < day:
            at += _MINUTE
    except OverflowError:
        return None
    return at


def next_change(tenant: Tenant, now: datetime) -> datetime | None:
    """The next moment at which today is another day, if the clocks are changed before it; else None.

    Where a day begins within the hour that is repeated, it is yesterday again for a while.
    """
    today = tenant.business_date(now)
    if today.year >= date.max.year or not _changes(tenant, now - _CHANGE, now + _NEAR):
        return None
    at = now.astimezone(UTC).replace(second=0, microsecond=0) + _MINUTE
    while tenant.business_date(at) == today:
        at += _MINUTE
    return at


def _changes(tenant: Tenant, start: datetime, end: datetime) -> bool:
    clock = zone(tenant.zone)
    return start.astimezone(clock).utcoffset() != end.astimezone(clock).utcoffset()


def anniversary(day: date, year: int) -> date:
    """The day in that year; the 29th of February is kept on the 28th where there is none."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)
