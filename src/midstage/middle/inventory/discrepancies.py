"""What does not fit: look at it, say what it was, mend the stock or have it counted again."""

from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.inventory import store
from midstage.middle.inventory.counts import open_count
from midstage.middle.inventory.goods import adjust
from midstage.middle.inventory.reasons import CORRECTION
from midstage.middle.inventory.types import (
    Discrepancy,
    DiscrepancyId,
    MovementKind,
    NoSuchStockDiscrepancy,
    ReasonMissing,
)
from midstage.middle.inventory.work import CountKind, DiscrepancyFilter, How, Step, SupplyPrices
from midstage.middle.inventory.work_refusals import ResolutionUnfit

_LAST = UUID(int=2**128 - 1)


async def discrepancies(tx: Tx, wanted: DiscrepancyFilter, page: PageRequest) -> Page[Discrepancy]:
    """What a person has to look at, newest first; with those that were settled, if asked."""
    place = page.place(tuple[UUID])
    rows = await store.discrepancies(tx, wanted, below=_LAST if place is None else place[0], limit=page.fetch)
    return page.page(rows, lambda row: (row.discrepancy_id,))


async def discrepancy(tx: Tx, number: DiscrepancyId) -> Discrepancy:
    """One of them, settled or not. Raises NoSuchStockDiscrepancy."""
    found = await store.discrepancy(tx, number)
    if found is None:
        raise NoSuchStockDiscrepancy(number)
    return found


async def discrepancy_steps(tx: Tx, number: DiscrepancyId) -> list[Step]:
    """What was done about it, by whom and when."""
    return await store.steps(tx, "discrepancy", number)


async def settle_discrepancy(tx: Tx, number: DiscrepancyId, *, note: str) -> None:
    """Accept it as it is, and say why; stock stays as it is.

    Raises ReasonMissing, NoSuchStockDiscrepancy (also when it was settled before).
    """
    await _settle(tx, number, How.ACCEPTED, note)


async def resolve_discrepancy(
    tx: Tx,
    number: DiscrepancyId,
    *,
    how: How,
    note: str,
    delta_milli: int | None = None,
    code: str = CORRECTION,
    approval: access.ApprovalId | None = None,
    supply: SupplyPrices | None = None,
) -> Discrepancy:
    """Accept it, adjust the stock by so much, or open a count that settles it when it is approved.

    What is missing from a transfer is in transit still: it is resolved with the transfer. Raises ReasonMissing,
    NoSuchStockDiscrepancy, ResolutionUnfit, and what `adjust` and `open_count` raise.
    """
    found = await discrepancy(tx, number)
    missing = found.kind is MovementKind.SENT
    if how is How.TRANSFERRED or missing or (how is How.ADJUSTED) != (delta_milli is not None):
        raise ResolutionUnfit
    if found.settled_at is not None:
        raise NoSuchStockDiscrepancy(number)
    if how is How.RECOUNTED:
        await _recount(tx, found, note)
        return await discrepancy(tx, number)
    await _settle(tx, number, how, note)
    if delta_milli is not None:
        await adjust(
            tx,
            found.location_id,
            {found.sku_id: delta_milli},
            reference=new_id(),
            reason=note,
            code=code,
            approval=approval,
            supply=supply,
        )
    return await discrepancy(tx, number)


async def _settle(tx: Tx, number: DiscrepancyId, how: How, note: str) -> None:
    if not note.strip():
        raise ReasonMissing
    if not await store.settle(tx, number, note, how):
        raise NoSuchStockDiscrepancy(number)
    store.add_step(tx, "discrepancy", number, how, note=note)
    tx.note("inventory.settle_discrepancy", "discrepancy", number, after={"how": how, "note": note})


async def _recount(tx: Tx, found: Discrepancy, note: str) -> None:
    """Open a count of this sku alone. Raises NoSuchStockDiscrepancy where one is to settle it already."""
    if not note.strip():
        raise ReasonMissing
    made = await open_count(tx, found.location_id, CountKind.SKUS, skus=[found.sku_id], note=note)
    if not await store.leave_to_count(tx, found.discrepancy_id, made.count_id):
        raise NoSuchStockDiscrepancy(found.discrepancy_id)
    store.add_step(tx, "discrepancy", found.discrepancy_id, "recount", note=note)
