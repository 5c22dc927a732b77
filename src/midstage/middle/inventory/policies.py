"""What retailers decide of stock work: who may transfer to whom, what a count needs, when stock is low."""

from enum import StrEnum

import msgspec

from midstage.kit.database import Tx
from midstage.kit.refusals import Text
from midstage.middle.inventory.types import LocationId
from midstage.middle.organisation import api as organisation


class Between(StrEnum):
    """Between whom goods may be transferred."""

    OWN_OPERATOR = "own_operator"
    ANY_WITH_CONSENT = "any_with_consent"


class TransferPolicy(msgspec.Struct, frozen=True):
    """Of the giving store: to whom it gives, and whether within its operator somebody has to say yes first."""

    between: Between = Between.OWN_OPERATOR
    approval: bool = True


class CountPolicy(msgspec.Struct, frozen=True):
    """Above which value of differences, at supply price, a count needs the approval of somebody else; None: never."""

    approval_above_minor: int | None = 100_000


class DeliveryPolicy(msgspec.Struct, frozen=True):
    """By what percentage more than was expected may be taken in."""

    over_percent: int = 0


class AlarmPolicy(msgspec.Struct, frozen=True):
    """When stock is low: by category (code to thousandths), else a minimum, and at least so many days of recent sales.

    An alarm ends when `clear_percent` of the level is free again; it suggests to fill up to `refill_percent`.
    """

    min_milli: int | None = None
    by_category: dict[str, int] = {}
    cover_days: int | None = None
    recent_days: int = 28
    clear_percent: int = 120
    refill_percent: int = 200


TRANSFERS = organisation.declare(
    organisation.Policy("transfers", TransferPolicy, Text("调拨", "Transfers between stores"))
)
COUNTING = organisation.declare(organisation.Policy("counting", CountPolicy, Text("盘点", "Counting stock")))
GOODS_IN = organisation.declare(organisation.Policy("goods_in", DeliveryPolicy, Text("到货", "Incoming goods")))
STOCK_ALARMS = organisation.declare(
    organisation.Policy("stock_alarms", AlarmPolicy, Text("缺货预警", "Low-stock alarms"))
)


async def store_of(tx: Tx, location: LocationId) -> organisation.Store | None:
    """The store of a location, which choices may hang on."""
    store_id = organisation.StoreId(location)
    return (await organisation.stores(tx, [store_id])).get(store_id)
