"""A fact as a message to the outside: its body and its id. Pure."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

import msgspec

from midstage.kit.clock import Tenant
from midstage.kit.database import Record
from midstage.kit.facts import types as facts
from midstage.kit.facts.types import UnknownFactError

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_encode = msgspec.json.Encoder().encode


class FactMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A fact as others get it, by webhook or from the feed.

    `data` has the form of `version` of `type`. Facts of one `key` come in the order of their `number`.
    """

    id: str
    """The same each time that it is sent: what was seen before is dropped by it."""
    type: str
    version: int
    number: int
    key: UUID
    business_date: str
    at: datetime
    data: dict[str, Any]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A fact on its way to an endpoint."""

    number: int
    fact_id: int
    recorded_at: datetime
    key: UUID
    type: str
    attempts: int
    since: datetime | None
    change: FactMessage | None
    """None where the fact is past its retention: there is nothing left to send."""


def message_id(tenant: Tenant, number: int, at: datetime) -> str:
    """Brand and number say which fact; the moment keeps apart what a restored database numbers anew."""
    return f"fact_{_base36(tenant.brand)}_{number}_{_base36(int(at.timestamp() * 1_000_000))}"


def change(tenant: Tenant, row: Record) -> FactMessage:
    """A fact in the form of the present version, whichever it was stored in; in its own where we do not know it."""
    try:
        fact = facts.decode(row["type"], row["version"], row["payload"])
    except UnknownFactError:
        version, data = cast("int", row["version"]), msgspec.json.decode(row["payload"], type=dict[str, Any])
    else:
        version, data = fact.version, cast("dict[str, Any]", msgspec.to_builtins(fact))
    return FactMessage(
        id=message_id(tenant, row["number"], row["recorded_at"]),
        type=row["type"],
        version=version,
        number=row["number"],
        key=row["key"],
        business_date=row["business_date"].isoformat(),
        at=row["recorded_at"],
        data=data,
    )


def message(tenant: Tenant, row: Record, *, attempts: int = 0, since: datetime | None = None) -> Message:
    return Message(
        number=row["number"],
        fact_id=row["fact_id"],
        recorded_at=row["recorded_at"],
        key=row["key"],
        type=row["type"],
        attempts=attempts,
        since=since,
        change=None if row["payload"] is None else change(tenant, row),
    )


def body(of: FactMessage) -> bytes:
    return _encode(of)


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"
