"""Time: UTC inside, and the business day of a brand at its edge."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from midstage.kit.ids import BrandId


def utc_now() -> datetime:
    """This moment, aware, in UTC. Called at the edge only; everything below takes time as an argument."""
    return datetime.now(UTC)


class Tenant(msgspec.Struct, frozen=True):
    """A brand as the kit knows it: its number, its code, and where its business day begins."""

    brand: BrandId
    code: str
    zone: str = "UTC"
    day_starts_minute: int = 0
    sandbox: bool = False
    """Whether it is there for trying out: its data can be wiped, and nothing of it reaches the outside world."""

    def business_date(self, at: datetime) -> date:
        """The business day of a moment: a till that closes at 2 a.m. still sells yesterday.

        The start is a wall-clock time of the brand's zone, so a day at the change of
        summer time has 23 or 25 hours and none is lost.
        """
        local = at.astimezone(zone(self.zone))
        today = local.date()
        if self.day_starts_minute == 0:
            return today
        # The first of two equal wall-clock times in autumn: a day begins once.
        begins = datetime.combine(today, time(*divmod(self.day_starts_minute, 60)), zone(self.zone))
        return today if at >= begins.astimezone(UTC) else today - timedelta(days=1)


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name."""
    return ZoneInfo(name)
