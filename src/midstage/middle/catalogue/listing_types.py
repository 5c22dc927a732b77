"""The words of listing: where a product is sold, by whose word, and why not."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NewType, TypeAlias
from uuid import UUID

import msgspec

from midstage.middle.catalogue.ids import ProductId
from midstage.middle.catalogue.policy import GoodsPolicy
from midstage.middle.organisation import api as organisation

ListingId = NewType("ListingId", UUID)


class ListingKind(StrEnum):
    """What a row says of a product: sold only here (and where other such rows fit), not sold here, not wanted here."""

    LISTED = "listed"
    WITHHELD = "withheld"
    OPTED_OUT = "opted_out"


class ListingScope(msgspec.Struct, frozen=True):
    """Where a row holds: every part that is given must fit; none at all holds everywhere."""

    sales_channel: str | None = None
    store_id: organisation.StoreId | None = None
    operator_id: organisation.OperatorId | None = None
    unit_id: organisation.UnitId | None = None


class Listing(msgspec.Struct, frozen=True):
    """One row, with who wrote it and when."""

    listing_id: ListingId
    product_id: ProductId
    kind: ListingKind
    scope: ListingScope
    reason: str
    by_kind: str
    by_id: UUID
    at: datetime


class ListingDraft(msgspec.Struct, frozen=True):
    """A row to write."""

    product_id: ProductId
    kind: ListingKind
    scope: ListingScope = ListingScope()
    reason: str = ""


class ListingFilters(msgspec.Struct, frozen=True):
    """Which rows; every part that is given must fit. `stores` are those within reach, None all."""

    product_id: ProductId | None = None
    kind: ListingKind | None = None
    store_id: organisation.StoreId | None = None
    stores: frozenset[organisation.StoreId] | None = None


class Selling(msgspec.Struct, frozen=True):
    """Where something is to be sold: in this store, by this channel."""

    store: organisation.Store
    sales_channel: str

    def fits(self, scope: ListingScope) -> bool:
        """Whether a row of that scope holds here."""
        return (
            scope.sales_channel in (None, self.sales_channel)
            and scope.store_id in (None, self.store.store_id)
            and scope.operator_id in (None, self.store.operator_id)
            and (scope.unit_id is None or scope.unit_id in self.store.unit_path)
        )


class Owner(msgspec.Struct, frozen=True):
    """Whose own a product is: a store's, or an operator's with all of its stores."""

    store_id: organisation.StoreId | None = None
    operator_id: organisation.OperatorId | None = None

    def holds(self, store: organisation.Store) -> bool:
        """Whether a store may sell it as its own."""
        return self.store_id == store.store_id or self.operator_id == store.operator_id


class Goods(msgspec.Struct, frozen=True):
    """What listing looks at of a sku. `rows` are at least those that fit; `limited`: some row of kind listed exists."""

    live: bool
    unready_parts: Sequence[str] = ()
    """The codes of the parts of a bundle that are not on sale."""
    owner: Owner | None = None
    rows: Sequence[Listing] = ()
    limited: bool = False

    @property
    def restricted(self) -> bool:
        """Whether anything but the state has a say."""
        return self.owner is not None or self.limited or bool(self.rows)


Standing: TypeAlias = organisation.Standing[GoodsPolicy]


class Rule(StrEnum):
    """By what something is sold somewhere, or is not. The last four are looked at by orders."""

    LIVE = "live"
    PARTS = "parts"
    OWN_GOODS = "own_goods"
    POLICY = "policy"
    WITHHELD = "withheld"
    LISTED = "listed"
    OPTED_OUT = "opted_out"
    EVERYWHERE = "everywhere"
    STORE = "store"
    PRICE = "price"
    STOCK = "stock"
    UNKNOWN = "unknown"


class Reason(msgspec.Struct, frozen=True):
    """What a rule says: for it (True), against it (False), or that it would but for something else (None).

    `decided` marks the one that the answer rests on. `at` and `by_id` are of the row that speaks, where one does.
    """

    rule: Rule
    allows: bool | None
    zh: str
    en: str
    decided: bool = False
    at: datetime | None = None
    by_kind: str = ""
    by_id: UUID | None = None
