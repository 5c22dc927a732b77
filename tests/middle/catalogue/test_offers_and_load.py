"""Loading products and what checkout reads of them."""

import pytest

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import BrandId
from midstage.middle.catalogue import api as catalogue
from midstage.middle.catalogue.api import (
    Barcode,
    BarcodeKind,
    CategoryDraft,
    CategoryId,
    Name,
    Option,
    OptionValue,
    ProductDraft,
    SkuDraft,
    SkuId,
    State,
    TaxClass,
    Unit,
)

COLOUR = Option(
    "colour", Name("颜色", "Colour"), [OptionValue("red", Name("红", "Red")), OptionValue("blue", Name("蓝"))]
)


async def _shelf(tx: Tx) -> CategoryId:
    await catalogue.set_tax_class(tx, TaxClass("standard", Name("标准", "Standard"), 130_000, inclusive=True))
    ids = await catalogue.load_categories(
        tx, [CategoryDraft("wear", Name("服装", "Clothing")), CategoryDraft("coat", Name("大衣", "Coats"), "wear")]
    )
    return ids["coat"]


def _coat(category_id: CategoryId, code: str = "C1", state: State = State.LIVE) -> ProductDraft:
    return ProductDraft(
        code=code,
        name=Name("羊毛大衣", "Wool coat"),
        category_id=category_id,
        tax_class="standard",
        trademark="云织",
        options=[COLOUR],
        skus=[
            SkuDraft(f"{code}-RED", {"colour": "red"}, [Barcode(BarcodeKind.STORE, f"{code}RED")]),
            SkuDraft(f"{code}-BLUE", {"colour": "blue"}),
        ],
        state=state,
    )


async def test_an_offer_has_all_that_checkout_asks_in_one_statement(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        coat = await _shelf(tx)
        loaded = await catalogue.load_products(tx, [_coat(coat)])
        tx.recorder = []
        found = await catalogue.offers(tx, [*loaded.skus.values(), SkuId(loaded.products["C1"])])
        assert len(tx.recorder) == 1
    assert set(found) == set(loaded.skus.values())
    red = found[loaded.skus["C1-RED"]]
    assert (red.title_zh, red.title_en, red.options_text, red.options_text_en) == ("羊毛大衣", "Wool coat", "红", "Red")
    assert (red.unit, red.milli_step, red.live, red.trademark) == (Unit.PIECE, 1000, True, "云织")
    assert (red.tax_class, red.tax_rate_millionths, red.tax_inclusive) == ("standard", 130_000, True)
    assert red.category_path[-1] == coat
    assert len(red.category_path) == 2


async def test_a_draft_is_not_live_and_another_brand_sees_nothing(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        loaded = await catalogue.load_products(tx, [_coat(await _shelf(tx), state=State.DRAFT)])
        skus = list(loaded.skus.values())
        assert [offer.live for offer in (await catalogue.offers(tx, skus)).values()] == [False, False]
        with pytest.raises(catalogue.NotForSale):
            await catalogue.confirm(tx, skus)
        await catalogue.publish_product(tx, loaded.products["C1"])
        await catalogue.confirm(tx, skus)
        await catalogue.require_skus(tx, skus)
    stranger = Tenant(BrandId(tenant.brand + 500_000), "stranger")
    async with db.reading(stranger) as tx:
        assert await catalogue.offers(tx, skus) == {}
        with pytest.raises(catalogue.NoSuchSku):
            await catalogue.require_skus(tx, skus)


async def test_a_load_with_a_taken_code_loads_nothing(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        coat = await _shelf(tx)
        await catalogue.load_products(tx, [_coat(coat)])
    for code, refusal in (("C1", catalogue.ProductCodeTaken), ("C2", catalogue.SkuCodeTaken)):
        taken = ProductDraft(code, Name("x"), coat, "standard", [SkuDraft("C1-RED")])
        with pytest.raises(refusal):
            async with db.writing(tenant) as tx:
                await catalogue.load_products(tx, [_coat(coat, "C9"), taken])
    again = SkuDraft("X", barcodes=[Barcode(BarcodeKind.STORE, "c1red")])
    with pytest.raises(catalogue.BarcodeTaken):
        async with db.writing(tenant) as tx:
            await catalogue.load_products(tx, [ProductDraft("X", Name("x"), coat, "standard", [again])])
    async with db.reading(tenant) as tx:
        assert set(await catalogue.product_ids(tx, ["C1", "C2", "C9", "X"])) == {"C1"}
        assert len((await catalogue.products(tx)).items) == 1
