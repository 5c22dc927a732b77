"""Products, skus, categories and tax classes through the door, and what did not happen."""

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import BrandId, new_id
from midstage.middle.catalogue import api as catalogue
from midstage.middle.catalogue.api import (
    AttributeDefinition,
    AttributeKind,
    Barcode,
    BarcodeKind,
    CategoryDraft,
    CategoryId,
    Media,
    Name,
    Offer,
    Option,
    OptionValue,
    Product,
    ProductChange,
    ProductDraft,
    ProductId,
    SkuChange,
    SkuDraft,
    SkuId,
    State,
    TaxClass,
    Unit,
)

SIZES = Option("size", Name("尺码", "Size"), [OptionValue(size, Name(size)) for size in ("S", "M", "L")])
COAT = ProductDraft(
    code="COAT",
    name=Name("羊毛大衣", "Wool coat"),
    category_id=CategoryId(new_id()),
    tax_class="standard",
    options=[SIZES],
    skus=[SkuDraft("COAT-S", {"size": "S"}), SkuDraft("COAT-M", {"size": "M"}, rank=1)],
)
TREE = [
    CategoryDraft("wear", Name("服装", "Clothing")),
    CategoryDraft("coat", Name("呢外衣", "Coats"), "wear"),
    CategoryDraft("long", Name("长款", "Long"), "coat"),
    CategoryDraft("sale", Name("特卖", "Sale")),
]


async def _shelf(tx: Tx) -> dict[str, CategoryId]:
    await catalogue.set_tax_class(tx, TaxClass("standard", Name("标准"), 130_000, inclusive=True))
    return await catalogue.load_categories(tx, TREE)


async def _coat(tx: Tx, **changes: object) -> Product:
    ids = await _shelf(tx)
    made = await catalogue.create_product(tx, msgspec.structs.replace(COAT, category_id=ids["coat"], **changes))
    tx.told.clear()
    tx.noted.clear()
    return made


def _told(tx: Tx) -> list[str]:
    return [type(fact).__name__ for fact, _ in tx.told]


async def test_a_product_goes_live_with_its_skus_and_comes_back_after_retirement(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        draft = await _coat(tx)
        with pytest.raises(catalogue.NoSuchProduct):
            await catalogue.product(tx, draft.product_id, visible_only=True)
        live = await catalogue.publish_product(tx, draft.product_id, seen=draft.version)
        assert live.published_at == tx.now
        assert [sku.state for sku in live.skus] == [State.LIVE, State.LIVE]
        await catalogue.retire_sku(tx, live.skus[0].sku_id)
        shown = await catalogue.product(tx, draft.product_id, visible_only=True)
        assert [sku.code for sku in shown.skus] == ["COAT-M"]
        await catalogue.retire_product(tx, draft.product_id)
        with pytest.raises(catalogue.NotForSale):
            await catalogue.confirm(tx, [live.skus[1].sku_id])
        with pytest.raises(catalogue.StateWrong):
            await catalogue.retire_product(tx, draft.product_id)
        back = await catalogue.publish_product(tx, draft.product_id)
        assert [sku.state for sku in back.skus] == [State.RETIRED, State.LIVE]
        assert _told(tx) == ["ProductPublished", "SkuRetired", "ProductRetired", "ProductPublished"]
        assert [entry.action.removeprefix("catalogue.") for entry in tx.noted] == [
            "publish_product",
            "retire_sku",
            "retire_product",
            "publish_product",
        ]


async def test_a_product_without_a_sku_to_sell_stays_a_draft(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        empty = await _coat(tx, skus=[])
        with pytest.raises(catalogue.NotPublishable):
            await catalogue.publish_product(tx, empty.product_id)
        with pytest.raises(catalogue.NotPublishable):
            bad = msgspec.structs.replace(COAT, code="X", category_id=empty.category_id, skus=[], state=State.LIVE)
            await catalogue.load_products(tx, [bad])
        assert (await catalogue.product(tx, empty.product_id)).state is State.DRAFT
        assert tx.told == []


async def test_a_change_is_written_over_the_version_that_was_seen_only(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        coat = await _coat(tx)
    async with db.writing(tenant) as tx:
        new = ProductChange(name=Name("羊绒大衣"), tags=["新"], media=[Media("/media/1.jpg")])
        changed = await catalogue.change_product(tx, coat.product_id, new, seen=coat.version)
        assert changed == await catalogue.product(tx, coat.product_id)
        assert (changed.name, changed.code, changed.version) == (Name("羊绒大衣"), "COAT", coat.version + 1)
        (fact,) = (fact for fact, _ in tx.told)
        assert isinstance(fact, catalogue.ProductChanged)
        assert fact.fields == ["name", "tags", "media"]
        assert tx.noted[0].before == {"name": coat.name, "tags": [], "media": []}
        with pytest.raises(catalogue.ProductChangedMeanwhile):
            await catalogue.change_product(tx, coat.product_id, ProductChange(trademark="x"), seen=coat.version)
        assert len((await catalogue.search(tx, "羊绒")).items) == 1
        assert (await catalogue.search(tx, "羊毛")).items == []


async def test_of_two_changes_at_once_one_is_sent_back(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        coat = await _coat(tx)

    async def rename(name: str) -> None:
        async with db.writing(tenant) as tx:
            await catalogue.change_product(tx, coat.product_id, ProductChange(trademark=name), seen=coat.version)

    outcomes = await asyncio.gather(*(rename(f"T{n}") for n in range(6)), return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 1
    assert sum(isinstance(outcome, catalogue.ProductChangedMeanwhile) for outcome in outcomes) == 5
    async with db.reading(tenant) as tx:
        assert (await catalogue.product(tx, coat.product_id)).version == coat.version + 1


async def test_skus_are_added_and_changed_with_their_barcodes(db: Database, tenant: Tenant) -> None:
    code = Barcode(BarcodeKind.EAN13, "6901234567892")
    case = Barcode(BarcodeKind.GTIN14, "16901234567899", 12_000)
    async with db.writing(tenant) as tx:
        coat = await _coat(tx)
        large = await catalogue.add_sku(tx, coat.product_id, SkuDraft("COAT-L", {"size": "L"}, [code]))
        assert large.state is State.DRAFT
        assert (await catalogue.by_barcode(tx, "6901234567892")).sku_id == large.sku_id
        changed = await catalogue.change_sku(tx, large.sku_id, SkuChange(code="COAT-XL", barcodes=[case]))
        assert changed == (await catalogue.product(tx, coat.product_id)).skus[1]
        assert (await catalogue.by_barcode(tx, case.code)).milli == 12_000
        with pytest.raises(catalogue.NoSuchBarcode):
            await catalogue.by_barcode(tx, code.code)
        assert [hit.code for hit in (await catalogue.search(tx, "coat-xl")).items] == ["COAT"]
        await catalogue.publish_product(tx, coat.product_id)
        assert (
            await catalogue.publish_sku(tx, (await catalogue.retire_sku(tx, large.sku_id)).sku_id)
        ).state is State.LIVE
        assert _told(tx) == ["SkuAdded", "ProductChanged", "ProductPublished", "SkuRetired", "SkuPublished"]


async def test_what_is_wrong_in_a_sku_is_named_and_nothing_is_written(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        coat = await _coat(tx)
    wrong = {
        catalogue.OptionsWrong: SkuDraft("X", {"size": "XXL"}),
        catalogue.OptionsTaken: SkuDraft("X", {"size": "S"}),
        catalogue.SkuCodeTaken: SkuDraft("COAT-S", {"size": "L"}),
        catalogue.UnitStepWrong: SkuDraft("X", {"size": "L"}, milli_step=500),
        catalogue.BarcodeWrong: SkuDraft("X", {"size": "L"}, [Barcode(BarcodeKind.EAN13, "6901234567893")]),
        catalogue.CatalogueTextWrong: SkuDraft(" X", {"size": "L"}),
    }
    for refusal, sku in wrong.items():
        with pytest.raises(refusal):
            async with db.writing(tenant) as tx:
                await catalogue.add_sku(tx, coat.product_id, sku)
    async with db.reading(tenant) as tx:
        assert await catalogue.product(tx, coat.product_id) == coat


async def test_what_is_wrong_in_a_product_is_named_and_nothing_is_written(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        coat = await _coat(tx)
        definitions = [
            AttributeDefinition("washable", AttributeKind.BOOLEAN, Name("可水洗")),
            AttributeDefinition("weight", AttributeKind.NUMBER, Name("克重")),
        ]
        await catalogue.define_attributes(tx, coat.category_id, definitions)
        before = await catalogue.product(tx, coat.product_id)
    wrong: list[tuple[type[Exception], ProductChange]] = [
        (catalogue.CatalogueTextWrong, ProductChange(name=Name())),
        (catalogue.CatalogueTextWrong, ProductChange(name=Name("a\x07b"))),
        (catalogue.CatalogueTextWrong, ProductChange(code="x" * 65)),
        (catalogue.MediaWrong, ProductChange(media=[Media("javascript:alert(1)")])),
        (catalogue.MediaWrong, ProductChange(media=[Media("//elsewhere/x.jpg")])),
        (catalogue.NoSuchCategory, ProductChange(category_id=CategoryId(new_id()))),
        (catalogue.NoSuchTaxClass, ProductChange(tax_class="none")),
        (catalogue.AttributeWrong, ProductChange(attributes={"colour": "red"})),
        (catalogue.AttributeWrong, ProductChange(attributes={"washable": "yes"})),
        (catalogue.AttributeWrong, ProductChange(attributes={"weight": True})),
        (catalogue.AttributeWrong, ProductChange(attributes={"weight": float("nan")})),
        (catalogue.OptionsWrong, ProductChange(options=[])),
        (catalogue.TooManyOf, ProductChange(tags=[str(n) for n in range(51)])),
    ]
    for refusal, change in wrong:
        with pytest.raises(refusal):
            async with db.writing(tenant) as tx:
                await catalogue.change_product(tx, coat.product_id, change)
    async with db.reading(tenant) as tx:
        assert await catalogue.product(tx, coat.product_id) == before


async def test_a_new_name_of_an_option_shows_in_the_offers(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        coat = await _coat(tx)
        named = Option("size", Name("尺码"), [OptionValue("S", Name("小码", "Small")), *SIZES.values[1:]])
        await catalogue.change_product(tx, coat.product_id, ProductChange(options=[named]))
        offers = await catalogue.offers(tx, [sku.sku_id for sku in coat.skus])
        assert sorted((offer.options_text, offer.options_text_en) for offer in offers.values()) == [
            ("M", "M"),
            ("小码", "Small"),
        ]


async def test_a_new_tax_rate_reaches_every_offer(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        coat = await _coat(tx)
        await catalogue.set_tax_class(tx, TaxClass("standard", Name("标准"), 90_000, inclusive=False))
        (offer, *_) = (await catalogue.offers(tx, [coat.skus[0].sku_id])).values()
        assert (offer.tax_rate_millionths, offer.tax_inclusive) == (90_000, False)
        with pytest.raises(catalogue.TaxRateWrong):
            await catalogue.set_tax_class(tx, TaxClass("x", Name("x"), 1_000_001, inclusive=True))
        assert set(await catalogue.tax_classes(tx)) == {"standard"}
        assert await catalogue.checks(tx) == []


async def test_a_moved_or_renamed_category_takes_its_products_along(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        coat = await _coat(tx)
        ids = await catalogue.category_ids(tx, [draft.code for draft in TREE])
        await catalogue.change_category(tx, ids["coat"], name=Name("外套", "Jackets"))
        assert len((await catalogue.search(tx, "外套")).items) == 1
        assert (await catalogue.search(tx, "呢外衣")).items == []
        moved = await catalogue.move_category(tx, ids["coat"], parent_id=ids["sale"])
        assert moved.path == [ids["sale"], ids["coat"]]
        offers = await catalogue.offers(tx, [coat.skus[0].sku_id])
        assert offers[coat.skus[0].sku_id].category_path == [ids["sale"], ids["coat"]]
        tree = {found.code: found.path for found in await catalogue.categories(tx)}
        assert tree["long"] == [ids["sale"], ids["coat"], ids["long"]]
        assert len((await catalogue.search(tx, "特卖")).items) == 1
        assert (await catalogue.search(tx, "服装")).items == []
        with pytest.raises(catalogue.CategoryMisplaced):
            await catalogue.move_category(tx, ids["coat"], parent_id=ids["long"])
        with pytest.raises(catalogue.CategoryNotEmpty):
            await catalogue.remove_category(tx, ids["coat"])
        await catalogue.remove_category(tx, ids["long"])
        assert "long" not in {found.code for found in await catalogue.categories(tx)}
        assert await catalogue.checks(tx) == []


async def test_a_product_written_while_its_category_moves_lies_where_the_category_went(
    db: Database, tenant: Tenant
) -> None:
    async with db.writing(tenant) as tx:
        ids = await _shelf(tx)

    async def sell(number: int) -> None:
        draft = ProductDraft(f"P{number}", Name("衣"), ids["coat"], "standard", [SkuDraft(f"P{number}")])
        async with db.writing(tenant) as tx:
            await catalogue.load_products(tx, [draft])

    async def move(parent: str) -> None:
        async with db.writing(tenant) as tx:
            await catalogue.move_category(tx, ids["coat"], parent_id=ids[parent])

    for parent in ("sale", "wear"):
        await asyncio.gather(*(sell(new_id().int) if n % 4 else move(parent) for n in range(8)))
    async with db.reading(tenant) as tx:
        assert await catalogue.checks(tx) == []
        found = await catalogue.products(tx, catalogue.ProductFilters(category_id=ids["wear"]))
        assert len(found.items) == 12


async def test_categories_are_checked_as_a_tree(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        await _shelf(tx)
        with pytest.raises(catalogue.CategoryCodeTaken):
            await catalogue.create_category(tx, CategoryDraft("wear", Name("再来")))
        with pytest.raises(catalogue.NoSuchCategory):
            await catalogue.create_category(tx, CategoryDraft("x", Name("x"), "nowhere"))
        deep = [CategoryDraft(f"d{n}", Name("深"), f"d{n - 1}" if n else None) for n in range(9)]
        with pytest.raises(catalogue.CategoryMisplaced):
            await catalogue.load_categories(tx, deep)
        assert len(await catalogue.categories(tx)) == len(TREE)
        assert await catalogue.load_categories(tx, deep[:8]) != {}


async def test_an_attribute_that_products_have_keeps_its_kind(db: Database, tenant: Tenant) -> None:
    material = AttributeDefinition("material", AttributeKind.CHOICE, Name("材质", "Material"), ["wool", "silk"])
    async with db.writing(tenant) as tx:
        ids = await _shelf(tx)
        await catalogue.define_attributes(tx, ids["wear"], [material])
        draft = msgspec.structs.replace(COAT, category_id=ids["coat"], attributes={"material": "wool"})
        await catalogue.create_product(tx, draft)
        assert [found.code for found in await catalogue.attributes(tx, ids["long"])] == ["material"]
        for narrower in ([], [msgspec.structs.replace(material, choices=["silk"])]):
            with pytest.raises(catalogue.AttributeInUse):
                await catalogue.define_attributes(tx, ids["wear"], narrower)
        wider = msgspec.structs.replace(material, choices=["wool", "silk", "linen"])
        await catalogue.define_attributes(tx, ids["wear"], [wider])
        with pytest.raises(catalogue.AttributeWrong):
            await catalogue.define_attributes(tx, ids["wear"], [msgspec.structs.replace(material, code="a=b")])
        assert await catalogue.attributes(tx, ids["coat"]) == [wider]


def _offer(step: int) -> Offer:
    return Offer(
        SkuId(new_id()), ProductId(new_id()), "S", "", "", "", "", Unit.PIECE, step, "", 0, True, [], "", True
    )  # fmt: skip


@given(st.integers(-5_000, 5_000), st.sampled_from([1, 5, 100, 1000, 2000]))
def test_a_quantity_is_a_positive_multiple_of_the_step(quantity: int, step: int) -> None:
    if quantity > 0 and quantity % step == 0:
        catalogue.check_quantity(_offer(step), quantity)
    else:
        with pytest.raises(catalogue.QuantityUnsellable):
            catalogue.check_quantity(_offer(step), quantity)


async def test_half_a_piece_is_not_sold_and_half_a_kilogram_is(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        ids = await _shelf(tx)
        drafts = [
            ProductDraft("tin", Name("罐头"), ids["sale"], "standard", [SkuDraft("tin")]),
            ProductDraft(
                "pear", Name("梨"), ids["sale"], "standard", [SkuDraft("pear", unit=Unit.KILOGRAM, milli_step=5)]
            ),
        ]
        skus = (await catalogue.load_products(tx, drafts)).skus
        offers = await catalogue.offers(tx, list(skus.values()))
        with pytest.raises(catalogue.QuantityUnsellable):
            catalogue.check_quantity(offers[skus["tin"]], 500)
        catalogue.check_quantity(offers[skus["pear"]], 500)
        with pytest.raises(catalogue.QuantityUnsellable):
            catalogue.check_quantity(offers[skus["pear"]], 502)


async def test_nothing_of_one_brand_can_be_changed_by_another(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        coat = await _coat(tx)
    async with db.writing(Tenant(BrandId(tenant.brand + 500_000), "stranger")) as tx:
        for attempt, refusal in (
            (catalogue.product(tx, coat.product_id), catalogue.NoSuchProduct),
            (catalogue.publish_product(tx, coat.product_id), catalogue.NoSuchProduct),
            (catalogue.retire_sku(tx, coat.skus[0].sku_id), catalogue.NoSuchSku),
            (catalogue.remove_category(tx, coat.category_id), catalogue.NoSuchCategory),
        ):
            with pytest.raises(refusal):
                await attempt
        assert (await catalogue.search(tx, "羊毛")).items == []
    async with db.reading(tenant) as tx:
        assert await catalogue.product(tx, coat.product_id) == coat
