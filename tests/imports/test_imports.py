"""Files of rows: what is good is loaded, what is bad is pointed at, and nothing else is written."""

from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from midstage.cli import cli
from midstage.fronts._http.files import FileMissing, FileUnreadable, read_table
from midstage.fronts._http.rows.forms import Around, Kind
from midstage.fronts._http.rows.load import CHUNK, REFUSED_LIMIT, Imported, Mode, TooManyRefused, bring_in, read_rows
from midstage.kit.clock import utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.paging import PageRequest
from midstage.middle.catalogue import api as catalogue
from midstage.middle.identity import api as identity
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing
from shop import STOCK_MILLI, Shop, open_shop

GOOD = {
    Kind.STORES: "code,name,lat,lng\nN1,新店,31.2,121.4\nN2,仓库,,\n",
    Kind.PRODUCTS: "code,name,category,tax_class,barcode\nA1,大衣,coats,standard,\nA2,围巾,coats,standard,6901234567892\n",
    Kind.PRICES: "sku_code,list_price,supply_price\nP0-M,199.90,\nP1-M,5,2.5\n",
    Kind.ENTRIES: "price_list,sku_code,price\nSALE,P0-M,99.50\nSALE,P1-M,0\n",
    Kind.STOCK: "store_code,sku_code,quantity,booking\nS0,P0-M,2,received\nS0,P1-M,1.5,received\n",
    Kind.MEMBERS: "phone,card,name,store_code,level\n13712345678,,李雷,S0,gold\n,c-77,,,\n",
    Kind.DORMANT: "old_no,phone,name,level,points\nK-1,13712345679,韩梅梅,gold,500\nK-2,13712345680,,,\n",
}
BAD = {
    Kind.STORES: ("N3,,91,121.4", {("name", "missing"), ("lat", "out_of_bounds")}),
    Kind.PRODUCTS: ("A3,,nothing,standard,", {("name", "missing"), ("category", "unknown")}),
    Kind.PRICES: ("P9-M,1.005,x", {("sku_code", "unknown"), ("list_price", "not_a_number"), ("supply_price", "not_a_number")}),
    Kind.ENTRIES: ("NONE,P9-M,-1", {("price_list", "unknown"), ("sku_code", "unknown"), ("price", "out_of_bounds")}),
    Kind.STOCK: ("S9,P0-M,-1,later", {("store_code", "unknown"), ("quantity", "out_of_bounds"), ("booking", "not_one_of")}),
    Kind.MEMBERS: ("12,,,,platinum", {("phone", "bad_identifier"), ("level", "unknown")}),
    Kind.DORMANT: (",12,,platinum,-1", {("old_no", "missing"), ("phone", "bad_identifier"), ("level", "unknown"), ("points", "out_of_bounds")}),
}  # fmt: skip
TAKEN = {
    Kind.STORES: ("S0,门店,,", "store_code_taken"),
    Kind.PRODUCTS: ("P0,大衣,coats,standard,", "product_code_taken"),
    Kind.ENTRIES: ("OVER,P0-M,3", "price_list_state_wrong"),
    Kind.STOCK: ("S0,P0-M,3,opening", "opened_before"),
    Kind.MEMBERS: ("{phone},,,,", "identifier_taken"),
}
TAKEN_PHONE = "13612340000"


@pytest_asyncio.fixture(loop_scope="session")
async def shop(db: Database) -> Shop:
    return await _open(db)


async def _open(database: Database) -> Shop:
    """A shop with a price list, and one that has ended."""
    shop = await open_shop(database, products=2, stores=2)

    async def work(tx: Tx) -> None:
        name, now = catalogue.Name("特价", "Sale"), utc_now()
        await pricing.create_price_list(tx, pricing.PriceListDraft("SALE", name, "CNY", now))
        over = await pricing.create_price_list(tx, pricing.PriceListDraft("OVER", name, "CNY", now))
        await pricing.end_price_list(tx, over.price_list_id)

    await shop.database.attempt(shop.tenant, work)
    return shop


async def _bring(shop: Shop, kind: Kind, text: str | bytes, mode: Mode = Mode.ALL_OR_NOTHING) -> Imported:
    table = read_table(text.encode() if isinstance(text, str) else text)

    async def work(tx: Tx) -> Imported:
        return await bring_in(tx, kind, table, mode)

    return await shop.database.attempt(shop.tenant, work)


async def _state(shop: Shop) -> dict[str, Any]:
    """What of a brand the files of these tests would change."""
    async with shop.database.reading(shop.tenant) as tx:
        people = [
            identity.identifier(identity.IdentifierKind.PHONE, "13712345678"),
            identity.identifier(identity.IdentifierKind.CARD, "c-77"),
        ]
        return {
            "stores": sorted(store.code for store in (await organisation.stores(tx)).values()),
            "skus": sorted(await catalogue.sku_ids(tx, ["P0-M", "A1", "A2", "A3"])),
            "prices": await pricing.base_prices(tx, shop.skus),
            "entries": [
                (one.code, entry.sku_id, entry.unit_minor)
                for one in (await pricing.price_lists(tx)).items
                for entry in (await pricing.entries(tx, one.price_list_id)).items
            ],
            "stock": await inventory.stock(tx, shop.location, shop.skus),
            "people": len(await identity.resolve_many(tx, people)),
            "dormant": [
                one.old_no for one in (await members.dormants(tx, members.DormantFilter(), PageRequest())).items
            ],
        }


@pytest.mark.parametrize("kind", Kind)
async def test_a_good_file_is_written(shop: Shop, kind: Kind) -> None:
    before = await _state(shop)
    done = await _bring(shop, kind, GOOD[kind])
    assert done == Imported(kind, 2, 2, 0, [])
    assert await _state(shop) != before


async def test_what_is_written_is_what_the_file_says(shop: Shop) -> None:
    for kind in Kind:
        await _bring(shop, kind, GOOD[kind])
    after = await _state(shop)
    assert {"N1", "N2", "S0", "S1"} <= set(after["stores"])
    assert {"A1", "A2"} <= set(after["skus"])
    assert [(p.list_minor, p.supply_minor) for p in (after["prices"][sku] for sku in shop.skus)] == [
        (19990, None),
        (500, 250),
    ]
    assert [after["stock"][sku].on_hand_milli - STOCK_MILLI for sku in shop.skus] == [2000, 1500]
    async with shop.database.reading(shop.tenant) as tx:
        new = await organisation.store_by_code(tx, "N1")
        places = await inventory.locations(tx, [inventory.location_of(new.store_id)])
        phone = identity.identifier(identity.IdentifierKind.PHONE, "13712345678")
        person = (await identity.resolve_many(tx, [phone]))[phone]
        member = await members.member_of(tx, person)
    assert [place.place for place in places.values()] == [organisation.Place(31.2, 121.4)]
    assert member is not None
    assert (member.level, member.store_id, member.name) == ("gold", shop.store.store_id, "李雷")


async def test_stock_is_adjusted_and_counted_for_a_reason(shop: Shop) -> None:
    header = "store_code,sku_code,quantity,booking,reason\n"
    text = f"{header}S0,P0-M,-1.5,adjusted,破损\nS0,P1-M,7,counted,盘点\n"
    assert (await _bring(shop, Kind.STOCK, text)).bad == []
    stock = (await _state(shop))["stock"]
    assert [stock[sku].on_hand_milli for sku in shop.skus] == [STOCK_MILLI - 1500, 7000]
    done = await _bring(shop, Kind.STOCK, f"{header}S0,P0-M,0,adjusted,\nS0,P1-M,7,received,\n", Mode.KEEP_GOOD)
    assert {(bad.line, bad.column, bad.code) for bad in done.bad} == {
        (2, "reason", "missing"),
        (2, "quantity", "out_of_bounds"),
    }
    assert (await _state(shop))["stock"][shop.skus[1]].on_hand_milli == 14_000


async def test_stores_that_one_does_not_see_are_unknown_to_a_file(shop: Shop) -> None:
    before = await _state(shop)
    table = read_table(GOOD[Kind.STOCK].encode())

    async def work(tx: Tx) -> Imported:
        return await bring_in(tx, Kind.STOCK, table, within=frozenset({shop.stores[1].store_id}))

    done = await shop.database.attempt(shop.tenant, work)
    assert {(bad.column, bad.code) for bad in done.bad} == {("store_code", "unknown")}
    assert await _state(shop) == before


@pytest.mark.parametrize("kind", Kind)
async def test_a_bad_row_is_pointed_at_and_nothing_is_written(shop: Shop, kind: Kind) -> None:
    row, faults = BAD[kind]
    before = await _state(shop)
    done = await _bring(shop, kind, f"{GOOD[kind]}{row}\n")
    assert {(bad.column, bad.code) for bad in done.bad} == faults
    assert {bad.line for bad in done.bad} == {4}
    assert all(bad.reason_zh and bad.reason_en for bad in done.bad)
    assert (done.rows, done.written, done.bad_rows) == (3, 0, 1)
    assert await _state(shop) == before


@pytest.mark.parametrize("kind", Kind)
async def test_good_rows_are_kept_if_asked(shop: Shop, kind: Kind) -> None:
    done = await _bring(shop, kind, f"{GOOD[kind]}{BAD[kind][0]}\n", Mode.KEEP_GOOD)
    assert (done.rows, done.written, done.bad_rows) == (3, 2, 1)
    other = await _open(shop.database)
    await _bring(other, kind, GOOD[kind])
    mine, theirs = await _state(shop), await _state(other)
    assert len(mine["stores"]) == len(theirs["stores"])
    assert (mine["skus"], mine["people"]) == (theirs["skus"], theirs["people"])


@pytest.mark.parametrize("kind", TAKEN)
@pytest.mark.parametrize("mode", Mode)
async def test_what_a_door_refuses_is_a_fault_of_its_row(shop: Shop, kind: Kind, mode: Mode) -> None:
    await shop.new_member(f"+86{TAKEN_PHONE}")
    row, code = TAKEN[kind]
    header, _, rest = GOOD[kind].partition("\n")
    before = await _state(shop)
    done = await _bring(shop, kind, f"{header}\n{row.format(phone=TAKEN_PHONE)}\n{rest}", mode)
    assert [(bad.line, bad.code) for bad in done.bad] == [(2, code)]
    assert done.written == (2 if mode is Mode.KEEP_GOOD else 0)
    assert (await _state(shop) == before) is (mode is Mode.ALL_OR_NOTHING)


async def test_a_row_that_comes_twice_is_refused_once(shop: Shop) -> None:
    done = await _bring(shop, Kind.PRICES, "sku_code,list_price\nP0-M,1\nP0-M,2\n", Mode.KEEP_GOOD)
    assert [(bad.line, bad.code) for bad in done.bad] == [(3, "twice")]
    assert (await _state(shop))["prices"][shop.skus[0]].list_minor == 100


async def test_many_rows_go_in_chunks_and_a_fault_in_the_last_undoes_all(shop: Shop) -> None:
    rows = "".join(f"M{n},店{n}\n" for n in range(CHUNK + 20))
    before = await _state(shop)
    done = await _bring(shop, Kind.STORES, f"code,name\n{rows}S0,店\n")
    assert [bad.code for bad in done.bad] == ["store_code_taken"]
    assert await _state(shop) == before
    done = await _bring(shop, Kind.STORES, f"code,name\n{rows}S0,店\n", Mode.KEEP_GOOD)
    assert done.written == CHUNK + 20


async def test_a_file_that_is_in_already_is_given_up(shop: Shop) -> None:
    text = "code,name\n" + "".join(f"M{n},店{n}\n" for n in range(REFUSED_LIMIT + 10))
    await _bring(shop, Kind.STORES, text)
    before = await _state(shop)
    with pytest.raises(TooManyRefused):
        await _bring(shop, Kind.STORES, text, Mode.KEEP_GOOD)
    assert await _state(shop) == before


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_a_file_of_a_spreadsheet_is_understood(shop: Shop, encoding: str) -> None:
    done = await _bring(shop, Kind.STORES, "code,name\r\nN1,上海静安店\r\n".encode(encoding))
    assert done.bad == []
    async with shop.database.reading(shop.tenant) as tx:
        assert (await organisation.store_by_code(tx, "N1")).name == "上海静安店"


async def test_json_lines_are_understood(shop: Shop) -> None:
    done = await _bring(shop, Kind.PRICES, '{"sku_code": "P0-M", "list_price": 12.80}\n[]\n', Mode.KEEP_GOOD)
    assert [(bad.line, bad.code) for bad in done.bad] == [(2, "not_an_object")]
    assert (await _state(shop))["prices"][shop.skus[0]].list_minor == 1280


async def test_empty_and_unreadable_files_are_refused(shop: Shop) -> None:
    assert await _bring(shop, Kind.STORES, "code,name\n") == Imported(Kind.STORES, 0, 0, 0, [])
    with pytest.raises(FileMissing):
        read_table(b"")
    with pytest.raises(FileUnreadable):
        read_table(b"code,name\n\xff\xff\xff,1\n")


async def test_a_wrong_header_is_one_fault_and_not_one_a_row(shop: Shop) -> None:
    done = await _bring(shop, Kind.STORES, "code,nam\nN1,x\nN2,y\n", Mode.KEEP_GOOD)
    assert [(bad.line, bad.column, bad.code) for bad in done.bad] == [
        (1, "name", "column_missing"),
        (1, "nam", "column_unknown"),
    ]
    assert done.written == 0


CELL = st.one_of(st.text(max_size=12), st.integers(), st.booleans(), st.none(), st.lists(st.integers(), max_size=2))


@settings(max_examples=100, deadline=None)
@given(kind=st.sampled_from(list(Kind)), values=st.lists(CELL, min_size=12, max_size=12))
def test_no_row_makes_a_reader_fail(kind: Kind, values: list[Any]) -> None:
    from midstage.fronts._http.files import Row  # noqa: PLC0415  # used by this test alone
    from midstage.fronts._http.rows.forms import FORMS  # noqa: PLC0415  # used by this test alone

    columns = (*FORMS[kind].needed, *FORMS[kind].others)
    row = Row(2, dict(zip(columns, values, strict=False)))
    good, bad = read_rows(kind, [row], Around(currency="CNY", country="+86", now=utc_now()))
    assert bool(good) is not bool(bad)


def test_the_command_explains_its_columns() -> None:
    said = CliRunner().invoke(cli, ["import", "--help"])
    assert said.exit_code == 0
    assert "sku_code, list_price" in said.output


async def test_the_command_says_which_rows_are_bad(
    shop: Shop, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio  # noqa: PLC0415  # the command has a loop of its own

    file = tmp_path / "stores.csv"
    file.write_text("code,name\nN1,新店\nN2,\n", encoding="utf-8")
    monkeypatch.setenv("MIDSTAGE_DATABASE_URL", database_url)
    monkeypatch.setenv("MIDSTAGE_HOME", str(tmp_path))
    words = ["import", "stores", str(file), "--brand", shop.tenant.code]
    bad = await asyncio.to_thread(CliRunner().invoke, cli, words)
    assert (bad.exit_code, "line 3 name: it is missing" in bad.output) == (1, True), bad.output
    kept = await asyncio.to_thread(CliRunner().invoke, cli, [*words, "--keep-good", "--json"])
    assert (kept.exit_code, '"written": 1' in kept.output) == (1, True), kept.output
    assert "N1" in (await _state(shop))["stores"]
