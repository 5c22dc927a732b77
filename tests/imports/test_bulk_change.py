"""Changes by file: what each row would do is shown first, and done once, whole, if nothing has moved."""

import asyncio
from datetime import timedelta

import pytest

from midstage.fronts._http.files import FileMissing, FileUnreadable
from midstage.fronts._http.rows import changes
from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.kit.paging import PageRequest
from midstage.kit.refusals import Refusal
from midstage.middle.catalogue import api as catalogue
from midstage.middle.catalogue.api import ChangeKind, ChangeRow, ChangeSet, FieldChange, Outcome
from midstage.middle.pricing import api as pricing
from shop import PRICE_MINOR, Shop
from shop.goods import choose_goods, well

COATS = """code,name,name_en,category,tax_class,state,sku_code,barcode,option1_name,option1_value,option2_name,option2_value
C1,羊绒大衣,Cashmere coat,coats,standard,live,C1-RM,6901234567892,颜色,红,尺码,M
C1,,,,,,C1-RL,,颜色,红,尺码,L
C1,,,,,,C1-BM,,颜色,蓝,尺码,M
C2,围巾,Scarf,coats,standard,draft,,,,,,
"""


async def _preview(shop: Shop, kind: ChangeKind, text: str, name: str = "") -> tuple[ChangeSet, list[ChangeRow]]:
    async def work(tx: Tx) -> tuple[ChangeSet, list[ChangeRow]]:
        found = await changes.preview(tx, kind, text.encode(), name)
        rows = await catalogue.change_rows(tx, found.change_id, None, PageRequest(None, 100))
        return found, rows.items

    return await shop.do(work)


async def _apply(shop: Shop, change: ChangeSet, *, keep_good: bool = False) -> ChangeSet:
    return await shop.do(lambda tx: changes.apply(tx, change.change_id, list(ChangeKind), all_or_nothing=not keep_good))


async def _product(shop: Shop, code: str) -> catalogue.Product:
    async with shop.database.reading(shop.tenant) as tx:
        return await catalogue.product(tx, (await catalogue.product_ids(tx, [code]))[code])


def _outcomes(rows: list[ChangeRow]) -> list[str]:
    return [row.outcome.value for row in rows]


def _faults(rows: list[ChangeRow]) -> set[tuple[int, str, str]]:
    assert all(fault.reason_zh and fault.reason_en for row in rows for fault in row.faults)
    return {(row.line, fault.column, fault.code) for row in rows for fault in row.faults}


async def test_products_with_several_skus_are_shown_first_and_made_then(shop: Shop) -> None:
    change, rows = await _preview(shop, ChangeKind.PRODUCTS, COATS, "春装.csv")
    assert (change.created, change.changed, change.same, change.faulty) == (4, 0, 0, 0)
    assert (change.file_name, change.written, change.applied_at) == ("春装.csv", 0, None)
    assert _outcomes(rows) == ["new"] * 4
    assert FieldChange("name", None, "羊绒大衣") in rows[0].fields
    assert FieldChange("options", None, "红 / L") in rows[1].fields
    async with shop.database.reading(shop.tenant) as tx:
        assert await catalogue.product_ids(tx, ["C1", "C2"]) == {}, "a preview makes nothing"

    applied = await _apply(shop, change)
    assert (applied.state, applied.written) == (catalogue.ChangeState.APPLIED, 4)
    coat, scarf = await _product(shop, "C1"), await _product(shop, "C2")
    assert [option.name.zh for option in coat.options] == ["颜色", "尺码"]
    assert [[value.code for value in option.values] for option in coat.options] == [["红", "蓝"], ["M", "L"]]
    assert {sku.code: sku.options for sku in coat.skus} == {
        "C1-RM": {"颜色": "红", "尺码": "M"},
        "C1-RL": {"颜色": "红", "尺码": "L"},
        "C1-BM": {"颜色": "蓝", "尺码": "M"},
    }
    assert {sku.state for sku in coat.skus} == {catalogue.State.LIVE}
    assert (scarf.state, [sku.code for sku in scarf.skus]) == (catalogue.State.DRAFT, ["C2"])
    async with shop.database.reading(shop.tenant) as tx:
        assert [one.code for one in (await catalogue.search(tx, "羊绒")).items] == ["C1"]
        assert (await catalogue.by_barcode(tx, "6901234567892")).sku_id in {sku.sku_id for sku in coat.skus}

    again, rows = await _preview(shop, ChangeKind.PRODUCTS, COATS)
    assert again.same == 4, rows
    await well(shop)


async def test_only_what_the_file_says_is_changed(shop: Shop) -> None:
    await _apply(shop, (await _preview(shop, ChangeKind.PRODUCTS, COATS))[0])
    before = await _product(shop, "C1")
    text = (
        "code,trademark,sku_code,barcode,sku_state,option1_name,option1_value,option2_name,option2_value\n"
        "C1,云织,C1-RM,-,,,,,\nC1,,C1-RL,,retired,,,,\nC1,,C1-GM,,live,颜色,绿,尺码,M\nC2,,,,,,,,\n"
    )
    change, rows = await _preview(shop, ChangeKind.PRODUCTS, text)
    assert _outcomes(rows) == ["changed", "changed", "new", "same"]
    assert list(rows[0].fields) == [FieldChange("trademark", "", "云织"), FieldChange("barcode", "6901234567892", "")]
    assert list(rows[1].fields) == [FieldChange("sku_state", "live", "retired")]
    assert (await _apply(shop, change)).written == 3
    after = await _product(shop, "C1")
    assert (after.name, after.trademark, after.version) == (before.name, "云织", before.version + 1)
    skus = {sku.code: sku for sku in after.skus}
    assert (skus["C1-RM"].barcodes, skus["C1-RM"].options) == ([], {"颜色": "红", "尺码": "M"})
    assert skus["C1-RL"].state is catalogue.State.RETIRED
    assert skus["C1-GM"].options == {"颜色": "绿", "尺码": "M"}
    assert (await _product(shop, "C2")).version == 1
    await well(shop)


async def test_wrong_rows_are_pointed_at_and_good_ones_kept_if_one_likes(shop: Shop) -> None:
    text = (
        "code,name,category,tax_class,state,sku_code,barcode,unit\n"
        "D1,一,coats,standard,,D1,,\n"
        "D2,二,nowhere,standard,,D2,,\n"
        "D3,三,coats,standard,,D3-A,1234567890123,\n"
        "D3,不是三,,,,D3-B,,\n"
        "D4,四,coats,,,D4,,\n"
        "D5,五,coats,standard,live,P0-M,,\n"
        "D6,六,coats,standard,gone,D6,,stone\n"
        ",七,coats,standard,,D7,,\n"
        "D1,八,coats,standard,,D8,,\n"
    )
    change, rows = await _preview(shop, ChangeKind.PRODUCTS, text)
    assert (change.created, change.faulty) == (1, 8)
    assert _faults(rows) == {
        (3, "category", "unknown"),
        (4, "", "product_faulty"),
        (5, "name", "differs"),
        (6, "", "catalogue_text_wrong"),
        (7, "", "sku_code_taken"),
        (8, "state", "not_one_of"),
        (8, "unit", "not_one_of"),
        (9, "code", "missing"),
        (10, "", "twice"),
    }
    with pytest.raises(catalogue.ChangeHasFaults) as refused:
        await _apply(shop, change)
    assert refused.value.faulty == 8
    applied = await _apply(shop, change, keep_good=True)
    assert applied.written == 1
    async with shop.database.reading(shop.tenant) as tx:
        assert set(await catalogue.product_ids(tx, [f"D{n}" for n in range(1, 9)])) == {"D1"}
    await well(shop)


async def test_what_has_moved_since_the_preview_is_refused_whole(shop: Shop) -> None:
    text = "code,trademark\nP0,新牌\nP1,新牌\n"
    change, _ = await _preview(shop, ChangeKind.PRODUCTS, text)
    product = shop.products[1].product_id
    await shop.do(lambda tx: catalogue.change_product(tx, product, catalogue.ProductChange(tags=["x"])))
    with pytest.raises(catalogue.ChangeMoved) as refused:
        await _apply(shop, change, keep_good=True)
    assert refused.value.line == 3
    assert (await _product(shop, "P0")).trademark == "", "nothing of it was applied"
    anew, _ = await _preview(shop, ChangeKind.PRODUCTS, text)
    await _apply(shop, anew)
    assert [(await _product(shop, code)).trademark for code in ("P0", "P1")] == ["新牌", "新牌"]
    await well(shop)


async def test_a_change_is_applied_once_however_many_try(shop: Shop) -> None:
    change, _ = await _preview(shop, ChangeKind.PRICES, "sku_code,list_price\nP0-M,99.00\n")

    async def attempt() -> bool:
        try:
            await _apply(shop, change)
        except catalogue.ChangeAppliedBefore:
            return False
        return True

    assert sorted(await asyncio.gather(*(attempt() for _ in range(4)))) == [False, False, False, True]
    async with shop.database.reading(shop.tenant) as tx:
        assert (await pricing.base_prices(tx, shop.skus[:1]))[shop.skus[0]].list_minor == 9_900
    await well(shop)


async def test_prices_are_compared_and_set(shop: Shop) -> None:
    text = "sku_code,list_price,supply_price\nP0-M,128.00,\nP1-M,199.5,60\nP2-M,,1\nNONE,1,\nP1-M,3,\n"
    change, rows = await _preview(shop, ChangeKind.PRICES, text)
    assert _outcomes(rows) == ["same", "changed", "fault", "fault", "fault"]
    assert list(rows[1].fields) == [
        FieldChange("list_price", f"{(PRICE_MINOR + 100) / 100:.2f}", "199.50"),
        FieldChange("supply_price", "", "60.00"),
    ]
    assert _faults(rows) == {(4, "list_price", "missing"), (5, "sku_code", "unknown"), (6, "", "twice")}
    await _apply(shop, change, keep_good=True)
    kept, _ = await _preview(shop, ChangeKind.PRICES, "sku_code,list_price\nP1-M,200\n")
    await _apply(shop, kept)
    async with shop.database.reading(shop.tenant) as tx:
        price = (await pricing.base_prices(tx, shop.skus))[shop.skus[1]]
    assert (price.list_minor, price.supply_minor) == (20_000, 6_000), "what is left out stays"
    emptied, _ = await _preview(shop, ChangeKind.PRICES, "sku_code,list_price,supply_price\nP1-M,200,-\n")
    await _apply(shop, emptied)
    async with shop.database.reading(shop.tenant) as tx:
        assert (await pricing.base_prices(tx, shop.skus))[shop.skus[1]].supply_minor is None
    await well(shop)


async def test_listing_is_written_and_taken_out(shop: Shop) -> None:
    await choose_goods(shop, shop.stores[0].store_id, opt_out=True)
    text = (
        "product_code,kind,sales_channel,store_code,reason,action\n"
        "P0,listed,mall,,,\nP0,opted_out,,S0,no room,\nP1,opted_out,,S1,no,\nP1,withheld,,,season,\n"
        "P2,opted_out,,,x,\nP9,listed,,,,\nP2,listed,,,,remove\n"
    )
    change, rows = await _preview(shop, ChangeKind.LISTINGS, text)
    assert _outcomes(rows) == ["new", "new", "fault", "new", "fault", "fault", "same"]
    assert _faults(rows) == {
        (4, "", "opt_out_not_allowed"),
        (6, "", "listing_scope_wrong"),
        (7, "product_code", "unknown"),
    }
    await _apply(shop, change, keep_good=True)
    async with shop.database.reading(shop.tenant) as tx:
        assert len((await catalogue.listings(tx)).items) == 3
    out, rows = await _preview(
        shop, ChangeKind.LISTINGS, "product_code,kind,sales_channel,action\nP0,listed,mall,remove\nP1,withheld,,\n"
    )
    assert _outcomes(rows) == ["changed", "changed"]
    assert list(rows[1].fields) == [FieldChange("reason", "season", "")]
    await _apply(shop, out)
    async with shop.database.reading(shop.tenant) as tx:
        left = (await catalogue.listings(tx)).items
    assert [(one.kind.value, one.reason) for one in left] == [("opted_out", "no room"), ("withheld", "")]
    await well(shop)


async def test_categories_build_on_each_other_and_tax_classes_move_their_products(shop: Shop) -> None:
    text = "code,name,parent,rank\nwinter,冬季,,\ncoats,,winter,5\nlong,长款,coats,\nloop,圈,loop,\nwinter,又,,\n"
    change, rows = await _preview(shop, ChangeKind.CATEGORIES, text)
    assert _outcomes(rows) == ["new", "changed", "new", "fault", "fault"]
    assert list(rows[1].fields) == [FieldChange("parent", "", "winter"), FieldChange("rank", "0", "5")]
    assert _faults(rows) == {(5, "", "no_such_category"), (6, "", "twice")}
    await _apply(shop, change, keep_good=True)
    async with shop.database.reading(shop.tenant) as tx:
        ids = await catalogue.category_ids(tx, ["winter", "coats", "long"])
        tree = {one.code: one.path for one in await catalogue.categories(tx)}
    assert tree["long"] == [ids["winter"], ids["coats"], ids["long"]]
    assert (await _product(shop, "P0")).category_path == [ids["winter"], ids["coats"]]
    into_itself, rows = await _preview(shop, ChangeKind.CATEGORIES, "code,parent\nwinter,long\ncoats,-\n")
    assert _faults(rows) == {(2, "", "category_misplaced")}
    await _apply(shop, into_itself, keep_good=True)

    taxes, rows = await _preview(
        shop,
        ChangeKind.TAX_CLASSES,
        "code,name,rate,inclusive\nstandard,,9.5,\nfood,食品,9,true\nbad,坏,101,\nno,无,,\n",
    )
    assert _outcomes(rows) == ["changed", "new", "fault", "fault"]
    assert list(rows[0].fields) == [FieldChange("rate", "13", "9.5")]
    await _apply(shop, taxes, keep_good=True)
    async with shop.database.reading(shop.tenant) as tx:
        offer = (await catalogue.offers(tx, shop.skus[:1]))[shop.skus[0]]
        assert offer.tax_rate_millionths == 95_000
        assert set(await catalogue.tax_classes(tx)) == {"standard", "food"}
    await well(shop)


async def test_a_file_of_other_columns_or_none_is_refused_as_a_whole(shop: Shop) -> None:
    for kind, text, refusal in (
        (ChangeKind.PRODUCTS, "name\nx\n", FileUnreadable),
        (ChangeKind.PRODUCTS, "code,colour\nx,y\n", FileUnreadable),
        (ChangeKind.PRICES, "sku_code\nx\n", FileUnreadable),
        (ChangeKind.PRODUCTS, 'code\n"x\n', FileUnreadable),
        (ChangeKind.PRODUCTS, "", FileMissing),
    ):
        with pytest.raises(refusal) as refused:
            await _preview(shop, kind, text)
        assert isinstance(refused.value, Refusal)
    change, rows = await _preview(
        shop, ChangeKind.PRODUCTS, '{"code": "P0", "colour": "red"}\n[1]\n{"code": "P1", "name": 7}\n'
    )
    assert _outcomes(rows) == ["fault", "fault", "changed"]
    assert _faults(rows) == {(1, "colour", "column_unknown"), (2, "", "not_an_object")}
    assert change.faulty == 2
    async with shop.database.reading(shop.tenant) as tx:
        assert len((await catalogue.change_sets(tx, list(ChangeKind))).items) == 1


async def test_a_preview_is_kept_for_seven_days(shop: Shop) -> None:
    change, _ = await _preview(shop, ChangeKind.PRICES, "sku_code,list_price\nP0-M,99.00\n")
    later = utc_now() + timedelta(days=7, minutes=1)
    with pytest.raises(catalogue.NoSuchChange):
        await shop.do(lambda tx: changes.apply(tx, change.change_id, list(ChangeKind), all_or_nothing=True), now=later)
    assert await shop.do(catalogue.forget_changes) == 0
    assert await shop.do(catalogue.forget_changes, now=later) == 1
    async with shop.database.reading(shop.tenant) as tx:
        with pytest.raises(catalogue.NoSuchChange):
            await catalogue.change_rows(tx, change.change_id)
    await well(shop)


async def test_many_rows_are_read_and_written_in_batches(shop: Shop) -> None:
    most = changes.BATCH + 20
    head = "code,name,category,tax_class,sku_code,option1_name,option1_value\n"
    rows = [f"B{n:04},第{n}号,coats,standard,B{n:04}-{size},尺码,{size}\n" for n in range(most) for size in "ML"]
    sent: list[int] = []

    async def preview(tx: Tx) -> ChangeSet:
        tx.recorder = []
        found = await changes.preview(tx, ChangeKind.PRODUCTS, (head + "".join(rows)).encode())
        sent.append(len(tx.recorder))
        return found

    change = await shop.do(preview)
    assert change.created == 2 * most
    assert sent[0] < 40, "so many statements for two batches, not for a thousand rows"

    async def apply(tx: Tx) -> ChangeSet:
        tx.recorder = []
        found = await changes.apply(tx, change.change_id, list(ChangeKind), all_or_nothing=True)
        sent.append(len(tx.recorder))
        return found

    assert (await shop.do(apply)).written == 2 * most
    assert sent[1] < 80
    async with shop.database.reading(shop.tenant) as tx:
        skus = await catalogue.sku_ids(tx, [f"B{n:04}-L" for n in range(most)])
        assert len(skus) == most
        page = await catalogue.change_rows(tx, change.change_id, Outcome.NEW, PageRequest(None, 3))
        assert [row.line for row in page.items] == [2, 3, 4]
    await well(shop)
