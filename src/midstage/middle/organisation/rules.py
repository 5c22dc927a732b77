"""The decisions of the organisation, pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Protocol, TypeVar, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import UNSET

from midstage.middle.organisation.forms import NewUnit
from midstage.middle.organisation.refusals import (
    BadArea,
    BadCode,
    BadContract,
    BadCurrency,
    BadHours,
    BadInvoiceTitle,
    BadPayee,
    BadPhonePrefix,
    BadPlace,
    BadStartOfDay,
    BadZone,
    ChangedMeanwhile,
    NameMissing,
    NoSuchUnit,
    TreeTooDeep,
    UnitCycle,
)
from midstage.middle.organisation.types import (
    DAYS_A_WEEK,
    Contract,
    Hours,
    InvoiceTitle,
    Payee,
    Place,
    Scope,
    Span,
    Store,
    UnitId,
)


class Versioned(Protocol):
    """A row that changes: each change counts."""

    @property
    def version(self) -> int: ...


class Coded(Protocol):
    """A row that is listed by its code."""

    @property
    def code(self) -> str: ...


S = TypeVar("S", bound=msgspec.Struct)

MAX_DEPTH = 32
MAX_AREA_M2 = 1_000_000
MAX_CODE = 60
MAX_NAME = 200
DAY_MINUTES = 1440
_BRAND_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_PHONE_PREFIX = re.compile(r"\+[1-9][0-9]{0,3}")


def check_code(code: str) -> None:
    """Raise BadCode where it is empty, too long, or holds a blank or control character."""
    if not 1 <= len(code) <= MAX_CODE or any(char.isspace() or not char.isprintable() for char in code):
        raise BadCode(code[:80])


def check_name(name: str) -> None:
    """Raise NameMissing where it is blank, too long, or holds a control character."""
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise NameMissing


def check_brand_code(code: str) -> None:
    if not _BRAND_CODE.fullmatch(code):
        raise BadCode(code[:80])


def check_currency(currency: str) -> None:
    if not _CURRENCY.fullmatch(currency):
        raise BadCurrency(currency[:80])


def check_phone_prefix(prefix: str) -> None:
    if not _PHONE_PREFIX.fullmatch(prefix):
        raise BadPhonePrefix(prefix[:80])


def check_day(zone: str, day_starts_minute: int) -> None:
    """Raise BadZone or BadStartOfDay."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadZone(zone[:80]) from None
    if not 0 <= day_starts_minute < DAY_MINUTES:
        raise BadStartOfDay(day_starts_minute)


def check_place(place: Place | None) -> None:
    # Written so that a NaN is refused too.
    if place is not None and not (-90 <= place.lat <= 90 and -180 <= place.lng <= 180):
        raise BadPlace(place.lat, place.lng)


def check_area(area_m2: int | None) -> None:
    if area_m2 is not None and not 0 < area_m2 <= MAX_AREA_M2:
        raise BadArea(area_m2)


def check_hours(hours: Hours | None) -> None:
    """Raise BadHours unless there are seven days whose spans run forward and keep apart."""
    if hours is None:
        return
    if len(hours.week) != DAYS_A_WEEK or not all(_in_order(day) for day in (*hours.week, *hours.days.values())):
        raise BadHours


def _in_order(day: Sequence[Span]) -> bool:
    forward = all(0 <= span.opens < DAY_MINUTES and span.opens < span.closes <= 2 * DAY_MINUTES for span in day)
    return forward and all(first.closes <= second.opens for first, second in pairwise(day))


def check_contract(contract: Contract | None) -> None:
    if contract is None:
        return
    backwards = contract.ends_on is not None and contract.ends_on < contract.starts_on
    if backwards or not contract.number.strip():
        raise BadContract


def check_invoice(invoice: InvoiceTitle | None) -> None:
    if invoice is not None and not (invoice.title.strip() and invoice.tax_number.strip()):
        raise BadInvoiceTitle


def check_payee(payee: Payee | None) -> None:
    if payee is not None and not (payee.holder.strip() and payee.provider.strip() and payee.account_number.strip()):
        raise BadPayee


def by_code(row: Coded) -> tuple[str]:
    """Where a row stands in a list by code."""
    return (row.code,)


def is_open(hours: Hours | None, at: datetime, *, zone: str) -> bool:
    """Whether the doors are open at a moment; a store without hours never closes."""
    if hours is None:
        return True
    local = at.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    today, yesterday = local.date(), local.date() - timedelta(days=1)
    return _within(_day(hours, today), minute) or _within(_day(hours, yesterday), minute + DAY_MINUTES)


def _day(hours: Hours, day: date) -> Sequence[Span]:
    return hours.days.get(day, hours.week[day.weekday()])


def _within(day: Sequence[Span], minute: int) -> bool:
    return any(span.opens <= minute < span.closes for span in day)


def covers(scope: Scope, store: Store) -> bool:
    """Whether a store is in a scope."""
    return (
        scope.everything
        or store.store_id in scope.stores
        or store.operator_id in scope.operators
        or not scope.units.isdisjoint(store.unit_path)
    )


def union(scopes: Sequence[Scope]) -> Scope:
    """All that any of the scopes holds."""
    return Scope(
        everything=any(scope.everything for scope in scopes),
        units=frozenset[UnitId]().union(*(scope.units for scope in scopes)),
        operators=frozenset({operator for scope in scopes for operator in scope.operators}),
        stores=frozenset({store for scope in scopes for store in scope.stores}),
    )


def grow(paths: Mapping[UnitId, Sequence[UnitId]], root: UnitId, new: Sequence[NewUnit]) -> list[list[UnitId]]:
    """The paths of new units, each under an existing one or under one before it in the list."""
    known = dict(paths)
    grown: list[list[UnitId]] = []
    for unit in new:
        parent = unit.parent_id or root
        if parent not in known:
            raise NoSuchUnit(parent)
        path = [*known[parent], unit.unit_id]
        if len(path) > MAX_DEPTH:
            raise TreeTooDeep(MAX_DEPTH)
        known[unit.unit_id] = path
        grown.append(path)
    return grown


def check_move(unit_id: UnitId, path: Sequence[UnitId], to_path: Sequence[UnitId], *, deepest: int) -> None:
    """Raise UnitCycle or TreeTooDeep; `deepest` is the longest path below the unit."""
    if unit_id in to_path:
        raise UnitCycle(unit_id, to_path[-1])
    if len(to_path) + 1 + deepest - len(path) > MAX_DEPTH:
        raise TreeTooDeep(MAX_DEPTH)


def changed(before: S, change: msgspec.Struct, *, seen: int | None) -> tuple[S, list[str]]:
    """The struct as it is to be, and the names of the fields that differ. Raises ChangedMeanwhile."""
    version = cast("Versioned", before).version
    if seen is not None and seen != version:
        raise ChangedMeanwhile(seen, version)
    given: dict[str, Any] = {
        name: value
        for name in change.__struct_fields__
        if (value := getattr(change, name)) is not UNSET and value != getattr(before, name)
    }
    if not given:
        return before, []
    return msgspec.structs.replace(before, **given, version=version + 1), sorted(given)
