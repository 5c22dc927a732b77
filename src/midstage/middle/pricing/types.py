"""The words of pricing."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

from midstage.kit.refusals import Conflict, Invalid, NotFound, Text
from midstage.middle.catalogue import api as catalogue
from midstage.middle.organisation import api as organisation

PriceListId = NewType("PriceListId", UUID)


class Rule(StrEnum):
    """By what a price was found: the most particular part of the winning list's scope, or the list price itself."""

    STORE = "store"
    OWN = "own"
    """The store's own price, within the band of the goods policy."""
    OPERATOR = "operator"
    UNIT = "unit"
    LEVEL = "level"
    CHANNEL = "channel"
    BRAND = "brand"
    LIST_PRICE = "list_price"


class PriceListState(StrEnum):
    DRAFT = "draft"
    LIVE = "live"
    ENDED = "ended"


class PriceContext(msgspec.Struct, frozen=True):
    """The sale that is to be priced: by which channel, in which store, whose it is, for a member of which level.

    `unit_path` leads from the root of the organisation down to the store's unit.
    """

    sales_channel: str
    store_id: organisation.StoreId
    unit_path: Sequence[organisation.UnitId]
    operator_id: organisation.OperatorId
    level: str | None = None


class Scope(msgspec.Struct, frozen=True):
    """Where and for whom a price list holds: every part that is given must fit; none at all holds everywhere."""

    sales_channel: str | None = None
    store_id: organisation.StoreId | None = None
    operator_id: organisation.OperatorId | None = None
    unit_id: organisation.UnitId | None = None
    level: str | None = None


class PriceListDraft(msgspec.Struct, frozen=True):
    """A price list to create. Without an end it holds until it is ended."""

    code: str
    name: catalogue.Name
    currency: str
    starts_at: datetime
    ends_at: datetime | None = None
    scope: Scope = Scope()
    rank: int = 0


class PriceList(msgspec.Struct, frozen=True):
    """Prices of some skus, for a scope and a period; `rank` decides between lists of equal scope."""

    price_list_id: PriceListId
    code: str
    name: catalogue.Name
    currency: str
    scope: Scope
    starts_at: datetime
    ends_at: datetime | None
    rank: int
    state: PriceListState
    version: int


class PriceListChange(msgspec.Struct, frozen=True):
    """What to change of a price list; what is left out stays."""

    code: str | msgspec.UnsetType = msgspec.UNSET
    name: catalogue.Name | msgspec.UnsetType = msgspec.UNSET
    scope: Scope | msgspec.UnsetType = msgspec.UNSET
    starts_at: datetime | msgspec.UnsetType = msgspec.UNSET
    ends_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    rank: int | msgspec.UnsetType = msgspec.UNSET


class PriceListFilters(msgspec.Struct, frozen=True):
    """Which price lists; every one that is given must fit."""

    state: PriceListState | None = None
    store_id: organisation.StoreId | None = None
    sales_channel: str | None = None
    level: str | None = None


class BasePrice(msgspec.Struct, frozen=True):
    """The list price (吊牌价) of a sku, and what the brand supplies it for (供货价) where that is known."""

    sku_id: catalogue.SkuId
    list_minor: int
    currency: str
    supply_minor: int | None = None


class OwnPrice(msgspec.Struct, frozen=True):
    """What a store asks of its own for a sku, and who set it when."""

    store_id: organisation.StoreId
    sku_id: catalogue.SkuId
    unit_minor: int
    currency: str
    by_kind: str
    by_id: UUID
    at: datetime


class Band(msgspec.Struct, frozen=True):
    """Within what a store's own price must lie: percent of the list price, and what that comes to."""

    low_percent: int
    high_percent: int
    lowest_minor: int
    highest_minor: int

    def holds(self, minor: int) -> bool:
        return self.lowest_minor <= minor <= self.highest_minor


class OutOfBand(msgspec.Struct, frozen=True):
    """A store's own price that no longer holds: the list price or the band has moved, or there is no band any more."""

    own: OwnPrice
    list_minor: int | None
    band: Band | None
    since: datetime
    """When it was set, or its list price was; the policy may have changed later."""


class OwnPriceFilters(msgspec.Struct, frozen=True):
    """Which own prices. `stores` are those within reach, None all."""

    store_id: organisation.StoreId | None = None
    sku_id: catalogue.SkuId | None = None
    stores: frozenset[organisation.StoreId] | None = None


class Entry(msgspec.Struct, frozen=True):
    """What a sku costs in a price list."""

    sku_id: catalogue.SkuId
    unit_minor: int


class Quote(msgspec.Struct, frozen=True):
    """The price of one unit; `version` is the price version that it was read under, for `confirm`."""

    unit_minor: int
    currency: str
    list_minor: int
    price_list_id: PriceListId | None
    rule: Rule
    version: int


class Candidate(msgspec.Struct, frozen=True):
    """A price that was looked at, and why it won or did not."""

    price_list_id: PriceListId | None
    code: str
    name: catalogue.Name
    unit_minor: int
    currency: str
    rule: Rule
    won: bool
    reason_zh: str
    reason_en: str


class PricesChanged(Conflict):
    """Prices changed after the cart was priced; look at it again."""

    text = Text(zh="价格已更新，请重新确认", en="Prices have changed; look at the cart again.")
    seen: int


class NotPriced(Conflict):
    """The sku has no list price, so it cannot be sold nor stand in a price list."""

    text = Text(zh="商品 {sku} 没有吊牌价", en="{sku} has no list price.")
    sku: str


class PriceWrong(Invalid):
    """A price is not negative and below ten thousand million."""

    text = Text(zh="商品 {sku} 的价格 {minor} 无效", en="The price {minor} of {sku} is not possible.")
    sku: str
    minor: int


class PricedTwice(Invalid):
    """The same sku stands in one change more than once."""

    text = Text(zh="商品 {sku} 在同一批价格中出现多次", en="{sku} stands more than once in one change of prices.")
    sku: str


class PriceCurrencyWrong(Invalid):
    """A currency is three capital letters, and that of a price list is that of its skus' list prices."""

    text = Text(
        zh="币种 {currency} 无效，或与商品吊牌价的币种不同",
        en="{currency} is no currency, or not that of the list price.",
    )
    currency: str


class PriceListPeriodWrong(Invalid):
    """A price list ends after it starts."""

    text = Text(zh="价目表的结束时间必须晚于开始时间", en="A price list ends after it starts.")


class NoSuchPriceList(NotFound):
    """There is no such price list."""

    text = Text(zh="没有这个价目表", en="There is no such price list.")
    price_list: str


class PriceListCodeTaken(Conflict):
    """Another price list has this code."""

    text = Text(zh="价目表编码 {price_list} 已存在", en="Another price list has the code {price_list}.")
    price_list: str


class PriceListStateWrong(Conflict):
    """The price list is in a state from which this cannot be done: an ended one stays as it was."""

    text = Text(
        zh="价目表 {price_list} 当前状态为 {state}，不能执行该操作",
        en="The price list {price_list} is {state}; this cannot be done.",
    )
    price_list: str
    state: str


class PriceListChangedMeanwhile(Conflict):
    """Somebody else changed the price list after it was read."""

    text = Text(
        zh="价目表 {price_list} 已被他人修改，请刷新后重试",
        en="Somebody else changed the price list {price_list}; look again.",
    )
    price_list: str
    seen: int


class OwnPricesNotAllowed(Conflict):
    """The goods policy of the store lets it set no prices of its own."""

    text = Text(
        zh="门店适用的商品策略不允许自定价", en="The goods policy of the store lets it set no prices of its own."
    )
    store: str


class PriceOutOfBand(Conflict):
    """A store's own price lies within the band that the goods policy sets around the list price."""

    text = Text(
        zh="商品 {sku} 的自定价 {minor} 超出价格带：吊牌价 {list_minor} 的 {low_percent}%–{high_percent}%，即 {lowest_minor} 至 {highest_minor}（最小货币单位）",
        en="{minor} for {sku} is out of the band of {low_percent} to {high_percent} % of the list price {list_minor}: from {lowest_minor} to {highest_minor} (minor units).",
    )
    sku: str
    minor: int
    list_minor: int
    low_percent: int
    high_percent: int
    lowest_minor: int
    highest_minor: int
