"""Prices: list and supply prices, price lists and what stands in them, and why something costs what it does."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from msgspec import UNSET, UnsetType

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import NeedsWholeBrand, reach, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import BadDate, Minor, Moment, Rank, Version, moment
from midstage.fronts.console.catalogue import Code, NameBody, as_of
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing

TAGS = ["console: pricing"]
READ, WRITE = "pricing.read", "pricing.write"
MAX_ROWS = 1000
LIST_FAULTS = (
    access.OutOfScope,
    NeedsWholeBrand,
    BadDate,
    pricing.NoSuchPriceList,
    pricing.PriceListCodeTaken,
    pricing.PriceListPeriodWrong,
    pricing.PriceListStateWrong,
    pricing.PriceListChangedMeanwhile,
    pricing.PriceCurrencyWrong,
    catalogue.CatalogueTextWrong,
    organisation.NoSuchStore,
    organisation.NoSuchOperator,
    organisation.NoSuchUnit,
    members.NoSuchLevel,
)
ENTRY_FAULTS = (
    access.OutOfScope,
    NeedsWholeBrand,
    pricing.NoSuchPriceList,
    pricing.PriceListStateWrong,
    pricing.PriceWrong,
    pricing.PricedTwice,
    pricing.NotPriced,
    pricing.PriceCurrencyWrong,
)
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
InState = Annotated[pricing.PriceListState | None, QueryParameter(name="state")]
SkuIds = Annotated[list[UUID], QueryParameter(name="sku_id"), msgspec.Meta(min_length=1, max_length=100)]


class BasePriceBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The list price (吊牌价) of a sku, and what the brand supplies it for (供货价) where that is known."""

    sku_id: UUID
    list_minor: Minor
    currency: Currency
    supply_minor: Minor | None = None


class SetBasePrices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices of up to a thousand skus; all are set, or none."""

    prices: Annotated[list[BasePriceBody], msgspec.Meta(min_length=1, max_length=MAX_ROWS)]


class ScopeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where and for whom a price list holds: every part that is given must fit; none at all holds everywhere."""

    sales_channel: Code | None = None
    store_id: UUID | None = None
    operator_id: UUID | None = None
    unit_id: UUID | None = None
    level: Code | None = None


class NewPriceList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A price list, as a draft. Without an end it holds until it is ended."""

    code: Code
    name: NameBody
    currency: Currency
    starts_at: Moment
    ends_at: Moment | None = None
    scope: ScopeBody = ScopeBody()
    rank: Rank = 0


class ChangePriceList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a price list is to change; what is left out stays."""

    code: Code | UnsetType = UNSET
    name: NameBody | UnsetType = UNSET
    scope: ScopeBody | UnsetType = UNSET
    starts_at: Moment | UnsetType = UNSET
    ends_at: Moment | UnsetType | None = UNSET
    rank: Rank | UnsetType = UNSET


class EntryBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a sku costs in a price list."""

    sku_id: UUID
    unit_minor: Minor


class SetEntries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices of up to a thousand skus; all are set, or none."""

    entries: Annotated[list[EntryBody], msgspec.Meta(min_length=1, max_length=MAX_ROWS)]


class RemoveEntries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which skus are no longer to stand in a price list."""

    sku_ids: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=MAX_ROWS)]


class PricesMoved(msgspec.Struct, frozen=True):
    """How many prices are other than before."""

    changed: int


@reading("/base-prices", tags=TAGS, needs=READ)
async def base_prices(
    sku_ids: SkuIds,
    tx: Tx,
    staff: Staff,  # noqa: ARG001  # the caller is who may ask
) -> list[pricing.BasePrice]:
    """List and supply prices of these skus; those without are left out."""
    found = await pricing.base_prices(tx, _skus(sku_ids))
    return [found[sku_id] for sku_id in sorted(found)]


@changing(
    "PUT",
    "/base-prices",
    tags=TAGS,
    needs=WRITE,
    refuses=(
        access.OutOfScope,
        NeedsWholeBrand,
        catalogue.NoSuchSku,
        pricing.PriceWrong,
        pricing.PricedTwice,
        pricing.PriceCurrencyWrong,
    ),
)
async def set_base_prices(data: SetBasePrices, tx: Tx, staff: Staff) -> PricesMoved:
    """Set list and supply prices; carts are priced again by them at once."""
    whole_brand(staff, WRITE)
    return PricesMoved(await pricing.set_base_prices(tx, as_of(list[pricing.BasePrice], data.prices)))


@reading("/price-lists", tags=TAGS, needs=READ)
async def price_lists(
    tx: Tx,
    staff: Staff,  # noqa: ARG001  # the caller is who may ask
    in_state: InState = None,
    store_id: UUID | None = None,
    sales_channel: Code | None = None,
    level: Code | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[pricing.PriceList]:
    """Price lists, the newest first."""
    filters = pricing.PriceListFilters(
        state=in_state,
        store_id=organisation.StoreId(store_id) if store_id else None,
        sales_channel=sales_channel,
        level=level,
    )
    return await pricing.price_lists(tx, filters, PageRequest(after, limit))


@reading(
    "/price-lists/{price_list_id:uuid}", tags=TAGS, needs=READ, refuses=(access.OutOfScope, pricing.NoSuchPriceList)
)
async def price_list(
    price_list_id: UUID,
    tx: Tx,
    staff: Staff,  # noqa: ARG001  # the caller is who may ask
) -> pricing.PriceList:
    """One price list."""
    return await pricing.price_list(tx, pricing.PriceListId(price_list_id))


@changing("POST", "/price-lists", status=201, once=True, tags=TAGS, needs=WRITE, refuses=LIST_FAULTS)
async def create_price_list(data: NewPriceList, tx: Tx, staff: Staff) -> pricing.PriceList:
    """Create a price list; nothing costs anything else until it is published."""
    whole_brand(staff, WRITE)
    starts_at, ends_at = moment(data.starts_at), moment(data.ends_at) if data.ends_at else None
    draft = as_of(pricing.PriceListDraft, data)
    return await pricing.create_price_list(tx, msgspec.structs.replace(draft, starts_at=starts_at, ends_at=ends_at))


@changing("PATCH", "/price-lists/{price_list_id:uuid}", tags=TAGS, needs=WRITE, refuses=LIST_FAULTS)
async def change_price_list(
    price_list_id: UUID, data: ChangePriceList, tx: Tx, staff: Staff, seen: Version | None = None
) -> pricing.PriceList:
    """Change a price list; one that is live holds by its new scope and period at once."""
    whole_brand(staff, WRITE)
    starts_at = moment(data.starts_at) if isinstance(data.starts_at, datetime) else data.starts_at
    ends_at = moment(data.ends_at) if isinstance(data.ends_at, datetime) else data.ends_at
    given = as_of(pricing.PriceListChange, data)
    change = msgspec.structs.replace(given, starts_at=starts_at, ends_at=ends_at)
    return await pricing.change_price_list(tx, pricing.PriceListId(price_list_id), change, seen=seen)


@changing("POST", "/price-lists/{price_list_id:uuid}/publish", tags=TAGS, needs=WRITE, refuses=LIST_FAULTS)
async def publish_price_list(
    price_list_id: UUID, tx: Tx, staff: Staff, seen: Version | None = None
) -> pricing.PriceList:
    """Let a price list hold within its period."""
    whole_brand(staff, WRITE)
    return await pricing.publish_price_list(tx, pricing.PriceListId(price_list_id), seen=seen)


@changing("POST", "/price-lists/{price_list_id:uuid}/end", tags=TAGS, needs=WRITE, refuses=LIST_FAULTS)
async def end_price_list(price_list_id: UUID, tx: Tx, staff: Staff, seen: Version | None = None) -> pricing.PriceList:
    """End a price list at once and for good; it stays to be read."""
    whole_brand(staff, WRITE)
    return await pricing.end_price_list(tx, pricing.PriceListId(price_list_id), seen=seen)


@reading(
    "/price-lists/{price_list_id:uuid}/entries",
    tags=TAGS,
    needs=READ,
    refuses=(access.OutOfScope, pricing.NoSuchPriceList),
)
async def entries(
    price_list_id: UUID,
    tx: Tx,
    staff: Staff,  # noqa: ARG001  # the caller is who may ask
    after: str | None = None,
    limit: Limit = 50,
) -> Page[pricing.Entry]:
    """The prices of a list, by sku."""
    found = await pricing.price_list(tx, pricing.PriceListId(price_list_id))
    return await pricing.entries(tx, found.price_list_id, PageRequest(after, limit))


@changing("PUT", "/price-lists/{price_list_id:uuid}/entries", tags=TAGS, needs=WRITE, refuses=ENTRY_FAULTS)
async def set_entries(price_list_id: UUID, data: SetEntries, tx: Tx, staff: Staff) -> PricesMoved:
    """Set prices in a list, of skus that have a list price in its currency; the others in it stay."""
    whole_brand(staff, WRITE)
    new = as_of(list[pricing.Entry], data.entries)
    return PricesMoved(await pricing.set_entries(tx, pricing.PriceListId(price_list_id), new))


@changing("POST", "/price-lists/{price_list_id:uuid}/entries/remove", tags=TAGS, needs=WRITE, refuses=ENTRY_FAULTS)
async def remove_entries(price_list_id: UUID, data: RemoveEntries, tx: Tx, staff: Staff) -> PricesMoved:
    """Take skus out of a list."""
    whole_brand(staff, WRITE)
    return PricesMoved(await pricing.remove_entries(tx, pricing.PriceListId(price_list_id), _skus(data.sku_ids)))


@reading(
    "/skus/{sku_id:uuid}/why",
    tags=TAGS,
    needs=READ,
    refuses=(access.OutOfScope, organisation.NoSuchStore, pricing.NotPriced),
)
async def why_price(
    sku_id: UUID,
    tx: Tx,
    staff: Staff,
    store_id: UUID | None = None,
    sales_channel: Code = "mall",
    level: Code | None = None,
) -> list[pricing.Candidate]:
    """Every price that a sku could have in a store (the virtual one, if not said), the one it has first."""
    if store_id is None:
        at = (await organisation.virtual(tx)).store_id
    else:
        (await reach(tx, staff, READ)).need(store_id)
        at = organisation.StoreId(store_id)
    store = await organisation.one_store(tx, at)
    context = pricing.PriceContext(sales_channel, at, store.unit_path, store.operator_id, level)
    return await pricing.why(tx, context, catalogue.SkuId(sku_id), at=tx.now)


def _skus(sku_ids: Sequence[UUID]) -> list[catalogue.SkuId]:
    return [catalogue.SkuId(sku_id) for sku_id in sku_ids]


HANDLERS: list[HTTPRouteHandler] = [
    base_prices, set_base_prices, price_lists, price_list, create_price_list, change_price_list, publish_price_list,
    end_price_list, entries, set_entries, remove_entries, why_price,
]  # fmt: skip
