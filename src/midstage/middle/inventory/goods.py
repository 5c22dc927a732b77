"""Goods come, go, are found and counted."""

from collections.abc import Mapping
from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.inventory import store
from midstage.middle.inventory.facts import StockDiscrepancyFound, StockMoved
from midstage.middle.inventory.locations import check_known
from midstage.middle.inventory.store import Delta
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
    _tell(tx, location, MovementKind.RECEIVED, reference, moved)


async def expect(
    tx: Tx, location: LocationId, milli: Mapping[SkuId, int], *, reference: UUID, reason: str = ""
) -> None:
    """Book goods as on their way. They are not free before they are received. Raises NoSuchLocation, QuantityInvalid."""
    _check(milli, least=1)
    await check_known(tx, [location])
    deltas = [Delta(location, sku, incoming_milli=amount) for sku, amount in milli.items()]
    moved = await store.move(tx, deltas, MovementKind.EXPECTED, reference=reference, reason=reason)
    _tell(tx, location, MovementKind.EXPECTED, reference, moved)


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
    tx: Tx, location: LocationId, delta_milli: Mapping[SkuId, int], *, reference: UUID, reason: str
) -> None:
    """Change stock by hand: breakage, theft, found again. It always books; see `sell_through` for what follows.

    Raises NoSuchLocation, QuantityInvalid (a delta of zero too), ReasonMissing.
    """
    _check(delta_milli, least=-MILLI_LIMIT)
    if 0 in delta_milli.values():
        raise QuantityInvalid("0")
    if not reason.strip():
        raise ReasonMissing
    await check_known(tx, [location])
    deltas = [Delta(location, sku, amount) for sku, amount in delta_milli.items()]
    await _change(tx, location, MovementKind.ADJUSTED, deltas, reference=reference, reason=reason)


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
    _tell(tx, location, MovementKind.SOLD, reference, moved)
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
    _tell(tx, location, kind, reference, moved)
    after = {str(row.sku_id): row.on_hand_milli for row in moved if row.on_hand_delta_milli}
    before = {str(row.sku_id): row.on_hand_milli - row.on_hand_delta_milli for row in moved if row.on_hand_delta_milli}
    if after:
        tx.note(f"inventory.{kind}", "location", location, before=before, after={**after, "reason": reason})


def _tell(tx: Tx, location: LocationId, kind: MovementKind, reference: UUID, moved: list[Moved]) -> None:
    changed = [row for row in moved if row.on_hand_delta_milli or row.incoming_delta_milli]
    if changed:
        tx.tell(
            StockMoved(
                location_id=location,
                kind=kind,
                reference=reference,
                skus=[row.sku_id for row in changed],
                on_hand_deltas_milli=[row.on_hand_delta_milli for row in changed],
                incoming_deltas_milli=[row.incoming_delta_milli for row in changed],
            )
        )
    for row in moved:
        if row.discrepancy_id is not None:
            tx.tell(
                StockDiscrepancyFound(
                    discrepancy_id=row.discrepancy_id,
                    location_id=location,
                    sku_id=row.sku_id,
                    kind=kind,
                    on_hand_milli=row.on_hand_milli,
                    reserved_milli=row.reserved_milli,
                    reference=reference,
                )
            )
