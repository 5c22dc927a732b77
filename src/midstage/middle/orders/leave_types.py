"""The words of leaving a store with goods that one scanned and paid oneself."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from midstage.kit.refusals import Conflict, NotFound, Text
from midstage.middle.orders.types import Kind, Line, Order, OrderId
from midstage.middle.organisation import api as organisation


class SelfService(msgspec.Struct, frozen=True, kw_only=True):
    """How a store lets shoppers scan and pay by themselves."""

    enabled: bool = True
    check_percent: int = 5
    """Of so many in a hundred the goods are looked at when they leave, chosen by chance."""
    check_from_minor: int = 0
    """From this total on all are looked at; 0: none for that alone."""
    code_minutes: int = 15
    """How long a code opens the door; afterwards another is shown."""


SELF_SERVICE = organisation.declare(
    organisation.Policy("self_service", SelfService, Text(zh="扫码购与自助收银", en="Scan-and-go and kiosks"))
)


class PassState(StrEnum):
    """Shown to the shopper; open, while somebody looks at the goods; left the store."""

    SHOWN = "shown"
    CHECKING = "checking"
    LEFT = "left"


class LeaveCode(msgspec.Struct, frozen=True):
    """What the shopper shows at the door. Only she has it: we keep what it hashes to."""

    code: str
    expires_at: datetime


class LeavePass(msgspec.Struct, frozen=True, kw_only=True):
    """A pass as the door sees it."""

    order_id: OrderId
    store_id: organisation.StoreId
    state: PassState
    to_check: bool
    opened_at: datetime | None
    check_ok: bool | None


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """What the door is told: let her go, or look at these goods first."""

    order: Order
    state: PassState
    lines: Sequence[Line]


class SelfServiceOff(Conflict):
    """In this store nobody scans and pays by themselves."""

    text = Text(zh="本店未开通自助购物", en="This store has no self-service.")
    store_id: UUID


class NothingToLeaveWith(Conflict):
    """Only with an order that was scanned in a store and is paid does one leave it."""

    text = Text(
        zh="该订单（{kind}，{state}）没有离店码",
        en="There is no leave code for this order: it is a {kind} order and {state}.",
    )
    kind: Kind
    state: str


class LeaveCodeUnknown(NotFound):
    """Nothing opens for this code in this store: it is wrong, or of another store."""

    text = Text(zh="离店码无效或不属于本店", en="This code opens nothing in this store.")


class LeaveCodeExpired(Conflict):
    """A code opens for some minutes; the shopper shows another."""

    text = Text(zh="离店码已过期，请刷新", en="This code is over; show a new one.")


class LeaveCodeUsed(Conflict):
    """A code opens once."""

    text = Text(zh="该订单已于 {at} 离店", en="With this order somebody left at {at} already.")
    at: datetime


class NotChecking(Conflict):
    """Nobody waits at the door with this order."""

    text = Text(zh="该订单不在离店核查中", en="Nobody waits at the door with this order.")
    order_id: UUID
