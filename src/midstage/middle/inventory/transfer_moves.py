"""Send, receive, and settle what did not arrive. What left one location is in transit until one of the three."""

from collections.abc import Mapping, Sequence

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.inventory import costing, store
from midstage.middle.inventory.facts import StockDiscrepancyFound
from midstage.middle.inventory.store import Carry, Difference, Entry
from midstage.middle.inventory.telling import tell_moved, tell_owner
from midstage.middle.inventory.transfers import all_lines, amounts, check_lines, for_step, move, note_step
from midstage.middle.inventory.types import DiscrepancyId, MovementKind, QuantityInvalid, SkuId, StockShort
from midstage.middle.inventory.value import Given, value_rows
from midstage.middle.inventory.work import (
    Missing,
    Resolved,
    SupplyPrices,
    Transfer,
    TransferId,
    TransferLine,
    TransferState,
)
from midstage.middle.inventory.work_refusals import SupplyCurrencyWrong, TransferLineWrong

_replace = msgspec.structs.replace
Lines = dict[SkuId, TransferLine]
_ON_THE_WAY = {TransferState.SENT, TransferState.RECEIVED}


async def send_transfer(
    tx: Tx,
    transfer_id: TransferId,
    *,
    version: int,
    milli: Mapping[SkuId, int] | None = None,
    supply: SupplyPrices | None = None,
) -> Transfer:
    """Let goods leave: all that is approved and not sent yet, or a part. Never more than is free.

    Raises NoSuchTransfer, TransferStateWrong, TransferChangedMeanwhile, TransferLineWrong, QuantityInvalid, StockShort.
    """
    found = await for_step(tx, transfer_id, "send", {TransferState.APPROVED, TransferState.SENT})
    sent = await move(tx, found, TransferState.SENT, version)
    lines = await all_lines(tx, transfer_id)
    left = {sku: line.approved_milli - line.sent_milli for sku, line in lines.items()}
    leaving = {sku: n for sku, n in left.items() if n > 0} if milli is None else dict(milli)
    _check_each(leaving, left, "send")
    giver, taker = found.from_id, found.to_id
    short = await store.carry(
        tx,
        [
            part
            for sku, n in leaving.items()
            for part in (
                Carry(giver, sku, MovementKind.SENT, on_hand_milli=-n, guarded=True),
                Carry(taker, sku, MovementKind.EXPECTED, tracked_milli=n),
            )
        ],
        reference=transfer_id,
        reason="",
    )
    if short:
        location, sku, free = short[0]
        raise StockShort(sku, location, leaving[sku], max(0, free))
    entries = await value_rows(tx, [(giver, sku) for sku in leaving], supply=supply)
    worth = _sent_worth(entries, found, leaving)
    lines |= {
        sku: _replace(lines[sku], sent_milli=lines[sku].sent_milli + n, sent_minor=lines[sku].sent_minor + worth[sku])
        for sku, n in leaving.items()
    }
    currency = await _currency(tx, found, list(leaving))
    await store.write_lines(tx, transfer_id, [lines[sku] for sku in leaving])
    await store.set_state(tx, transfer_id, sent.state, currency)
    await _book_transit(tx, sent, "sent", {sku: (n, worth[sku]) for sku, n in leaving.items()})
    tell_moved(tx, giver, MovementKind.SENT, transfer_id, [(sku, -n, 0) for sku, n in leaving.items()])
    tell_moved(tx, taker, MovementKind.EXPECTED, transfer_id, [(sku, 0, n) for sku, n in leaving.items()])
    note_step(tx, sent, "send", amounts(leaving))
    return _replace(sent, currency=currency)


async def receive_transfer(
    tx: Tx,
    transfer_id: TransferId,
    *,
    version: int,
    milli: Mapping[SkuId, int] | None = None,
    final: bool = True,
    supply: SupplyPrices | None = None,
) -> Transfer:
    """Take in what came: all that is in transit, or what was counted; more than was sent is taken in too.

    `final` says that nothing else comes: what is missing then, or came too much, becomes a discrepancy of each sku.
    Raises NoSuchTransfer, TransferStateWrong, TransferChangedMeanwhile, TransferLineWrong, QuantityInvalid.
    """
    found = await for_step(tx, transfer_id, "receive", _ON_THE_WAY)
    taken = await move(tx, found, found.state, version)
    lines = await all_lines(tx, transfer_id)
    transit = {sku: line.transit_milli for sku, line in lines.items() if line.transit_milli}
    came = dict(transit) if milli is None else dict(milli)
    for sku, n in came.items():
        if sku not in lines or lines[sku].sent_milli == 0:
            raise TransferLineWrong(sku, "receive", n, 0)
    if came or not final:
        check_lines(came, least=0)
    came = {sku: n for sku, n in came.items() if n}
    arriving = {sku: min(n, transit.get(sku, 0)) for sku, n in came.items()}
    lines |= await _arrive(tx, taken, lines, arriving, came, supply)
    lines |= await _find_differences(tx, taken, lines, came, arriving, final=final)
    await _settle(tx, lines, [sku for sku in came if not lines[sku].transit_milli], "")
    await store.write_lines(tx, transfer_id, list(lines.values()))
    done = _replace(taken, state=_stands(found.state, lines, final=final))
    await store.set_state(tx, transfer_id, done.state, found.currency)
    note_step(tx, done, "receive", amounts(came), "final" if final else "")
    return done


async def resolve_transfer(
    tx: Tx,
    transfer_id: TransferId,
    outcomes: Sequence[Resolved],
    *,
    version: int,
    note: str,
    supply: SupplyPrices | None = None,
) -> Transfer:
    """Say what became of goods that are in transit still: lost, written off, found after all, or sent back.

    With the last of it the transfer is closed and its discrepancies are settled. Raises NoSuchTransfer,
    TransferStateWrong, TransferChangedMeanwhile, TransferLineWrong, QuantityInvalid.
    """
    found = await for_step(tx, transfer_id, "resolve", _ON_THE_WAY)
    moved = await move(tx, found, found.state, version)
    lines = await all_lines(tx, transfer_id)
    by_kind = _by_kind(outcomes)
    total: dict[SkuId, int] = {}
    for wanted in by_kind.values():
        for sku, n in wanted.items():
            total[sku] = total.get(sku, 0) + n
    _check_each(total, {sku: line.transit_milli for sku, line in lines.items()}, "resolve")
    arriving = by_kind.get(Missing.FOUND, {})
    lines |= await _arrive(tx, moved, lines, arriving, arriving, supply)
    lines |= await _go_back(tx, moved, lines, by_kind.get(Missing.SENT_BACK, {}), supply)
    for gone in (Missing.LOST, Missing.WRITTEN_OFF):
        lines |= await _lose(tx, moved, lines, by_kind.get(gone, {}), gone, note)
    await _settle(tx, lines, [sku for sku in total if not lines[sku].transit_milli], note)
    await store.write_lines(tx, transfer_id, [lines[sku] for sku in total])
    done = _replace(moved, state=_stands(found.state, lines, final=False))
    await store.set_state(tx, transfer_id, done.state, found.currency)
    said = [{"sku_id": one.sku_id, "milli": one.milli, "became": one.became} for one in outcomes]
    note_step(tx, done, "resolve", said, note)
    return done


async def _arrive(
    tx: Tx,
    at: Transfer,
    lines: Lines,
    arriving: Mapping[SkuId, int],
    came: Mapping[SkuId, int],
    supply: SupplyPrices | None,
) -> Lines:
    """Take goods in at their destination: what was in transit at the value it left with, the rest at its price."""
    if not came:
        return {}
    kind, place = MovementKind.ARRIVED, at.to_id
    await store.carry(
        tx,
        [Carry(place, sku, kind, on_hand_milli=n, tracked_milli=-arriving[sku]) for sku, n in came.items()],
        reference=at.transfer_id,
        reason="",
    )
    minor = {sku: _part(lines[sku], n) for sku, n in arriving.items()}
    over = {
        sku: costing.part(lines[sku].sent_minor, n - arriving[sku], lines[sku].sent_milli) for sku, n in came.items()
    }
    given = {(place, sku): minor[sku] + over[sku] for sku in came if lines[sku].sent_minor}
    await value_rows(
        tx,
        [(place, sku) for sku in came],
        given=Given(at.transfer_id, given, at.currency) if at.currency else None,
        supply=supply,
    )
    await _book_transit(tx, at, "arrived", {sku: (-arriving[sku], -minor[sku]) for sku in came})
    tell_moved(tx, place, kind, at.transfer_id, [(sku, n, -arriving[sku]) for sku, n in came.items()])
    if at.between_operators:
        owned = [(sku, n, minor[sku] + over[sku]) for sku, n in came.items()]
        tell_owner(tx, at.transfer_id, place, at.from_operator, at.to_operator, owned, at.currency)
    return {
        sku: _replace(
            lines[sku],
            received_milli=lines[sku].received_milli + arriving[sku],
            over_milli=lines[sku].over_milli + n - arriving[sku],
            arrived_minor=lines[sku].arrived_minor + minor[sku],
        )
        for sku, n in came.items()
    }


async def _go_back(tx: Tx, at: Transfer, lines: Lines, back: Mapping[SkuId, int], supply: SupplyPrices | None) -> Lines:
    """Take goods in again where they came from, at the value with which they left."""
    if not back:
        return {}
    kind = MovementKind.SENT_BACK
    await store.carry(
        tx,
        [
            part
            for sku, n in back.items()
            for part in (
                Carry(at.from_id, sku, kind, on_hand_milli=n),
                Carry(at.to_id, sku, kind, tracked_milli=-n),
            )
        ],
        reference=at.transfer_id,
        reason="",
    )
    minor = {sku: _part(lines[sku], n) for sku, n in back.items()}
    given = {(at.from_id, sku): minor[sku] for sku in back if lines[sku].sent_minor}
    await value_rows(
        tx,
        [(at.from_id, sku) for sku in back],
        given=Given(at.transfer_id, given, at.currency) if at.currency else None,
        supply=supply,
    )
    await _book_transit(tx, at, "sent_back", {sku: (-n, -minor[sku]) for sku, n in back.items()})
    tell_moved(tx, at.from_id, kind, at.transfer_id, [(sku, n, 0) for sku, n in back.items()])
    tell_moved(tx, at.to_id, kind, at.transfer_id, [(sku, 0, -n) for sku, n in back.items()])
    return {
        sku: _replace(lines[sku], back_milli=lines[sku].back_milli + n, back_minor=lines[sku].back_minor + minor[sku])
        for sku, n in back.items()
    }


async def _lose(tx: Tx, at: Transfer, lines: Lines, gone: Mapping[SkuId, int], became: Missing, note: str) -> Lines:
    """Expect it no longer; its value is gone with it."""
    if not gone:
        return {}
    moves = [Carry(at.to_id, sku, MovementKind.LOST, tracked_milli=-n) for sku, n in gone.items()]
    await store.carry(tx, moves, reference=at.transfer_id, reason=note)
    minor = {sku: _part(lines[sku], n) for sku, n in gone.items()}
    await _book_transit(tx, at, became, {sku: (-n, -minor[sku]) for sku, n in gone.items()})
    tell_moved(tx, at.to_id, MovementKind.LOST, at.transfer_id, [(sku, 0, -n) for sku, n in gone.items()])
    return {
        sku: _replace(lines[sku], lost_milli=lines[sku].lost_milli + n, lost_minor=lines[sku].lost_minor + minor[sku])
        for sku, n in gone.items()
    }


async def _find_differences(
    tx: Tx, at: Transfer, lines: Lines, came: Mapping[SkuId, int], arriving: Mapping[SkuId, int], *, final: bool
) -> Lines:
    """A discrepancy for each sku of which less came, at its destination, or more, where it was sent from."""
    found = [
        Difference(DiscrepancyId(new_id()), at.to_id, sku, MovementKind.SENT, -line.transit_milli)
        for sku, line in lines.items()
        if final and line.transit_milli and line.discrepancy_id is None
    ]
    short = {one.sku_id: one.discrepancy_id for one in found}
    found += [
        Difference(DiscrepancyId(new_id()), at.from_id, sku, MovementKind.ARRIVED, n - arriving[sku])
        for sku, n in came.items()
        if n > arriving[sku]
    ]
    if not found:
        return {}
    stood = await store.add_differences(tx, at.transfer_id, found)
    for one in found:
        on_hand, reserved = stood[one.discrepancy_id]
        tx.tell(
            StockDiscrepancyFound(
                discrepancy_id=one.discrepancy_id,
                location_id=one.location_id,
                sku_id=one.sku_id,
                kind=one.kind,
                on_hand_milli=on_hand,
                reserved_milli=reserved,
                reference=at.transfer_id,
            )
        )
    return {sku: _replace(lines[sku], discrepancy_id=number) for sku, number in short.items()}


async def _settle(tx: Tx, lines: Lines, skus: Sequence[SkuId], note: str) -> None:
    for sku in skus:
        number = lines[sku].discrepancy_id
        if number is not None and await store.settle(tx, number, note, "transferred"):
            store.add_step(tx, "discrepancy", number, "transferred", note=note)


async def _currency(tx: Tx, at: Transfer, skus: Sequence[SkuId]) -> str:
    """The one currency in which what leaves is valued; none while no price is known. Raises SupplyCurrencyWrong."""
    found = at.currency
    for (_, sku), kept in (await store.read_costs(tx, [(at.from_id, sku) for sku in skus])).items():
        if found and kept.currency not in {"", found}:
            raise SupplyCurrencyWrong(sku, found, kept.currency)
        found = found or kept.currency
    return found


async def _book_transit(tx: Tx, at: Transfer, kind: str, moved: Mapping[SkuId, tuple[int, int]]) -> None:
    """Keep what is on its way, and its value, in the books of the giver."""
    day = tx.tenant.business_date(tx.now)
    await store.add_entries(
        tx,
        [
            Entry(
                at.from_operator, at.from_id, sku, kind, at.transfer_id, n, max(0, minor), max(0, -minor), day,
                transit=True,
            )
            for sku, (n, minor) in moved.items()
            if n or minor
        ],
    )  # fmt: skip


def _sent_worth(entries: Sequence[Entry], at: Transfer, leaving: Mapping[SkuId, int]) -> dict[SkuId, int]:
    """What goods took along that left just now: the last entry of this transfer for each."""
    last = {one.sku_id: one.out_minor for one in entries if one.reference == at.transfer_id and one.milli < 0}
    return {sku: last.get(sku, 0) for sku in leaving}


def _part(line: TransferLine, milli: int) -> int:
    """What a part of what is in transit is worth; the last of it is worth all that is left."""
    transit = line.transit_milli
    return costing.part(line.transit_minor, milli, transit) if transit else 0


def _by_kind(outcomes: Sequence[Resolved]) -> dict[Missing, dict[SkuId, int]]:
    """What became of what. Raises QuantityInvalid where one is said twice."""
    found: dict[Missing, dict[SkuId, int]] = {}
    for one in outcomes:
        skus = found.setdefault(one.became, {})
        if one.sku_id in skus:
            raise QuantityInvalid("a sku twice")
        skus[one.sku_id] = one.milli
    return found


def _check_each(wanted: Mapping[SkuId, int], most: Mapping[SkuId, int], action: str) -> None:
    """Raises QuantityInvalid, TransferLineWrong."""
    check_lines(wanted)
    for sku, n in wanted.items():
        if n > most.get(sku, 0):
            raise TransferLineWrong(sku, action, n, most.get(sku, 0))


def _stands(before: TransferState, lines: Mapping[SkuId, TransferLine], *, final: bool) -> TransferState:
    """Where a transfer stands: closed when nothing is in transit and nothing else comes."""
    left = any(line.transit_milli for line in lines.values())
    if final or before is TransferState.RECEIVED:
        return TransferState.RECEIVED if left else TransferState.CLOSED
    whole = all(line.sent_milli == line.approved_milli for line in lines.values())
    return TransferState.CLOSED if whole and not left else TransferState.SENT
