"""Where products are sold: headquarters lists and withholds, stores opt out, and why something is not sold somewhere."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import NeedsWholeBrand, reach, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import Short
from midstage.fronts.console.categories import READ, WRITE, Code, as_of
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation

TAGS = ["console: listing"]
LIST = "catalogue.list"
MAX_PRODUCTS = 200
LISTING_FAULTS = (
    access.OutOfScope,
    NeedsWholeBrand,
    catalogue.NoSuchProduct,
    catalogue.ListingScopeWrong,
    catalogue.OptOutNotAllowed,
    catalogue.CatalogueTextWrong,
    organisation.NoSuchStore,
    organisation.NoSuchOperator,
    organisation.NoSuchUnit,
)
Ids = Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=MAX_PRODUCTS)]
Why = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class ListingScopeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a row holds: every part that is given must fit; none at all holds everywhere."""

    sales_channel: Code | None = None
    store_id: UUID | None = None
    operator_id: UUID | None = None
    unit_id: UUID | None = None


class ListGoods(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Products to list (sold only where such a row fits) or to withhold (not sold where it fits)."""

    product_ids: Ids
    kind: catalogue.ListingKind
    scope: ListingScopeBody = ListingScopeBody()
    reason: Short = ""


class UnlistGoods(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rows to take out."""

    listing_ids: Ids


class OptOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a store no longer wants to sell, and why; by one channel, or by all."""

    product_ids: Ids
    reason: Why
    sales_channel: Code | None = None


class OptIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a store wants to sell after all."""

    product_ids: Ids
    sales_channel: Code | None = None


class RowsMoved(msgspec.Struct, frozen=True):
    """How many rows of listing are other than before."""

    changed: int


class ReasonView(msgspec.Struct, frozen=True):
    """What a rule says: for it, against it, or that it would but for something else; `decided` is what counts."""

    rule: catalogue.Rule
    allows: bool | None
    decided: bool
    zh: str
    en: str
    at: datetime | None
    by: str | None
    """Who wrote the row that speaks, where somebody of the staff did."""


@reading("/listings", tags=TAGS, needs=READ, refuses=(access.OutOfScope,))
async def listings(
    tx: Tx,
    staff: Staff,
    product_id: UUID | None = None,
    kind: catalogue.ListingKind | None = None,
    store_id: UUID | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[catalogue.Listing]:
    """Rows of listing, the oldest first. Who sees a part of the organisation sees the rows of its stores."""
    within = await reach(tx, staff, READ)
    filters = catalogue.ListingFilters(
        product_id=catalogue.ProductId(product_id) if product_id else None, kind=kind, stores=within.narrowed(store_id)
    )
    return await catalogue.listings(tx, filters, PageRequest(after, limit))


@changing("POST", "/listings", once=True, tags=TAGS, needs=WRITE, refuses=LISTING_FAULTS)
async def list_goods(data: ListGoods, tx: Tx, staff: Staff) -> RowsMoved:
    """List products for channels, stores, operators or regions, or withhold them there."""
    whole_brand(staff, WRITE)
    scope = as_of(catalogue.ListingScope, data.scope)
    drafts = [
        catalogue.ListingDraft(catalogue.ProductId(one), data.kind, scope, data.reason) for one in data.product_ids
    ]
    return RowsMoved(len(await catalogue.list_goods(tx, drafts)))


@changing("POST", "/listings/remove", once=True, tags=TAGS, needs=WRITE, refuses=(NeedsWholeBrand,))
async def unlist_goods(data: UnlistGoods, tx: Tx, staff: Staff) -> RowsMoved:
    """Take rows out; a product without any is sold everywhere again."""
    whole_brand(staff, WRITE)
    return RowsMoved(len(await catalogue.unlist_goods(tx, [catalogue.ListingId(one) for one in data.listing_ids])))


@changing("POST", "/stores/{store_id:uuid}/opt-outs", once=True, tags=TAGS, needs=LIST, refuses=LISTING_FAULTS)
async def opt_out(store_id: UUID, data: OptOut, tx: Tx, staff: Staff) -> RowsMoved:
    """Opt a store out of products, where its goods policy lets it."""
    (await reach(tx, staff, LIST)).need(store_id)
    done = await catalogue.opt_out(
        tx,
        organisation.StoreId(store_id),
        [catalogue.ProductId(one) for one in data.product_ids],
        reason=data.reason,
        sales_channel=data.sales_channel,
    )
    return RowsMoved(len(done))


@changing("POST", "/stores/{store_id:uuid}/opt-ins", once=True, tags=TAGS, needs=LIST, refuses=LISTING_FAULTS)
async def opt_in(store_id: UUID, data: OptIn, tx: Tx, staff: Staff) -> RowsMoved:
    """Take a store's opt-outs back."""
    (await reach(tx, staff, LIST)).need(store_id)
    at = await organisation.one_store(tx, organisation.StoreId(store_id))
    products = [catalogue.ProductId(one) for one in data.product_ids]
    return RowsMoved(len(await catalogue.opt_in(tx, at.store_id, products, sales_channel=data.sales_channel)))


@reading("/stores/{store_id:uuid}/why", tags=TAGS, needs=READ, refuses=(access.OutOfScope, organisation.NoSuchStore))
async def why_here(
    store_id: UUID, sku_id: UUID, tx: Tx, staff: Staff, sales_channel: Code = "mall", level: Code | None = None
) -> list[ReasonView]:
    """Why is this not sold here? Every rule that has a say, in order, and the one that decided."""
    (await reach(tx, staff, READ)).need(store_id)
    reasons = await orders.why_here(
        tx,
        catalogue.SkuId(sku_id),
        organisation.StoreId(store_id),
        sales_channel=sales_channel,
        level=level,
    )
    return [
        ReasonView(one.rule, one.allows, one.decided, one.zh, one.en, one.at, await _who(tx, one)) for one in reasons
    ]


async def _who(tx: Tx, reason: catalogue.Reason) -> str | None:
    if reason.by_kind != "staff" or reason.by_id is None:
        return None
    try:
        return (await organisation.staff(tx, organisation.StaffId(reason.by_id))).name
    except organisation.NoSuchStaff:
        return None


HANDLERS: list[HTTPRouteHandler] = [listings, list_goods, unlist_goods, opt_out, opt_in, why_here]
