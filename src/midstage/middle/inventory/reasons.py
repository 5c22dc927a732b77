"""Why stock is changed by hand, and what each change was worth."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.inventory import store
from midstage.middle.inventory.types import LocationId, ReasonMissing
from midstage.middle.inventory.work import Adjustment, Reason
from midstage.middle.inventory.work_refusals import NoSuchReason, ReasonUnfit

CORRECTION = "correction"
_LAST = UUID(int=2**128 - 1)

BUILT_IN = {
    one.code: one
    for one in (
        Reason("damaged", "破损", "Damaged"),
        Reason("expired", "过期", "Expired"),
        Reason("theft", "失窃", "Stolen"),
        Reason("sample", "样品", "Sample"),
        Reason("own_use", "自用", "Own use"),
        Reason("gift", "赠送", "Given away"),
        Reason("found", "找回", "Found again"),
        Reason("back_to_supplier", "退供应商", "Back to the supplier"),
        Reason(CORRECTION, "更正", "Correction"),
    )
}


async def reasons(tx: Tx) -> list[Reason]:
    """The reasons of the brand: those that come with Midstage, as the brand changed them, and its own; by code."""
    own = {one.code: one for one in await store.reasons(tx)}
    return [own.get(code) or BUILT_IN[code] for code in sorted(BUILT_IN | own)]


async def put_reason(tx: Tx, reason: Reason) -> Reason:
    """Add a reason, or change one; what it was called in the past stays in the books. Raises ReasonUnfit."""
    fit = reason.code.replace("_", "a").isalnum() and reason.code.isascii() and reason.code.islower()
    named = reason.name_zh.strip() or reason.name_en.strip()
    if not (fit and reason.code[:1].isalpha() and len(reason.code) <= 40 and named):
        raise ReasonUnfit
    if reason.approval_above_minor is not None and reason.approval_above_minor < 0:
        raise ReasonUnfit
    before = next((one for one in await reasons(tx) if one.code == reason.code), None)
    await store.put_reason(tx, reason)
    tx.note("inventory.put_reason", "stock_reason", reason.code, before=before, after=reason)
    return reason


async def reason_of(tx: Tx, code: str) -> Reason:
    """A reason that is in use. Raises ReasonMissing, NoSuchReason."""
    if not code:
        raise ReasonMissing
    found = next((one for one in await reasons(tx) if one.code == code and one.active), None)
    if found is None:
        raise NoSuchReason(code[:80])
    return found


async def adjustments(
    tx: Tx, page: PageRequest, *, locations: Sequence[LocationId] | None = None, code: str | None = None
) -> Page[Adjustment]:
    """What was changed by hand, the latest first."""
    place = page.place(tuple[UUID])
    below = _LAST if place is None else place[0]
    rows = await store.adjustments(tx, locations=locations, code=code, below=below, limit=page.fetch)
    return page.page(rows, lambda row: (row.adjustment_id,))
