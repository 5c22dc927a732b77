"""The business day: where a brand's day begins, over summer time, month ends and leap days."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midstage.kit import clock
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.ids import BrandId

ZONES = (
    "UTC",
    "Asia/Shanghai",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
)
moments = st.datetimes(datetime(2005, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis asks for naive bounds


def _tenant(zone: str, starts: int = 0) -> Tenant:
    return Tenant(BrandId(1), "yunzhi", zone=zone, day_starts_minute=starts)


def _local(zone: str, *figures: int, fold: int = 0) -> datetime:
    year, month, day, hour, minute = figures
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone), fold=fold)


@pytest.mark.parametrize(
    ("at", "starts", "day"),
    [
        ((2026, 11, 22, 0, 0), 0, date(2026, 11, 22)),
        ((2026, 11, 21, 23, 59), 0, date(2026, 11, 21)),
        ((2026, 11, 22, 1, 59), 120, date(2026, 11, 21)),
        ((2026, 11, 22, 2, 0), 120, date(2026, 11, 22)),
        ((2027, 1, 1, 1, 0), 240, date(2026, 12, 31)),
        ((2027, 3, 1, 1, 0), 240, date(2027, 2, 28)),
        ((2028, 3, 1, 1, 0), 240, date(2028, 2, 29)),
        ((2028, 2, 29, 5, 0), 240, date(2028, 2, 29)),
    ],
)
def test_a_till_that_closes_late_still_sells_yesterday(at: tuple[int, ...], starts: int, day: date) -> None:
    moment = _local("Asia/Shanghai", *at)
    assert _tenant("Asia/Shanghai", starts).business_date(moment) == day
    assert _tenant("Asia/Shanghai", starts).business_date(moment.astimezone(UTC)) == day


def test_the_same_moment_is_another_day_elsewhere() -> None:
    moment = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)
    days = {zone: _tenant(zone).business_date(moment).day for zone in ("UTC", "Asia/Shanghai", "America/New_York")}
    assert days == {"UTC": 22, "Asia/Shanghai": 23, "America/New_York": 22}


def _length_h(zone: str, starts: int, day: date) -> float:
    """How many hours a business day has, by asking for every minute around it."""
    tenant = _tenant(zone, starts)
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    minutes = sum(tenant.business_date(begin + timedelta(minutes=minute)) == day for minute in range(4 * 24 * 60))
    return minutes / 60


@pytest.mark.parametrize(
    ("zone", "starts", "day", "hours"),
    [
        ("Asia/Shanghai", 0, date(2026, 3, 29), 24),
        ("Europe/Berlin", 0, date(2026, 3, 29), 23),
        ("Europe/Berlin", 0, date(2026, 10, 25), 25),
        ("Europe/Berlin", 240, date(2026, 3, 28), 23),  # the hour is lost in the night that still belongs to Saturday
        ("Europe/Berlin", 240, date(2026, 3, 29), 24),
        ("America/New_York", 0, date(2026, 11, 1), 25),
        ("Australia/Lord_Howe", 0, date(2026, 10, 4), 23.5),
    ],
)
def test_a_day_at_the_change_of_summer_time_has_the_hours_it_has(
    zone: str, starts: int, day: date, hours: float
) -> None:
    assert _length_h(zone, starts, day) == hours


def test_a_day_that_starts_within_the_repeated_hour_begins_once() -> None:
    tenant = _tenant("Europe/Berlin", 150)  # 02:30 comes twice on this night
    early = [_local("Europe/Berlin", 2026, 10, 25, 2, minute, fold=0) for minute in (15, 45)]
    late = [_local("Europe/Berlin", 2026, 10, 25, 2, minute, fold=1) for minute in (15, 45)]
    assert [tenant.business_date(at).day for at in (*early, *late)] == [24, 25, 25, 25]


@settings(deadline=None)
@given(at=moments, zone=st.sampled_from(ZONES), starts=st.integers(0, 1439))
def test_the_business_day_is_the_calendar_day_or_the_one_before(at: datetime, zone: str, starts: int) -> None:
    local = at.astimezone(ZoneInfo(zone))
    late = local.date() - _tenant(zone, starts).business_date(at)
    assert late == timedelta(days=local.hour * 60 + local.minute < starts) or (local.fold and not late)


@settings(deadline=None)
@given(at=moments, zone=st.sampled_from(ZONES), starts=st.integers(0, 1439), later=st.integers(0, 200))
def test_no_day_comes_back(at: datetime, zone: str, starts: int, later: int) -> None:
    tenant = _tenant(zone, starts)
    assert tenant.business_date(at) <= tenant.business_date(at + timedelta(minutes=later))


@settings(deadline=None)
@given(at=moments, starts=st.integers(0, 1439))
def test_days_follow_each_other_without_a_gap(at: datetime, starts: int) -> None:
    tenant = _tenant("Asia/Shanghai", starts)
    days = [tenant.business_date(at + timedelta(hours=hours)) for hours in range(72)]
    assert all(later - earlier in (timedelta(0), timedelta(days=1)) for earlier, later in pairwise(days))
    assert len(set(days)) in (3, 4)


def test_now_is_aware_and_in_utc() -> None:
    assert utc_now().tzinfo is UTC


def test_an_unknown_zone_is_an_error() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        clock.zone("Mars/Olympus")
