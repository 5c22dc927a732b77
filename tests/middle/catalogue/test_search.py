"""Finding products by what is in their names, quickly, in Chinese and in English."""

import itertools
import json
import time
import unicodedata
from collections.abc import Sequence

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import BrandId, new_id
from midstage.kit.paging import BadCursor, PageRequest
from midstage.middle.catalogue import api as catalogue
from midstage.middle.catalogue import lexemes, store
from midstage.middle.catalogue.api import (
    AttributeDefinition,
    AttributeKind,
    Barcode,
    BarcodeKind,
    CategoryDraft,
    CategoryId,
    Name,
    Option,
    OptionValue,
    ProductDraft,
    ProductFilters,
    SkuDraft,
    Sort,
    State,
    TaxClass,
    Value,
)
from midstage.middle.catalogue.lexemes import Document

MATCHES = "select $1::text::tsvector @@ $2::text::tsquery"
WORDS = [
    "羊毛",
    "纯棉",
    "丝绸",
    "加厚",
    "修身",
    "宽松",
    "复古",
    "轻薄",
    "防水",
    "儿童",
    "女士",
    "男士",
    "经典",
    "新款",
    "夏季",
    "冬季",
    "大衣",
    "衬衫",
    "长裤",
    "短裙",
    "外套",
    "毛衣",
]
MAKES = ["云织", "Nordic Wool", "青禾", "O'Hara"]


async def _shelf(tx: Tx) -> CategoryId:
    await catalogue.set_tax_class(tx, TaxClass("standard", Name("标准"), 130_000, inclusive=True))
    ids = await catalogue.load_categories(
        tx, [CategoryDraft("wear", Name("服装", "Clothing")), CategoryDraft("coat", Name("大衣外套", "Coats"), "wear")]
    )
    material = AttributeDefinition("material", AttributeKind.CHOICE, Name("材质"), ["wool", "silk"])
    await catalogue.define_attributes(tx, ids["wear"], [material])
    return ids["coat"]


async def _sell(tx: Tx, names: Sequence[str | Name]) -> dict[str, str]:
    """Live products with these names; returns name → code."""
    category = await _shelf(tx)
    named = [name if isinstance(name, Name) else Name(name) for name in names]
    drafts = [
        ProductDraft(f"Q{n}", name, category, "standard", [SkuDraft(f"QS-{n}")], state=State.LIVE)
        for n, name in enumerate(named)
    ]
    await catalogue.load_products(tx, drafts)
    return {name.in_zh(): f"Q{n}" for n, name in enumerate(named)}


async def _found(tx: Tx, text: str, filters: ProductFilters | None = None) -> list[str]:
    return [hit.name.in_zh() for hit in (await catalogue.search(tx, text, filters or ProductFilters())).items]


# Few characters, so that the same pairs come again and again: what pairs without places would confuse.
_chinese = st.text("中国人的", max_size=10)
_mixed = st.text("中国人T恤x1 ，（-", max_size=14)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(_mixed | _chinese, min_size=1, max_size=3), asked=st.text("中国人的恤", min_size=1, max_size=5))
async def test_chinese_is_found_exactly_where_a_naive_search_finds_it(
    db: Database, tenant: Tenant, names: list[str], asked: str
) -> None:
    vector = lexemes.vector(Document(names=names, around=(), codes=(), gtins=(), marks=["=b1"]))
    query = lexemes.query(asked, ["=b1"])
    assert query is not None
    naive = any(asked in unicodedata.normalize("NFKC", name) for name in names)
    async with db.reading(tenant) as tx:
        assert await tx.value(MATCHES, vector, query.find) is naive
        assert await tx.value(MATCHES, vector, query.named) is naive


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=30), asked=st.text(max_size=20))
async def test_any_text_makes_a_vector_and_a_query_that_the_database_reads(
    db: Database, tenant: Tenant, name: str, asked: str
) -> None:
    mark = lexemes.trademark_mark(name.replace("\0", ""))
    vector = lexemes.vector(Document(names=[name], around=[name], codes=[name], gtins=(), marks=[mark]))
    async with db.reading(tenant) as tx:
        assert await tx.value(MATCHES, vector, lexemes.marked([mark])) is True
        for text in (asked, name):
            query = lexemes.query(text, [mark])
            found = None if query is None else await tx.value(MATCHES, vector, query.find)
            assert found in ({True, None} if text is name else {True, False, None})


async def test_english_is_found_by_the_beginnings_of_its_words_in_any_case(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        await _sell(tx, ["Wool Coat", "Café Crème Beans 12OZ", "T恤 Polo", "Coca-Cola 1.5L"])
        assert await _found(tx, "coat WOO") == ["Wool Coat"]
        assert await _found(tx, "cafe") == ["Café Crème Beans 12OZ"]
        assert await _found(tx, "ＣＡＦＥ　creme") == ["Café Crème Beans 12OZ"]
        assert await _found(tx, "12oz") == ["Café Crème Beans 12OZ"]
        assert await _found(tx, "t恤") == ["T恤 Polo"]
        assert await _found(tx, "恤") == ["T恤 Polo"]
        assert await _found(tx, "cola") == ["Coca-Cola 1.5L"]
        assert await _found(tx, "cocacol") == ["Coca-Cola 1.5L"]
        assert await _found(tx, "coca-cola 1.5l") == ["Coca-Cola 1.5L"]
        assert await _found(tx, "oat") == []
        assert await _found(tx, "wool bean") == []


async def test_the_nearest_name_comes_first(db: Database, tenant: Tenant) -> None:
    names = ["女士羊毛大衣加厚", "羊毛大衣经典款", "羊毛大衣", "女士羊毛大衣", Name("别的", "Other")]
    async with db.writing(tenant) as tx:
        await _sell(tx, names)
        assert await _found(tx, "羊毛大衣") == ["羊毛大衣", "羊毛大衣经典款", "女士羊毛大衣", "女士羊毛大衣加厚"]
        by_category = await _found(tx, "大衣")
        assert by_category[-1] == "别的"  # only its category has it
        assert len(by_category) == 5
        assert await _found(tx, "q2") == ["羊毛大衣"]


async def test_everything_that_names_a_product_finds_it_and_only_it(db: Database, tenant: Tenant) -> None:
    option = Option("colour", Name("颜色", "Colour"), [OptionValue("red", Name("胭脂红", "Rouge"))])
    async with db.writing(tenant) as tx:
        category = await _shelf(tx)
        skus = [
            SkuDraft("YZ-2026-R", {"colour": "red"}, [Barcode(BarcodeKind.UPCA, "036000291452")]),
        ]
        one = ProductDraft(
            "YZ1", Name("长裙"), category, "standard", skus, "O'Hara", options=[option], tags=["春季新品"]
        )
        two = ProductDraft("YZ2", Name("短裙"), category, "standard", [SkuDraft("B-1")])
        made = await catalogue.load_products(tx, [one, two])
        for text in (
            "yz-2026",
            "YZ2026R",
            "036000291452",
            "0036000291452",
            "o'hara",
            "OHARA",
            "胭脂",
            "rouge",
            "春季新",
            "yz1",
        ):
            assert await _found(tx, text) == ["长裙"], text
        for text in ("036000291453", "裙长", "胭脂 短", "yz-2027"):
            assert await _found(tx, text) == [], text
        await catalogue.retire_sku(tx, made.skus["YZ-2026-R"])
        assert await _found(tx, "yz-2026") == []
        assert (await catalogue.by_barcode(tx, "0036000291452")).sku_id == made.skus["YZ-2026-R"]


async def test_filters_hold_for_search_and_list_alike(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        coat = await _shelf(tx)
        other = await catalogue.create_category(tx, CategoryDraft("food", Name("食品", "Food")))

        def draft(code: str, category: CategoryId, trademark: str, **more: str) -> ProductDraft:
            attributes: dict[str, Value] = {"material": more["material"]} if "material" in more else {}
            return ProductDraft(
                code, Name("毛衣", code), category, "standard", [SkuDraft(code)], trademark, attributes=attributes,
                tags=[more["tag"]] if "tag" in more else [], state=State(more.get("state", "live")),
            )  # fmt: skip

        await catalogue.load_products(
            tx,
            [
                draft("A", coat, "O'Hara", material="wool", tag="New"),
                draft("B", coat, "云织", material="silk"),
                draft("C", other, "云织", tag="new"),
                draft("D", coat, "云织", state="draft"),
            ],
        )
        (top,) = (found.path[0] for found in await catalogue.categories(tx) if found.category_id == coat)
        expected = [
            (ProductFilters(), "ABCD"),
            (ProductFilters(state=State.LIVE), "ABC"),
            (ProductFilters(state=State.DRAFT), "D"),
            (ProductFilters(category_id=top), "ABD"),
            (ProductFilters(category_id=coat, state=State.LIVE), "AB"),
            (ProductFilters(trademark="o'hara"), "A"),
            (ProductFilters(trademark="云织", category_id=other), "C"),
            (ProductFilters(trademark="云"), ""),
            (ProductFilters(tags=["NEW"]), "AC"),
            (ProductFilters(attributes={"material": "silk"}), "B"),
            (ProductFilters(attributes={"material": "silk"}, tags=["new"]), ""),
        ]
        for filters, codes in expected:
            assert {hit.code for hit in (await catalogue.search(tx, "毛衣", filters)).items} == set(codes)
            assert {hit.code for hit in (await catalogue.products(tx, filters)).items} == set(codes)


async def test_lists_follow_what_changes(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        await _sell(tx, [f"衣{n}" for n in range(5)])
        ids = await catalogue.product_ids(tx, [f"Q{n}" for n in range(5)])
        newest = await catalogue.products(tx, page=PageRequest(limit=3))
        rest = await catalogue.products(tx, page=PageRequest(after=newest.next, limit=3))
        assert [hit.code for hit in [*newest.items, *rest.items]] == ["Q4", "Q3", "Q2", "Q1", "Q0"]
        assert rest.next is None
    async with db.writing(tenant) as tx:
        await catalogue.change_product(tx, ids["Q1"], catalogue.ProductChange(name=Name("裤")))
        first = await catalogue.products(tx, page=PageRequest(limit=4), sort=Sort.CHANGED)
        after = await catalogue.products(tx, page=PageRequest(after=first.next, limit=4), sort=Sort.CHANGED)
        assert [hit.code for hit in [*first.items, *after.items]] == ["Q0", "Q2", "Q3", "Q4", "Q1"]
        with pytest.raises(BadCursor):
            await catalogue.products(tx, page=PageRequest(after="nonsense"))
        with pytest.raises(BadCursor):
            await catalogue.search(tx, "衣", page=PageRequest(after=first.next))
        with pytest.raises(catalogue.SearchTooLong):
            await catalogue.search(tx, "衣" * 101)
        assert len((await catalogue.search(tx, "，。!")).items) == 5


COUNT = 20_000


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def big(db: Database) -> Tenant:
    """A brand with twenty thousand live products."""
    tenant = Tenant(BrandId(3_000_001), "big")
    async with db.writing(tenant) as tx:
        category = await _shelf(tx)
        size = len(WORDS)
        drafts = [
            ProductDraft(
                code=f"BIG{n}",
                name=Name(
                    f"{WORDS[n % size]}{WORDS[n // size % size]}{WORDS[n * 7 % size]}{n}号",
                    f"style {n:05} {'polo' if n % 1000 == 3 else 'plain'}",
                ),
                category_id=category,
                tax_class="standard",
                skus=[SkuDraft(f"BIG-{n}-S")],
                trademark=MAKES[n % len(MAKES)],
                state=State.LIVE,
            )
            for n in range(COUNT)
        ]
        began = time.perf_counter()
        await catalogue.load_products(tx, drafts)
        await tx.flush()
        assert time.perf_counter() - began < 30  # seconds; about 4 on two quiet cores
    async with db.connection() as link:
        await link.execute("analyze product")
    return tenant


@pytest.mark.parametrize("text", ["丝绸外套", "羊", "polo", "sty 00042", "BIG-777-S", "毛大衣加"])
async def test_search_uses_its_index_at_twenty_thousand_products(db: Database, big: Tenant, text: str) -> None:
    query = lexemes.query(text, [lexemes.brand_mark(big.brand)])
    assert query is not None
    shown = (query.find, query.named, query.key, ["live"], -1, 0, "00000000-0000-0000-0000-000000000000", 51)
    here = (new_id(), "mall", new_id(), [new_id()], True, True, None, None)
    async with db.connection() as link:
        for mode, place in itertools.product(
            ("force_custom_plan", "force_generic_plan"), (here, store.Whose().values())
        ):
            args = (*place, *shown)
            await link.execute(f"set plan_cache_mode = {mode}")
            plan = await link.fetchval(f"explain (analyze, format json) {store.SEARCH}", big.brand, *args)
            await link.execute("reset plan_cache_mode")
            assert '"Index Name": "product_search"' in plan
            assert "Seq Scan" not in plan
            assert json.loads(plan)[0]["Execution Time"] < 500  # ms; a few where the words are not in every product


async def test_pages_of_a_search_are_one_stable_order_without_gaps(db: Database, big: Tenant) -> None:
    async with db.reading(big) as tx:
        seen: list[str] = []
        after: str | None = None
        while len(seen) == 0 or after is not None:
            tx.recorder = []
            page = await catalogue.search(tx, "丝绸外套", ProductFilters(state=State.LIVE), PageRequest(after, 7))
            assert len(tx.recorder) == 1
            seen += [hit.code for hit in page.items]
            after = page.next
        whole = await catalogue.search(tx, "丝绸外套", ProductFilters(state=State.LIVE), PageRequest(limit=200))
        assert whole.next is None
        assert seen == [hit.code for hit in whole.items]
        assert len(seen) == len(set(seen)) > 20
        assert all(len(hit.sku_ids) == 1 and "丝绸外套" in hit.name.zh for hit in whole.items)


async def test_the_filters_alone_use_the_index_too(db: Database, big: Tenant) -> None:
    async with db.reading(big) as tx:
        found = await catalogue.products(tx, ProductFilters(trademark="o'hara"), PageRequest(limit=200))
        assert len(found.items) == 200
        assert {hit.trademark for hit in found.items} == {"O'Hara"}
        assert found.items[0].code == f"BIG{COUNT - 1}"
