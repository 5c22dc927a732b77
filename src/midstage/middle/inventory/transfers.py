"""Ask for goods from another location, and say yes or no; nothing has moved yet."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import Page, PageRequest
from midstage.middle.inventory import store
from midstage.middle.inventory.facts import TransferChanged
from midstage.middle.inventory.policies import TRANSFERS, Between, store_of
from midstage.middle.inventory.types import (
    MILLI_LIMIT,
    Location,
    LocationId,
    NoSuchLocation,
    QuantityInvalid,
    ReasonMissing,
    SkuId,
)
from midstage.middle.inventory.work import (
    LINES_LIMIT,
    Step,
    Transfer,
    TransferFilter,
    TransferId,
    TransferLine,
    TransferState,
)
from midstage.middle.inventory.work_refusals import (
    NoSuchTransfer,
    TransferBetweenOperators,
    TransferChangedMeanwhile,
    TransferLineWrong,
    TransferStateWrong,
    TransferToItself,
)
from midstage.middle.organisation import api as organisation


async def ask_transfer(
    tx: Tx,
    giver: LocationId,
    taker: LocationId,
    milli: Mapping[SkuId, int],
    *,
    note: str = "",
    due_on: date | None = None,
) -> Transfer:
    """Ask for goods of one location at another. Within one operator whose policy asks no approval it is given at once.

    Raises TransferToItself, NoSuchLocation, QuantityInvalid, TransferBetweenOperators.
    """
    check_lines(milli)
    if giver == taker:
        raise TransferToItself
    ends = await _ends(tx, giver, taker)
    between = ends[0].operator_id != ends[1].operator_id
    policy = await organisation.settings_of(tx, TRANSFERS, await store_of(tx, giver))
    if between and policy.between is Between.OWN_OPERATOR:
        raise TransferBetweenOperators(ends[0].operator_id, ends[1].operator_id)
    at_once = not (between or policy.approval)
    made = Transfer(
        transfer_id=TransferId(new_id()),
        from_id=giver,
        to_id=taker,
        from_operator=ends[0].operator_id,
        to_operator=ends[1].operator_id,
        currency="",
        state=TransferState.APPROVED if at_once else TransferState.ASKED,
        note=note,
        due_on=due_on,
        version=1,
        asked_at=tx.now,
        changed_at=tx.now,
    )
    lines = [TransferLine(sku, amount, amount if at_once else 0) for sku, amount in milli.items()]
    await store.add_transfer(tx, made, lines)
    note_step(tx, made, "ask", amounts(milli), note)
    return made


async def approve_transfer(
    tx: Tx, transfer_id: TransferId, *, version: int, milli: Mapping[SkuId, int] | None = None
) -> Transfer:
    """Say yes, to all or to less of some; to be called for somebody who may speak for the giving location.

    Raises NoSuchTransfer, TransferStateWrong, TransferChangedMeanwhile, TransferLineWrong, TransferBetweenOperators.
    """
    asked = await for_step(tx, transfer_id, "approve", {TransferState.ASKED})
    policy = await organisation.settings_of(tx, TRANSFERS, await store_of(tx, asked.from_id))
    if asked.between_operators and policy.between is Between.OWN_OPERATOR:
        raise TransferBetweenOperators(asked.from_operator, asked.to_operator)
    approved = await move(tx, asked, TransferState.APPROVED, version)
    lines = await all_lines(tx, transfer_id)
    wanted = dict(milli or {})
    for sku, amount in wanted.items():
        most = lines[sku].asked_milli if sku in lines else 0
        if not 0 <= amount <= most:
            raise TransferLineWrong(sku, "approve", amount, most)
    given = {sku: wanted.get(sku, line.asked_milli) for sku, line in lines.items()}
    if not any(given.values()):
        raise QuantityInvalid("0")
    await store.approve_lines(
        tx, transfer_id, [msgspec.structs.replace(lines[sku], approved_milli=n) for sku, n in given.items()]
    )
    note_step(tx, approved, "approve", amounts(given))
    return approved


async def refuse_transfer(tx: Tx, transfer_id: TransferId, *, version: int, reason: str) -> Transfer:
    """Say no. Raises NoSuchTransfer, TransferStateWrong, TransferChangedMeanwhile, ReasonMissing."""
    return await _end(tx, transfer_id, "refuse", {TransferState.ASKED}, TransferState.REFUSED, version, reason)


async def cancel_transfer(tx: Tx, transfer_id: TransferId, *, version: int, reason: str) -> Transfer:
    """Call it off before anything was sent.

    Raises NoSuchTransfer, TransferStateWrong, TransferChangedMeanwhile, ReasonMissing.
    """
    before = {TransferState.ASKED, TransferState.APPROVED}
    return await _end(tx, transfer_id, "cancel", before, TransferState.CANCELLED, version, reason)


async def transfer(tx: Tx, transfer_id: TransferId) -> Transfer:
    """One transfer. Raises NoSuchTransfer."""
    found = await store.transfer(tx, transfer_id)
    if found is None:
        raise NoSuchTransfer(transfer_id)
    return found


async def transfers(tx: Tx, wanted: TransferFilter, page: PageRequest) -> Page[Transfer]:
    """Transfers, the latest first."""
    place = page.place(tuple[TransferId])
    rows = await store.transfers(tx, wanted, None if place is None else place[0], page.fetch)
    return page.page(rows, lambda row: (row.transfer_id,))


async def transfer_lines(tx: Tx, transfer_id: TransferId, page: PageRequest) -> Page[TransferLine]:
    """The lines of a transfer, by sku."""
    place = page.place(tuple[SkuId])
    rows = await store.transfer_lines(
        tx, transfer_id, after=store.FIRST if place is None else place[0], limit=page.fetch
    )
    return page.page(rows, lambda row: (row.sku_id,))


async def transfer_steps(tx: Tx, transfer_id: TransferId) -> list[Step]:
    """Who did what, when, and to how much."""
    return await store.steps(tx, "transfer", transfer_id)


async def for_step(tx: Tx, transfer_id: TransferId, action: str, states: set[TransferState]) -> Transfer:
    """The transfer, if it can take this step. Raises NoSuchTransfer, TransferStateWrong."""
    found = await transfer(tx, transfer_id)
    if found.state not in states:
        raise TransferStateWrong(found.state, action)
    return found


async def move(tx: Tx, found: Transfer, state: TransferState, version: int) -> Transfer:
    """Take it to a state, from the version that was looked at. Raises TransferChangedMeanwhile."""
    same = found.version == version
    now = await store.move_transfer(tx, found.transfer_id, seen=version, state=state) if same else None
    if now is None:
        raise TransferChangedMeanwhile((await transfer(tx, found.transfer_id)).version, version)
    return msgspec.structs.replace(found, state=state, version=now, changed_at=tx.now)


async def all_lines(tx: Tx, transfer_id: TransferId) -> dict[SkuId, TransferLine]:
    return {line.sku_id: line for line in await store.transfer_lines(tx, transfer_id, limit=LINES_LIMIT)}


def note_step(tx: Tx, at: Transfer, action: str, lines: list[dict[str, Any]], note: str = "") -> None:
    """Keep a step in the history and the trail, and tell it."""
    store.add_step(tx, "transfer", at.transfer_id, action, lines=lines, note=note)
    after = {"state": at.state, "lines": len(lines), "note": note}
    tx.note(f"transfer.{action}", "transfer", at.transfer_id, after=after)
    tx.tell(
        TransferChanged(
            transfer_id=at.transfer_id,
            from_location_id=at.from_id,
            to_location_id=at.to_id,
            action=action,
            state=at.state,
        )
    )


def amounts(milli: Mapping[SkuId, int]) -> list[dict[str, Any]]:
    """The lines of a step."""
    return [{"sku_id": sku, "milli": amount} for sku, amount in milli.items()]


def check_lines(milli: Mapping[SkuId, int], *, least: int = 1) -> None:
    """Raises QuantityInvalid."""
    if not 1 <= len(milli) <= LINES_LIMIT:
        raise QuantityInvalid(f"{len(milli)} skus")
    for amount in milli.values():
        if not least <= amount <= MILLI_LIMIT:
            raise QuantityInvalid(f"{amount}")


async def _ends(tx: Tx, giver: LocationId, taker: LocationId) -> tuple[Location, Location]:
    found = {one.location_id: one for one in await store.locations(tx, [giver, taker])}
    for end in (giver, taker):
        if end not in found:
            raise NoSuchLocation(end)
    return found[giver], found[taker]


async def _end(
    tx: Tx,
    transfer_id: TransferId,
    action: str,
    before: set[TransferState],
    state: TransferState,
    version: int,
    reason: str,
) -> Transfer:
    if not reason.strip():
        raise ReasonMissing
    found = await for_step(tx, transfer_id, action, before)
    ended = await move(tx, found, state, version)
    note_step(tx, ended, action, [], reason)
    return ended
