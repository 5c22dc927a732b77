"""Listing: headquarters lists and withholds, stores opt out, and where a sku is sold."""

from collections.abc import Iterable, Sequence

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import Page, PageRequest
from midstage.middle.catalogue import listing_rules, rules, store
from midstage.middle.catalogue.facts import ListingsChanged
from midstage.middle.catalogue.listing_types import (
    Listing,
    ListingDraft,
    ListingFilters,
    ListingId,
    ListingKind,
    ListingScope,
    Selling,
)
from midstage.middle.catalogue.policy import GOODS
from midstage.middle.catalogue.refusals import (
    ListingScopeWrong,
    NoSuchListing,
    NoSuchProduct,
    OptOutNotAllowed,
)
from midstage.middle.catalogue.types import ProductId, SkuId
from midstage.middle.organisation import api as organisation

MAX_REASON = 200
FACT = 500
_SHOWN = 20
_ALL = ListingFilters()
_FIRST = PageRequest()


async def listings(tx: Tx, filters: ListingFilters = _ALL, page: PageRequest = _FIRST) -> Page[Listing]:
    """Rows of listing, the oldest first."""
    return page.page(await store.list_listings(tx, filters, page), _place)


async def listing(tx: Tx, listing_id: ListingId) -> Listing:
    """One row. Raises NoSuchListing."""
    found = await store.read_listings(tx, [listing_id])
    if not found:
        raise NoSuchListing(str(listing_id))
    return found[0]


async def list_goods(tx: Tx, drafts: Sequence[ListingDraft]) -> list[Listing]:
    """Write rows of listing, all or none; returns those that are new or have another reason than before.

    Raises NoSuchProduct, ListingScopeWrong, OptOutNotAllowed, CatalogueTextWrong, and NoSuchStore, NoSuchOperator or
    NoSuchUnit for a scope that there is not.
    """
    distinct = {(one.product_id, one.kind, one.scope): one for one in drafts}
    for draft in distinct.values():
        check(draft)
    await _check_scopes(tx, [draft.scope for draft in distinct.values()])
    await _check_opt_outs(tx, [draft for draft in distinct.values() if draft.kind is ListingKind.OPTED_OUT])
    products = sorted({draft.product_id for draft in distinct.values()})
    held = await store.lock_products(tx, products)
    missing = next((one for one in products if one not in held), None)
    if missing is not None:
        raise NoSuchProduct(str(missing))
    written = await store.insert_listings(tx, list(distinct.values())) if distinct else []
    _tell(tx, written, "catalogue.list_goods")
    return written


async def unlist_goods(tx: Tx, listing_ids: Sequence[ListingId]) -> list[Listing]:
    """Take rows of listing out; returns those that were there."""
    found = await store.read_listings(tx, listing_ids)
    if not found:
        return []
    products = sorted({one.product_id for one in found})
    await store.lock_products(tx, products)
    gone = await store.delete_listings(tx, [one.listing_id for one in found], products)
    _tell(tx, gone, "catalogue.unlist_goods", removed=True)
    return gone


async def opt_out(
    tx: Tx,
    store_id: organisation.StoreId,
    product_ids: Sequence[ProductId],
    *,
    reason: str,
    sales_channel: str | None = None,
) -> list[Listing]:
    """A store no longer wants to sell products, by all channels or one. Raises as list_goods."""
    scope = ListingScope(sales_channel=sales_channel, store_id=store_id)
    drafts = [ListingDraft(one, ListingKind.OPTED_OUT, scope, reason) for one in product_ids]
    return await list_goods(tx, drafts)


async def opt_in(
    tx: Tx, store_id: organisation.StoreId, product_ids: Sequence[ProductId], *, sales_channel: str | None = None
) -> list[Listing]:
    """A store wants products after all: its opt-outs go, of one channel or all; returns those that there were."""
    rows = await store.read_listings_of(tx, product_ids, [store_id])
    mine = [
        one.listing_id
        for one in rows
        if one.kind is ListingKind.OPTED_OUT and sales_channel in (None, one.scope.sales_channel)
    ]
    return await unlist_goods(tx, mine)


async def sold_in(
    tx: Tx, sku_id: SkuId, stores: Iterable[organisation.Store], *, sales_channel: str
) -> frozenset[organisation.StoreId]:
    """In which of these stores a sku is sold by a channel; three statements at most, however many stores."""
    asked = list(stores)
    goods = (await store.read_goods(tx, [sku_id], [one.store_id for one in asked])).get(sku_id)
    if goods is None:
        return frozenset()
    standings = await organisation.standings_of(tx, GOODS, asked if goods.restricted else [])
    plain = organisation.Standing(GOODS.settings(), None)
    return frozenset(
        one.store_id
        for one in asked
        if listing_rules.against(
            listing_rules.judge(goods, Selling(one, sales_channel), standings.get(one.store_id, plain))
        )
        is None
    )


def check(draft: ListingDraft) -> None:
    """What can be known of a row by itself. Raises ListingScopeWrong, CatalogueTextWrong."""
    scope = draft.scope
    rules.check_text("reason", draft.reason, MAX_REASON, empty=draft.kind is not ListingKind.OPTED_OUT)
    if scope.sales_channel is not None:
        rules.check_code("sales_channel", scope.sales_channel)
    by_store = scope.store_id is not None and scope.operator_id is None and scope.unit_id is None
    if draft.kind is ListingKind.OPTED_OUT and not by_store:
        raise ListingScopeWrong(str(draft.product_id))


async def _check_scopes(tx: Tx, scopes: Sequence[ListingScope]) -> None:
    await organisation.check_scope(
        tx,
        organisation.Scope(
            units=frozenset(scope.unit_id for scope in scopes if scope.unit_id is not None),
            operators=frozenset(scope.operator_id for scope in scopes if scope.operator_id is not None),
            stores=frozenset(scope.store_id for scope in scopes if scope.store_id is not None),
        ),
    )


async def _check_opt_outs(tx: Tx, drafts: Sequence[ListingDraft]) -> None:
    ids = sorted({draft.scope.store_id for draft in drafts if draft.scope.store_id is not None})
    if not ids:
        return
    stores = await organisation.stores(tx, ids)
    standings = await organisation.standings_of(tx, GOODS, stores.values())
    for store_id in ids:
        if not standings[store_id].settings.opt_out:
            raise OptOutNotAllowed(str(store_id))


def _tell(tx: Tx, rows: Sequence[Listing], action: str, *, removed: bool = False) -> None:
    if not rows:
        return
    change_id = new_id()
    for start in range(0, len(rows), FACT):
        products = sorted({one.product_id for one in rows[start : start + FACT]})
        tx.tell(ListingsChanged(change_id=change_id, product_ids=list(products), removed=removed))
    shown = {"count": len(rows), "rows": list(rows[:_SHOWN])}
    tx.note(action, "listing", change_id, before=shown if removed else None, after=None if removed else shown)


def _place(row: Listing) -> tuple[ListingId]:
    return (row.listing_id,)
