"""Transfers between stores: asked, approved, sent, received; and what became of goods that did not arrive."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest
from midstage.fronts._http.files import FileMissing, FileUnreadable, read_table, received
from midstage.fronts._http.rows.cells import Cells
from midstage.fronts._http.scope import Reach, reach
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.supply import supply_prices
from midstage.fronts._http.words import Reason, Short, Version
from midstage.fronts.console.stock_words import Positive, Quantity, by_sku, location_of, sees_values
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.kit.refusals import Invalid, Text
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory

TAGS = ["console: transfers"]
READ, WRITE = "inventory.read", "inventory.write"
STEP_FAULTS = (
    access.OutOfScope,
    inventory.NoSuchTransfer,
    inventory.TransferStateWrong,
    inventory.TransferChangedMeanwhile,
)
LINE_FAULTS = (inventory.QuantityInvalid, inventory.TransferLineWrong, catalogue.NoSuchSku)
Lines = Annotated[list[Quantity], msgspec.Meta(min_length=1, max_length=inventory.LINES_LIMIT)]
SomeLines = Annotated[list[Quantity], msgspec.Meta(max_length=inventory.LINES_LIMIT)]


class TransferFileWrong(Invalid):
    """Rows of the file cannot be read as a sku and a quantity; nothing of it is asked for."""

    text = Text(
        zh="第 {line} 行 {column}：{reason_zh}（共 {bad} 处错误）",
        en="Line {line}, {column}: {reason_en} ({bad} faults in all).",
    )
    bad: int
    line: int
    column: str
    reason_zh: str
    reason_en: str


class AskTransfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is wanted, from which store, at which; one of the two is mine."""

    from_store_id: UUID
    to_store_id: UUID
    lines: Lines
    note: Short = ""
    due_on: date | None = None


class AtVersion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose version was looked at, and why."""

    version: Version
    reason: Reason


class Approve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is given of what was asked; what is left out is given as asked."""

    version: Version
    lines: SomeLines = []


class Send(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What leaves; all that is approved and has not left, if nothing is named."""

    version: Version
    lines: SomeLines = []


class ReceiveTransfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What came; all that is in transit, if nothing is said. `final`: nothing else comes, what is missing is missing."""

    version: Version
    lines: SomeLines | None = None
    final: bool = True


class Became(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sku_id: UUID
    became: inventory.Missing
    milli: Positive


class ResolveTransfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of goods that are in transit still."""

    version: Version
    lines: Annotated[list[Became], msgspec.Meta(min_length=1, max_length=inventory.LINES_LIMIT)]
    note: Reason


class TransferDetail(msgspec.Struct, frozen=True):
    """A transfer, and who did what."""

    transfer: inventory.Transfer
    steps: list[inventory.Step]


class TransferLineView(msgspec.Struct, frozen=True):
    """A line; the values, at supply price, are for who may see them."""

    sku_id: UUID
    asked_milli: int
    approved_milli: int
    sent_milli: int
    received_milli: int
    over_milli: int
    lost_milli: int
    back_milli: int
    transit_milli: int
    discrepancy_id: UUID | None
    sent_minor: int | None = None
    transit_minor: int | None = None


@reading("/transfers", tags=TAGS, needs=READ, refuses=(access.OutOfScope,))
async def transfers(
    tx: Tx,
    staff: Staff,
    from_store_id: UUID | None = None,
    to_store_id: UUID | None = None,
    state: inventory.TransferState | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[inventory.Transfer]:
    """Transfers from or to the stores that I see, the latest first."""
    wanted = inventory.TransferFilter(
        locations=(await reach(tx, staff, READ)).locations(),
        state=state,
        from_id=None if from_store_id is None else location_of(from_store_id),
        to_id=None if to_store_id is None else location_of(to_store_id),
    )
    return await inventory.transfers(tx, wanted, PageRequest(after, limit))


@reading("/transfers/{transfer_id:uuid}", tags=TAGS, needs=READ, refuses=(access.OutOfScope, inventory.NoSuchTransfer))
async def transfer(transfer_id: UUID, tx: Tx, staff: Staff) -> TransferDetail:
    """A transfer, and who did what and when."""
    found, _ = await _mine(tx, staff, READ, transfer_id)
    return TransferDetail(found, await inventory.transfer_steps(tx, found.transfer_id))


@reading(
    "/transfers/{transfer_id:uuid}/lines",
    tags=TAGS,
    needs=READ,
    refuses=(access.OutOfScope, inventory.NoSuchTransfer),
)
async def transfer_lines(
    transfer_id: UUID, tx: Tx, staff: Staff, after: str | None = None, limit: Limit = 50
) -> Page[TransferLineView]:
    """The lines of a transfer, by sku."""
    found, _ = await _mine(tx, staff, READ, transfer_id)
    page = await inventory.transfer_lines(tx, found.transfer_id, PageRequest(after, limit))
    shows = sees_values(staff)
    return Page([_view(line, shows=shows) for line in page.items], page.next)


@changing(
    "POST",
    "/transfers",
    status=201,
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(
        access.OutOfScope,
        inventory.NoSuchLocation,
        inventory.TransferToItself,
        inventory.TransferBetweenOperators,
        inventory.QuantityInvalid,
        catalogue.NoSuchSku,
    ),
)
async def ask_transfer(data: AskTransfer, tx: Tx, staff: Staff) -> inventory.Transfer:
    """Ask for goods of one store at another."""
    (await reach(tx, staff, WRITE)).need_any(data.from_store_id, data.to_store_id)
    return await inventory.ask_transfer(
        tx,
        location_of(data.from_store_id),
        location_of(data.to_store_id),
        await by_sku(tx, data.lines),
        note=data.note,
        due_on=data.due_on,
    )


@changing(
    "POST",
    "/transfers/from-file",
    status=201,
    once=True,
    file=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(
        access.OutOfScope,
        inventory.NoSuchLocation,
        inventory.TransferToItself,
        inventory.TransferBetweenOperators,
        inventory.QuantityInvalid,
        FileMissing,
        FileUnreadable,
        TransferFileWrong,
    ),
)
async def ask_transfer_by_file(
    from_store_id: UUID, to_store_id: UUID, tx: Tx, staff: Staff, request: AnyRequest, note: Short = ""
) -> inventory.Transfer:
    """Ask for the goods of a file, up to 5,000 lines, all or nothing.

    Columns: sku_code, quantity (in units, with up to three decimals).
    """
    (await reach(tx, staff, WRITE)).need_any(from_store_id, to_store_id)
    body, name = await received(request)
    milli = await _lines_of(tx, body, name)
    return await inventory.ask_transfer(tx, location_of(from_store_id), location_of(to_store_id), milli, note=note)


@changing(
    "POST",
    "/transfers/{transfer_id:uuid}/approve",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*STEP_FAULTS, *LINE_FAULTS, inventory.TransferBetweenOperators),
)
async def approve_transfer(transfer_id: UUID, data: Approve, tx: Tx, staff: Staff) -> inventory.Transfer:
    """Say yes, for the store that gives."""
    found, mine = await _mine(tx, staff, WRITE, transfer_id)
    mine.need(found.from_id)
    milli = await by_sku(tx, data.lines) if data.lines else None
    return await inventory.approve_transfer(tx, found.transfer_id, version=data.version, milli=milli)


@changing(
    "POST",
    "/transfers/{transfer_id:uuid}/refuse",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*STEP_FAULTS, inventory.ReasonMissing),
)
async def refuse_transfer(transfer_id: UUID, data: AtVersion, tx: Tx, staff: Staff) -> inventory.Transfer:
    """Say no, for the store that should give."""
    found, mine = await _mine(tx, staff, WRITE, transfer_id)
    mine.need(found.from_id)
    return await inventory.refuse_transfer(tx, found.transfer_id, version=data.version, reason=data.reason)


@changing(
    "POST",
    "/transfers/{transfer_id:uuid}/cancel",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*STEP_FAULTS, inventory.ReasonMissing),
)
async def cancel_transfer(transfer_id: UUID, data: AtVersion, tx: Tx, staff: Staff) -> inventory.Transfer:
    """Call it off before anything was sent; either end may."""
    found, _ = await _mine(tx, staff, WRITE, transfer_id)
    return await inventory.cancel_transfer(tx, found.transfer_id, version=data.version, reason=data.reason)


@changing(
    "POST",
    "/transfers/{transfer_id:uuid}/send",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*STEP_FAULTS, *LINE_FAULTS, inventory.StockShort, inventory.SupplyCurrencyWrong),
)
async def send_transfer(transfer_id: UUID, data: Send, tx: Tx, staff: Staff) -> inventory.Transfer:
    """Let goods leave the store that gives: never more than is free there."""
    found, mine = await _mine(tx, staff, WRITE, transfer_id)
    mine.need(found.from_id)
    milli = await by_sku(tx, data.lines) if data.lines else None
    return await inventory.send_transfer(tx, found.transfer_id, version=data.version, milli=milli, supply=supply_prices)


@changing(
    "POST",
    "/transfers/{transfer_id:uuid}/receive",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*STEP_FAULTS, *LINE_FAULTS, inventory.SupplyCurrencyWrong),
)
async def receive_transfer(transfer_id: UUID, data: ReceiveTransfer, tx: Tx, staff: Staff) -> inventory.Transfer:
    """Take in what came; what is missing then, or came too much, is a discrepancy to look into."""
    found, mine = await _mine(tx, staff, WRITE, transfer_id)
    mine.need(found.to_id)
    return await inventory.receive_transfer(
        tx,
        found.transfer_id,
        version=data.version,
        milli=None if data.lines is None else await by_sku(tx, data.lines),
        final=data.final,
        supply=supply_prices,
    )


@changing(
    "POST",
    "/transfers/{transfer_id:uuid}/resolve",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*STEP_FAULTS, *LINE_FAULTS, inventory.SupplyCurrencyWrong),
)
async def resolve_transfer(transfer_id: UUID, data: ResolveTransfer, tx: Tx, staff: Staff) -> inventory.Transfer:
    """Say what became of goods in transit: found, lost, written off, sent back.

    Between two operators the giver says what is lost or comes back, and the taker what was found.
    """
    found, mine = await _mine(tx, staff, WRITE, transfer_id)
    if found.between_operators:
        kinds = {line.became for line in data.lines}
        mine.need(*([found.to_id] if inventory.Missing.FOUND in kinds else []))
        mine.need(*([found.from_id] if kinds - {inventory.Missing.FOUND} else []))
    return await inventory.resolve_transfer(
        tx,
        found.transfer_id,
        [inventory.Resolved(catalogue.SkuId(line.sku_id), line.became, line.milli) for line in data.lines],
        version=data.version,
        note=data.note,
        supply=supply_prices,
    )


async def _mine(tx: Tx, staff: Staff, permission: str, transfer_id: UUID) -> tuple[inventory.Transfer, Reach]:
    """A transfer with an end that I see. Raises inventory.NoSuchTransfer, access.OutOfScope."""
    mine = await reach(tx, staff, permission)
    found = await inventory.transfer(tx, inventory.TransferId(transfer_id))
    mine.need_any(found.from_id, found.to_id)
    return found, mine


async def _lines_of(tx: Tx, body: bytes, name: str) -> dict[catalogue.SkuId, int]:
    """The quantities of a file. Raises FileUnreadable, TransferFileWrong."""
    table = read_table(body, name)
    codes = [str(row.cells.get("sku_code") or "").strip() for row in table.rows]
    known = await catalogue.sku_ids(tx, codes)
    milli: dict[catalogue.SkuId, int] = {}
    bad = list(table.bad)
    for row in table.rows:
        cells = Cells(row)
        sku = cells.known("sku_code", known, needed=True)
        amount = cells.number("quantity", places=3, most=10**12, least=1, needed=True)
        if sku is not None and sku in milli:
            cells.wrong("sku_code", "twice", "重复的商品", "it stands twice")
        bad += cells.bad
        if sku is not None and amount is not None:
            milli[sku] = amount
    if bad:
        first = bad[0]
        raise TransferFileWrong(len(bad), first.line, first.column, first.reason_zh, first.reason_en)
    return milli


def _view(line: inventory.TransferLine, *, shows: bool) -> TransferLineView:
    return TransferLineView(
        sku_id=line.sku_id,
        asked_milli=line.asked_milli,
        approved_milli=line.approved_milli,
        sent_milli=line.sent_milli,
        received_milli=line.received_milli,
        over_milli=line.over_milli,
        lost_milli=line.lost_milli,
        back_milli=line.back_milli,
        transit_milli=line.transit_milli,
        discrepancy_id=line.discrepancy_id,
        sent_minor=line.sent_minor if shows else None,
        transit_minor=line.transit_minor if shows else None,
    )


HANDLERS: list[HTTPRouteHandler] = [
    transfers, transfer, transfer_lines, ask_transfer, ask_transfer_by_file, approve_transfer, refuse_transfer,
    cancel_transfer, send_transfer, receive_transfer, resolve_transfer,
]  # fmt: skip
