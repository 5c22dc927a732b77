"""What pricing tells the world: every price before and after, a few hundred to a fact."""

from typing import ClassVar
from uuid import UUID

import msgspec

from midstage.kit.facts import Fact


class BaseChange(msgspec.Struct, frozen=True):
    """List and supply price of a sku; the earlier ones are null where it had none."""

    sku_id: UUID
    currency: str
    list_minor: int
    supply_minor: int | None
    earlier_list_minor: int | None
    earlier_supply_minor: int | None


class EntryChange(msgspec.Struct, frozen=True):
    """The price of a sku in a list; null where it has or had none."""

    sku_id: UUID
    unit_minor: int | None
    earlier_minor: int | None


class BasePricesChanged(Fact, frozen=True, kw_only=True):
    """List or supply prices were set."""

    subject: ClassVar[str] = "change_id"
    change_id: UUID
    price_version: int
    changes: list[BaseChange]


class EntriesChanged(Fact, frozen=True, kw_only=True):
    """Prices in a price list were set or taken out."""

    subject: ClassVar[str] = "price_list_id"
    price_list_id: UUID
    price_version: int
    changes: list[EntryChange]


class OwnPricesChanged(Fact, frozen=True, kw_only=True):
    """A store set prices of its own, or took them back."""

    subject: ClassVar[str] = "store_id"
    store_id: UUID
    price_version: int
    changes: list[EntryChange]


class PriceListChanged(Fact, frozen=True, kw_only=True):
    """A price list was created, changed, published or ended; its present state and version."""

    subject: ClassVar[str] = "price_list_id"
    price_list_id: UUID
    price_version: int
    list_version: int
    state: str
