"""Goods come, go, are found and counted."""

from collections.abc import Mapping
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.access import api as access
from midstage.middle.inventory import store
from midstage.middle.inventory.approving import ADJUST
from midstage.middle.inventory.facts import StockAdjusted
from midstage.middle.inventory.locations import check_known
from midstage.middle.inventory.reasons import CORRECTION, reason_of
from midstage.middle.inventory.store import Delta
from midstage.middle.inventory.telling import tell_changed
from midstage.middle.inventory.types import (
    MILLI_LIMIT,
    WANTS_LIMIT,
    LocationId,
    Moved,
    MovementKind,
    QuantityInvalid,
    ReasonMissing,
    SkuId,
)
from midstage.middle.inventory.value import estimate, value_rows
from midstage.middle.inventory.work import Adjustment, SupplyPrices


async def receive(
    tx: Tx,
    location: LocationId,
    milli: Mapping[SkuId, int],
    *,
    reference: UUID,
    reason: str = "",
    from_incoming: bool = False,
) -> None:
    """Book goods in; with `from_incoming` they are expected no longer (more than was expected is fine too).

    Raises NoSuchLocation, QuantityInvalid.
    """
    _check(milli, least=1)
    await check_known(tx, [location])
    deltas = [Delta(location, sku, amount) for sku, amount in milli.items()]
    moved = await store.move(
        tx, deltas, MovementKind.RECEIVED, reference=reference, reason=reason, from_incoming=from_incoming
    )
    tell_changed(tx, location, MovementKind.RECEIVED, reference, moved)


async def expect(
    tx: Tx, location: LocationId, milli: Mapping[SkuId, int], *, reference: UUID, reason: str = ""
) -> None:
    """Book goods as on their way. They are not free before they are received. Raises NoSuchLocation, QuantityInvalid."""
    _check(milli, least=1)
    await check_known(tx, [location])
    deltas = [Delta(location, sku, incoming_milli=amount) for sku, amount in milli.items()]
    moved = await store.move(tx, deltas, MovementKind.EXPECTED, reference=reference, reason=reason)
    tell_changed(tx, location, MovementKind.EXPECTED, reference, moved)


async def call_off_expected(
    tx: Tx, location: LocationId, milli: Mapping[SkuId, int], *, reference: UUID, reason: str
) -> None:
    """Expect less, at the least nothing. Raises QuantityInvalid, ReasonMissing."""
    _check(milli, least=1)
    if not reason.strip():
        raise ReasonMissing
    deltas = [Delta(location, sku, incoming_milli=amount) for sku, amount in milli.items()]
    await store.call_off_incoming(tx, deltas, reference=reference, reason=reason)
    tx.note("inventory.call_off_expected", "location", location, after={str(sku): n for sku, n in milli.items()})


async def adjust(
    tx: Tx,
    location: LocationId,
    delta_milli: Mapping[SkuId, int],
    *,
    reference: UUID,
    reason: str,
    code: str = CORRECTION,
    approval: access.ApprovalId | None = None,
    supply: SupplyPrices | None = None,
) -> Adjustment:
    """Change stock by hand: breakage, theft, found again. It always books; see `sell_through` for what follows.

    Above the value that the reason allows, at supply price, somebody else has to approve it. Raises NoSuchLocation,
    QuantityInvalid (a delta of zero too), ReasonMissing, NoSuchReason, access.ApprovalNeeded.
    """
    _check(delta_milli, least=-MILLI_LIMIT)
    if 0 in delta_milli.values():
        raise QuantityInvalid("0")
    if not reason.strip():
        raise ReasonMissing
    why = await reason_of(tx, code)
    await check_known(tx, [location])
    most, used = why.approval_above_minor, None
    if most is not None:
        worth, _ = await estimate(tx, {(location, sku): n for sku, n in delta_milli.items()}, supply=supply)
        value = sum(one or 0 for one in worth.values())
        if value > most:
            await access.use_approval(tx, approval, action=ADJUST, subject=str(location), amount_minor=value)
            used = approval
    deltas = [Delta(location, sku, amount) for sku, amount in delta_milli.items()]
    await _change(tx, location, MovementKind.ADJUSTED, deltas, reference=reference, reason=reason)
    entries = await value_rows(tx, [(location, sku) for sku in delta_milli], supply=supply)
    minor = sum(one.in_minor - one.out_minor for one in entries if one.reference == reference)
    made = Adjustment(
        adjustment_id=new_id(),
        location_id=location,
        code=code,
        reason=reason,
        lines=len(deltas),
        value_minor=minor,
        currency=await store.currency_of(tx, location, next(iter(delta_milli))),
        approval_id=used,
        at=tx.now,
        by_kind=tx.by.kind,
        by_id=tx.by.id,
    )
    await store.add_adjustment(tx, made)
    tx.tell(
        StockAdjusted(
            adjustment_id=made.adjustment_id,
            location_id=location,
            reason=code,
            value_minor=minor,
            currency=made.currency,
        )
    )
    return made


async def count(
    tx: Tx, location: LocationId, counted_milli: Mapping[SkuId, int], *, reference: UUID, reason: str
) -> None:
    """Set what is on hand to what was counted. It always books. Raises NoSuchLocation, QuantityInvalid, ReasonMissing."""
    _check(counted_milli, least=0)
    if not reason.strip():
        raise ReasonMissing
    await check_known(tx, [location])
    # A change by nothing opens the rows and locks them, so that the difference is that of this moment.
    nothing = [Delta(location, sku) for sku in counted_milli]
    now = await store.move(tx, nothing, MovementKind.COUNTED, reference=reference, reason=reason)
    deltas = [Delta(location, row.sku_id, counted_milli[row.sku_id] - row.on_hand_milli) for row in now]
    await _change(tx, location, MovementKind.COUNTED, deltas, reference=reference, reason=reason)


async def sell_through(tx: Tx, location: LocationId, milli: Mapping[SkuId, int], *, reference: UUID) -> list[Moved]:
    """Book a sale that already happened (an offline till, an import): it cannot be refused.

    Where it takes goods that were promised to others, or that were never booked in, it raises a discrepancy for a
    person, and nothing more is promised there until goods come. The same sale twice is the caller's to prevent.
    Raises QuantityInvalid.
    """
    _check(milli, least=1)
    deltas = [Delta(location, sku, -amount) for sku, amount in milli.items()]
    moved = await store.move(tx, deltas, MovementKind.SOLD, reference=reference, reason="")
    tell_changed(tx, location, MovementKind.SOLD, reference, moved)
    return moved


async def set_safety(tx: Tx, location: LocationId, safety_milli: Mapping[SkuId, int]) -> None:
    """Keep so much back from every promise. What is promised already stays so. Raises NoSuchLocation, QuantityInvalid."""
    _check(safety_milli, least=0)
    await check_known(tx, [location])
    before = await store.set_safety(tx, location, safety_milli)
    tx.note(
        "inventory.set_safety",
        "location",
        location,
        before={str(sku): milli for sku, milli in before.items()},
        after={str(sku): milli for sku, milli in safety_milli.items()},
    )


def _check(milli: Mapping[SkuId, int], *, least: int) -> None:
    if not 1 <= len(milli) <= WANTS_LIMIT:
        raise QuantityInvalid(f"{len(milli)} skus")
    for amount in milli.values():
        if not least <= amount <= MILLI_LIMIT:
            raise QuantityInvalid(f"{amount}")


async def _change(
    tx: Tx, location: LocationId, kind: MovementKind, deltas: list[Delta], *, reference: UUID, reason: str
) -> None:
    moved = await store.move(tx, deltas, kind, reference=reference, reason=reason)
    tell_changed(tx, location, kind, reference, moved)
    after = {str(row.sku_id): row.on_hand_milli for row in moved if row.on_hand_delta_milli}
    before = {str(row.sku_id): row.on_hand_milli - row.on_hand_delta_milli for row in moved if row.on_hand_delta_milli}
    if after:
        tx.note(f"inventory.{kind}", "location", location, before=before, after={**after, "reason": reason})
