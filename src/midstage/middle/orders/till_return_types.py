"""The words of goods that come back to a till."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from midstage.kit.refusals import Conflict, Forbidden, Text
from midstage.middle.orders.till_types import TillLine
from midstage.middle.orders.types import OrderId, Quantity
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments


class Condition(StrEnum):
    """Where goods that came back go: on sale again, aside because they are damaged, or they stayed with the shopper."""

    STOCK = "stock"
    DAMAGED = "damaged"
    KEPT = "kept"


class BackLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of a line of a receipt comes back."""

    line_no: Annotated[int, msgspec.Meta(ge=1, le=32_767)]
    quantity_milli: Quantity
    condition: Condition = Condition.STOCK


class LooseLine(TillLine, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What comes back without a receipt."""

    condition: Condition = Condition.STOCK


class TillRefunds(msgspec.Struct, frozen=True, kw_only=True):
    """What a cashier may give back alone; beyond it somebody else approves."""

    most_minor: int = 100_000
    """Of one receipt at a time."""
    within_days: int = 30
    """After the sale."""
    cash_instead_minor: int = 20_000
    """In cash, of what was not paid in cash."""
    without_receipt: bool = True
    without_receipt_minor: int = 20_000
    """At a time."""
    without_receipt_per_day_minor: int = 50_000
    """By one cashier, in a business day."""
    lowest_price_days: int = 30
    """Without a receipt the lowest price counts at which the store sold it within these days."""


TILL_REFUNDS = organisation.declare(
    organisation.Policy("till_refunds", TillRefunds, Text(zh="收银退货权限", en="What tills may give back"))
)


class ReturnedLine(msgspec.Struct, frozen=True):
    """What came back, and what was given for it."""

    line_no: int
    sku_id: UUID
    quantity_milli: int
    amount_minor: int
    condition: Condition


class TillReturn(msgspec.Struct, frozen=True, kw_only=True):
    """Goods that came back to a till."""

    return_id: UUID
    store_id: organisation.StoreId
    till_id: organisation.TouchpointId
    shift_id: payments.ShiftId
    business_date: date
    cashier_id: UUID
    order_id: OrderId | None
    refund_id: UUID | None
    currency: str
    amount_minor: int
    tax_minor: int
    reason: str
    returned_at: datetime
    lines: Sequence[ReturnedLine]
    exchange_of: OrderId | None = None
    approval_id: UUID | None = None


class ReturnTaken(msgspec.Struct, frozen=True, kw_only=True):
    """What a till took back, and how the money went: by which method how much; providers' parts are on their way."""

    taken: TillReturn
    by_method: dict[str, int]
    waiting_minor: int


class NotReturnable(Conflict):
    """Goods come back of an order that the shopper has; one that she has not is cancelled."""

    text = Text(
        zh="订单处于“{state}”，不能在收银台退货", en="The order is {state}; its goods cannot come back to a till."
    )
    state: str


class NoReturnsWithoutReceipt(Forbidden):
    """This store takes nothing back without a receipt."""

    text = Text(zh="本店不接受无小票退货", en="This store takes nothing back without a receipt.")


class OtherCurrency(Conflict):
    """An order is given back in its own currency, at a till that has it."""

    text = Text(
        zh="订单币种 {currency} 与本店不同", en="The order was paid in {currency}, which this store does not have."
    )
    currency: str
