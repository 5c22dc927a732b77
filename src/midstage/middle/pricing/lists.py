"""Price lists and what stands in them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import Page, PageRequest
from midstage.middle.catalogue import api as catalogue
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import rules, store
from midstage.middle.pricing.base import CHUNK, FACT, parts
from midstage.middle.pricing.facts import EntriesChanged, EntryChange, PriceListChanged
from midstage.middle.pricing.types import (
    Entry,
    NoSuchPriceList,
    NotPriced,
    PriceCurrencyWrong,
    PriceList,
    PriceListChange,
    PriceListChangedMeanwhile,
    PriceListDraft,
    PriceListFilters,
    PriceListId,
    PriceListState,
    PriceListStateWrong,
    Scope,
)

_ALL = PriceListFilters()
_FIRST = PageRequest()


async def price_list(tx: Tx, price_list_id: PriceListId) -> PriceList:
    """One price list. Raises NoSuchPriceList."""
    found = await store.read_list(tx, price_list_id)
    if found is None:
        raise NoSuchPriceList(str(price_list_id))
    return found


async def price_lists(tx: Tx, filters: PriceListFilters = _ALL, page: PageRequest = _FIRST) -> Page[PriceList]:
    """Price lists, newest first."""
    return page.page(await store.read_lists(tx, filters, page), _place_of_list)


async def entries(tx: Tx, price_list_id: PriceListId, page: PageRequest = _FIRST) -> Page[Entry]:
    """The prices of a list, by sku."""
    return page.page(await store.read_entries(tx, price_list_id, page), _place_of_entry)


async def create_price_list(tx: Tx, draft: PriceListDraft) -> PriceList:
    """Create a price list; nothing costs anything else until it is published.

    Raises PriceListCodeTaken, PriceListPeriodWrong, PriceCurrencyWrong, and NoSuch… for a scope that there is not.
    """
    found = PriceList(
        price_list_id=PriceListId(new_id()),
        code=draft.code,
        name=draft.name,
        currency=draft.currency,
        scope=draft.scope,
        starts_at=draft.starts_at,
        ends_at=draft.ends_at,
        rank=draft.rank,
        state=PriceListState.DRAFT,
        version=1,
    )
    _check(found)
    await _check_scope(tx, found.scope)
    await store.insert_list(tx, found)
    await _tell(tx, found, moved=False)
    tx.note("pricing.create_price_list", "price_list", found.price_list_id, after=found)
    return found


async def change_price_list(
    tx: Tx, price_list_id: PriceListId, change: PriceListChange, *, seen: int | None = None
) -> PriceList:
    """Change what is given. Raises PriceListChangedMeanwhile where `seen` is no longer its version."""
    return await _change(tx, price_list_id, seen, "pricing.change_price_list", **_given(change))


async def publish_price_list(tx: Tx, price_list_id: PriceListId, *, seen: int | None = None) -> PriceList:
    """Let the list hold within its period."""
    state = PriceListState.LIVE
    return await _change(tx, price_list_id, seen, "pricing.publish_price_list", state=state)


async def end_price_list(tx: Tx, price_list_id: PriceListId, *, seen: int | None = None) -> PriceList:
    """End the list at once and for good; it stays to be read."""
    state = PriceListState.ENDED
    return await _change(tx, price_list_id, seen, "pricing.end_price_list", state=state)


async def set_entries(tx: Tx, price_list_id: PriceListId, new: Sequence[Entry]) -> int:
    """Set prices in a list, of skus that have a list price in its currency; returns how many are other than before.

    Raises PriceWrong, PricedTwice, NotPriced, PriceCurrencyWrong, PriceListStateWrong; then none of them is set.
    """
    for entry in new:
        rules.check_minor(str(entry.sku_id), entry.unit_minor)
    rules.check_distinct([entry.sku_id for entry in new])
    found = await _open(tx, price_list_id)
    changes: list[EntryChange] = []
    for part in parts(new, CHUNK):
        unfit = await store.first_unfit(tx, [entry.sku_id for entry in part], found.currency)
        if unfit is not None:
            sku_id, unpriced = unfit
            raise NotPriced(str(sku_id)) if unpriced else PriceCurrencyWrong(found.currency)
        changes += await store.write_entries(tx, price_list_id, part)
    await _tell_entries(tx, found, changes)
    return len(changes)


async def remove_entries(tx: Tx, price_list_id: PriceListId, sku_ids: Sequence[catalogue.SkuId]) -> int:
    """Take skus out of a list; returns how many were in it."""
    found = await _open(tx, price_list_id)
    changes = [
        change for part in parts(sku_ids, CHUNK) for change in await store.delete_entries(tx, price_list_id, part)
    ]
    await _tell_entries(tx, found, changes)
    return len(changes)


async def _change(tx: Tx, price_list_id: PriceListId, seen: int | None, action: str, **fields: Any) -> PriceList:
    before = await _open(tx, price_list_id)
    if seen is not None and before.version != seen:
        raise PriceListChangedMeanwhile(before.code, seen)
    if before.state is fields.get("state"):
        raise PriceListStateWrong(before.code, before.state.value)
    after = msgspec.structs.replace(before, **fields, version=before.version + 1)
    _check(after)
    if after.scope != before.scope:
        await _check_scope(tx, after.scope)
    await store.write_list(tx, after)
    await _tell(tx, after, moved=PriceListState.LIVE in (before.state, after.state))
    tx.note(action, "price_list", price_list_id, before=before, after=after)
    return after


async def _open(tx: Tx, price_list_id: PriceListId) -> PriceList:
    """A price list that may be changed, held until the end of the transaction."""
    found = await store.lock_list(tx, price_list_id)
    if found is None:
        raise NoSuchPriceList(str(price_list_id))
    if found.state is PriceListState.ENDED:
        raise PriceListStateWrong(found.code, found.state.value)
    return found


def _check(found: PriceList) -> None:
    catalogue.check_code("code", found.code)
    catalogue.check_name("name", found.name)
    if found.scope.sales_channel is not None:
        catalogue.check_code("sales_channel", found.scope.sales_channel)
    rules.check_currency(found.currency)
    rules.check_period(found.starts_at, found.ends_at)


async def _check_scope(tx: Tx, scope: Scope) -> None:
    """Raises organisation's and members' NoSuch… for the part that the brand does not have."""
    if scope.store_id is not None:
        await organisation.one_store(tx, scope.store_id)
    if scope.operator_id is not None:
        await organisation.operator(tx, scope.operator_id)
    if scope.unit_id is not None:
        await organisation.unit(tx, scope.unit_id)
    if scope.level is not None and scope.level not in {level.code for level in await members.levels(tx)}:
        raise members.NoSuchLevel(scope.level)


async def _tell(tx: Tx, found: PriceList, *, moved: bool) -> None:
    tx.tell(
        PriceListChanged(
            price_list_id=found.price_list_id,
            price_version=await _version(tx, moved=moved),
            list_version=found.version,
            state=found.state.value,
        )
    )


async def _tell_entries(tx: Tx, found: PriceList, changes: Sequence[EntryChange]) -> None:
    if not changes:
        return
    price_version = await _version(tx, moved=found.state is PriceListState.LIVE)
    for part in parts(changes, FACT):
        told = EntriesChanged(price_list_id=found.price_list_id, price_version=price_version, changes=list(part))
        tx.tell(told)
    shown = {"count": len(changes), "prices": changes[:20]}
    tx.note("pricing.set_entries", "price_list", found.price_list_id, after=shown)


async def _version(tx: Tx, *, moved: bool) -> int:
    """A draft changes no quote, so it does not send carts back to be priced again."""
    return await (store.move_version(tx) if moved else store.read_version(tx))


def _given(change: PriceListChange) -> dict[str, Any]:
    return {
        field: value for field in change.__struct_fields__ if (value := getattr(change, field)) is not msgspec.UNSET
    }


def _place_of_list(found: PriceList) -> tuple[PriceListId]:
    return (found.price_list_id,)


def _place_of_entry(entry: Entry) -> tuple[catalogue.SkuId]:
    return (entry.sku_id,)
