"""Bring a file in: read every row, and load what is good through the doors, in chunks, in one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from midstage.fronts._http.files import BadRow, Row, Table, read_table
from midstage.fronts._http.rows.cells import Cells
from midstage.fronts._http.rows.forms import FORMS, Around, Booking, EntryRow, Kind, MemberRow, StockRow
from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import MAX_LIMIT, PageRequest
from midstage.kit.refusals import Conflict, Refusal, Text
from midstage.middle.catalogue import api as catalogue
from midstage.middle.identity import api as identity
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing

CHUNK = 500
SHOWN = 1_000
REFUSED_LIMIT = 200

Progress: TypeAlias = Callable[[int, int], None]


class Mode(StrEnum):
    """What happens to the good rows where others are bad."""

    ALL_OR_NOTHING = "all_or_nothing"
    KEEP_GOOD = "keep_good"


class Imported(msgspec.Struct, frozen=True):
    """How it went: rows in the file, rows written, and what is wrong with the others (the first 1,000 reasons)."""

    kind: Kind
    rows: int
    written: int
    bad_rows: int
    bad: list[BadRow]


class TooManyRefused(Conflict):
    """So many rows were refused that this must be the wrong file, or one that is in already. Nothing is written."""

    text = Text(
        zh="已有超过 {limit} 行被拒绝，未写入任何数据；第 {line} 行：{reason_zh}",
        en="More than {limit} rows are refused, so nothing is written; line {line}: {reason_en}",
    )
    limit: int
    line: int
    reason_zh: str
    reason_en: str


class _Undone(Exception):  # noqa: N818  # it undoes a savepoint and is caught by who made it
    """Some row is bad and all were wanted."""


class _Good(msgspec.Struct, frozen=True):
    """A row that could be read: where it stands, and what it says."""

    line: int
    draft: Any


async def bring_in(
    tx: Tx,
    kind: Kind,
    table: Table,
    mode: Mode = Mode.ALL_OR_NOTHING,
    *,
    within: frozenset[organisation.StoreId] | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Load the rows of a file. With ALL_OR_NOTHING one bad row leaves nothing written. Raises TooManyRefused.

    `within` are the stores that rows may name, all if not said; to who brings the file in, others are not there.
    """
    found = len(table.rows) + len(table.bad)
    bad = [*_header(kind, table), *table.bad]
    good: list[_Good] = []
    if not _header(kind, table) and table.rows:
        good, wrong = read_rows(kind, table.rows, await _around(tx, kind, table.rows, within))
        bad += wrong
        if mode is Mode.KEEP_GOOD or not bad:
            bad += await _load_all(tx, kind, good, mode, progress)
    lines = {one.line for one in bad}
    written = 0 if mode is Mode.ALL_OR_NOTHING and bad else sum(one.line not in lines for one in good)
    bad.sort(key=lambda one: one.line)
    return Imported(kind, found, written, len(lines), bad[:SHOWN])


async def bring_in_file(
    database: Database,
    tenant: Tenant,
    kind: Kind,
    path: Path,
    mode: Mode = Mode.ALL_OR_NOTHING,
    *,
    progress: Progress | None = None,
) -> Imported:
    """Bring in a file of this machine. Raises FileMissing, FileUnreadable, TooManyRefused, OSError."""
    table = read_table(await asyncio.to_thread(path.read_bytes), path.name)

    async def work(tx: Tx) -> Imported:
        return await bring_in(tx, kind, table, mode, progress=progress)

    return await database.attempt(tenant, work)


def read_rows(kind: Kind, rows: Iterable[Row], around: Around) -> tuple[list[_Good], list[BadRow]]:
    """The drafts of the rows that can be read and whose names no earlier row has, and what is wrong with the others."""
    form = FORMS[kind]
    good: list[_Good] = []
    bad: list[BadRow] = []
    seen: dict[str, int] = {}
    for row in rows:
        cells = Cells(row)
        draft = form.read(cells, around)
        names = [] if cells.bad else form.names(draft)
        before = next((seen[name] for name in names if name in seen), None)
        if before is not None:
            cells.wrong("", "twice", f"与第 {before} 行重复", f"line {before} has the same already")
        seen.update((name, row.line) for name in names if name not in seen)
        if cells.bad:
            bad += cells.bad
        else:
            good.append(_Good(row.line, draft))
    return good, bad


def _header(kind: Kind, table: Table) -> list[BadRow]:
    """What is wrong with the columns as a whole."""
    form = FORMS[kind]
    missing = [name for name in form.needed if name not in table.columns]
    unknown = [name for name in table.columns if name not in (*form.needed, *form.others)]
    if not table.columns:
        return []
    return [BadRow(1, name, "column_missing", "缺少此列", "this column is missing") for name in missing] + [
        BadRow(1, name[:60], "column_unknown", "没有此列", "there is no such column") for name in unknown
    ]


async def _load_all(tx: Tx, kind: Kind, good: Sequence[_Good], mode: Mode, progress: Progress | None) -> list[BadRow]:
    refused: list[BadRow] = []
    with suppress(_Undone):
        async with tx.savepoint():
            for start in range(0, len(good), CHUNK):
                await _load(tx, kind, good[start : start + CHUNK], refused)
                if progress is not None:
                    progress(min(start + CHUNK, len(good)), len(good))
            _undo_if(wrong=bool(refused) and mode is Mode.ALL_OR_NOTHING)
    return refused


def _undo_if(*, wrong: bool) -> None:
    if wrong:
        raise _Undone


async def _load(tx: Tx, kind: Kind, part: Sequence[_Good], refused: list[BadRow]) -> None:
    """Load a part; where its door refuses it, halve it until the row is found that is meant."""
    try:
        async with tx.savepoint():
            await LOADERS[kind](tx, [one.draft for one in part])
    except Refusal as refusal:
        if len(part) > 1:
            half = len(part) // 2
            await _load(tx, kind, part[:half], refused)
            await _load(tx, kind, part[half:], refused)
            return
        bad = BadRow(part[0].line, "", refusal.code, refusal.say("zh"), refusal.say("en"))
        if len(refused) >= REFUSED_LIMIT:
            first = refused[0]
            raise TooManyRefused(REFUSED_LIMIT, first.line, first.reason_zh, first.reason_en) from None
        refused.append(bad)


async def _load_stores(tx: Tx, new: Sequence[organisation.NewStore]) -> None:
    made = await organisation.stores(tx, await organisation.create_stores(tx, new))
    await inventory.place_locations(
        tx,
        [
            inventory.Location(inventory.location_of(one.store_id), one.kind, one.operator_id, one.place)
            for one in made.values()
        ],
    )


async def _load_products(tx: Tx, drafts: Sequence[catalogue.ProductDraft]) -> None:
    await catalogue.load_products(tx, drafts)


async def _load_prices(tx: Tx, prices: Sequence[pricing.BasePrice]) -> None:
    await pricing.set_base_prices(tx, prices)


async def _load_stock(tx: Tx, rows: Sequence[StockRow]) -> None:
    openings = [row.opening for row in rows if row.booking is Booking.OPENING]
    if openings:
        await inventory.open_stock(tx, openings)
    booked: dict[tuple[inventory.LocationId, Booking, str], dict[catalogue.SkuId, int]] = {}
    for row in rows:
        if row.booking is not Booking.OPENING:
            place = row.opening.location_id, row.booking, row.reason
            booked.setdefault(place, {})[row.opening.sku_id] = row.opening.on_hand_milli
    # Everybody takes stock rows in the order of their keys.
    for place in sorted(booked):
        await _book(tx, *place, booked[place])


async def _book(
    tx: Tx, location: inventory.LocationId, booking: Booking, reason: str, milli: Mapping[catalogue.SkuId, int]
) -> None:
    if booking is Booking.RECEIVED:
        await inventory.receive(tx, location, milli, reference=new_id(), reason=reason or "import")
        return
    change = inventory.adjust if booking is Booking.ADJUSTED else inventory.count
    await change(tx, location, milli, reference=new_id(), reason=reason)


async def _load_entries(tx: Tx, rows: Sequence[EntryRow]) -> None:
    lists: dict[pricing.PriceListId, list[pricing.Entry]] = {}
    for row in rows:
        lists.setdefault(row.price_list_id, []).append(row.entry)
    for price_list_id in sorted(lists):
        await pricing.set_entries(tx, price_list_id, lists[price_list_id])


async def _load_members(tx: Tx, rows: Sequence[MemberRow]) -> None:
    await identity.bulk_create(tx, [row.person for row in rows], source="import", country=await _country(tx))
    await members.bulk_join(tx, [row.joiner for row in rows])


async def _load_dormant(tx: Tx, rows: Sequence[members.NewDormant]) -> None:
    await members.import_dormant(tx, rows)


LOADERS: Mapping[Kind, Callable[[Tx, Sequence[Any]], Awaitable[None]]] = {
    Kind.STORES: _load_stores,
    Kind.PRODUCTS: _load_products,
    Kind.PRICES: _load_prices,
    Kind.ENTRIES: _load_entries,
    Kind.STOCK: _load_stock,
    Kind.MEMBERS: _load_members,
    Kind.DORMANT: _load_dormant,
}


async def _country(tx: Tx) -> str:
    return (await organisation.brand(tx)).phone_prefix


async def _around(tx: Tx, kind: Kind, rows: Sequence[Row], within: frozenset[organisation.StoreId] | None) -> Around:
    """What the codes of a file stand for."""
    home = await organisation.brand(tx)
    plain = Around(currency=home.currency, country=home.phone_prefix, now=tx.now)
    more: dict[str, Any] = {}
    if kind is Kind.STORES:
        more["units"] = {one.code: one.unit_id for one in (await organisation.units(tx)).values()}
        more["operators"] = {one.code: one.operator_id for one in (await organisation.operators(tx)).values()}
    if kind is Kind.PRODUCTS:
        more["categories"] = await catalogue.category_ids(tx, _codes(rows, "category"))
        more["tax_classes"] = {code: code for code in await catalogue.tax_classes(tx)}
    if kind in {Kind.STOCK, Kind.MEMBERS, Kind.DORMANT}:
        more["stores"] = {
            one.code: one.store_id
            for one in (await organisation.stores(tx)).values()
            if within is None or one.store_id in within
        }
    if kind is Kind.ENTRIES:
        more["price_lists"] = await _price_lists(tx, set(_codes(rows, "price_list")))
    if kind in {Kind.STOCK, Kind.PRICES, Kind.ENTRIES}:
        more["skus"] = await catalogue.sku_ids(tx, _codes(rows, "sku_code"))
    if kind in {Kind.MEMBERS, Kind.DORMANT}:
        more["levels"] = {level.code: level.code for level in await members.default_levels(tx)}
    return msgspec.structs.replace(plain, **more)


async def _price_lists(tx: Tx, codes: set[str]) -> dict[str, pricing.PriceList]:
    """The price lists of these codes, the newest being looked at first."""
    found: dict[str, pricing.PriceList] = {}
    after: str | None = None
    while codes - found.keys():
        page = await pricing.price_lists(tx, page=PageRequest(after, MAX_LIMIT))
        found |= {one.code: one for one in page.items if one.code in codes}
        after = page.next
        if after is None:
            break
    return found


def _codes(rows: Sequence[Row], column: str) -> list[str]:
    cells = {row.cells.get(column) for row in rows if isinstance(row.cells.get(column), str | int)}
    return sorted(text for text in {str(cell).strip() for cell in cells} if text and "\0" not in text)
