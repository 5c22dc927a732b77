"""The words that the calls of several fronts share: texts, figures and moments with their limits."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import msgspec

from midstage.kit.clock import Tenant, zone
from midstage.kit.refusals import Invalid, Text

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Short = Annotated[str, msgspec.Meta(max_length=200)]
Long = Annotated[str, msgspec.Meta(max_length=2000)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Search = Annotated[str, msgspec.Meta(max_length=100, description="Part of a code or a name")]
Version = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1, description="The version that you looked at")]
Minor = Annotated[int, msgspec.Meta(ge=0, le=10**12, description="Minor units: fen, cents")]
Milli = Annotated[int, msgspec.Meta(ge=0, le=10**12, description="Thousandths of the unit")]
Rank = Annotated[int, msgspec.Meta(ge=-1_000_000, le=1_000_000)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


_FIRST, _LAST = 1970, 9990


class BadDate(Invalid):
    """A date lies within the years in which business is done."""

    text = Text(zh="日期 {date} 超出范围", en="{date} is too long ago or too far ahead.")
    date: str


def moment(at: datetime) -> datetime:
    """A moment of a request, as one of UTC. Raises BadDate."""
    if not _FIRST <= at.year <= _LAST:
        raise BadDate(str(at))
    return at.astimezone(UTC)


def day_begins(tenant: Tenant, day: date | None, *, after: int = 0) -> datetime | None:
    """When a business day of the brand begins, or the day that many days after it. Raises BadDate."""
    if day is None:
        return None
    if not _FIRST <= day.year <= _LAST:
        raise BadDate(str(day))
    starts = time(tenant.day_starts_minute // 60, tenant.day_starts_minute % 60, tzinfo=zone(tenant.zone))
    return datetime.combine(day + timedelta(days=after), starts).astimezone(UTC)
