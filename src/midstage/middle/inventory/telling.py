"""Tell what happened to stock, in facts of a size that anybody can read."""

from collections.abc import Iterator, Sequence
from typing import TypeVar
from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.inventory.facts import StockChangedOwner, StockDiscrepancyFound, StockMoved
from midstage.middle.inventory.types import LocationId, Moved, MovementKind, SkuId
from midstage.middle.organisation import api as organisation

T = TypeVar("T")
FACT = 500  # skus in one fact: under 100 KB


def parts(items: Sequence[T], size: int = FACT) -> Iterator[Sequence[T]]:
    """The items, so many at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def tell_moved(
    tx: Tx, location: LocationId, kind: MovementKind, reference: UUID, lines: Sequence[tuple[SkuId, int, int]]
) -> None:
    """Tell by how much goods and what is expected of them changed, by sku."""
    for chunk in parts(lines):
        tx.tell(
            StockMoved(
                location_id=location,
                kind=kind,
                reference=reference,
                skus=[sku for sku, _, _ in chunk],
                on_hand_deltas_milli=[on_hand for _, on_hand, _ in chunk],
                incoming_deltas_milli=[incoming for _, _, incoming in chunk],
            )
        )


def tell_changed(tx: Tx, location: LocationId, kind: MovementKind, reference: UUID, moved: Sequence[Moved]) -> None:
    """Tell of rows that `store.move` changed, and of the discrepancies that came of it."""
    lines = [
        (row.sku_id, row.on_hand_delta_milli, row.incoming_delta_milli)
        for row in moved
        if row.on_hand_delta_milli or row.incoming_delta_milli
    ]
    tell_moved(tx, location, kind, reference, lines)
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


def tell_owner(
    tx: Tx,
    reference: UUID,
    location: LocationId,
    before: organisation.OperatorId,
    owner: organisation.OperatorId,
    lines: Sequence[tuple[SkuId, int, int]],
    currency: str,
) -> None:
    """Tell that goods went from one operator to another, and what they are worth at supply price."""
    for chunk in parts(lines):
        tx.tell(
            StockChangedOwner(
                location_id=location,
                reference=reference,
                from_operator_id=before,
                to_operator_id=owner,
                skus=[sku for sku, _, _ in chunk],
                milli=[milli for _, milli, _ in chunk],
                values_minor=[minor for _, _, minor in chunk],
                currency=currency,
            )
        )
