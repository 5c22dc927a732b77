"""Prices through the door: quoting, explaining, changing, confirming."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import BrandId, new_id
from midstage.kit.paging import PageRequest
from midstage.middle.catalogue import api as catalogue
from midstage.middle.catalogue.api import CategoryDraft, Name, ProductDraft, SkuDraft, SkuId, TaxClass
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation
from midstage.middle.organisation.api import NewOperator, NewStore, NewUnit, OperatorId, StoreId, UnitId
from midstage.middle.pricing import api as pricing
from midstage.middle.pricing.api import (
    BasePrice,
    Entry,
    PriceContext,
    PriceList,
    PriceListChange,
    PriceListDraft,
    PriceListFilters,
    PriceListState,
    Rule,
    Scope,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
STORES = [StoreId(UUID(int=n)) for n in (1, 2)]
OPERATORS = [OperatorId(UUID(int=n)) for n in (11, 12)]
UNITS = [UnitId(UUID(int=n)) for n in (21, 22, 23)]
HERE = PriceContext("mall", STORES[0], UNITS[:2], OPERATORS[0], "gold")


@pytest_asyncio.fixture(loop_scope="session")
async def tenant(db: Database) -> Tenant:
    """A brand with two stores, two operators, three parts of the tree, and the default levels."""
    code = f"p{new_id().hex[-12:]}"
    brand = await organisation.create_brand(db, code=code, name="云织", currency="CNY", zone="Asia/Shanghai")
    franchisee = organisation.OperatorKind.FRANCHISEE
    async with db.writing(brand) as tx:
        await organisation.create_units(tx, [NewUnit(code=f"U{u.int}", name="区", unit_id=u) for u in UNITS])
        new = [NewOperator(code=f"O{o.int}", name="商", kind=franchisee, operator_id=o) for o in OPERATORS]
        await organisation.create_operators(tx, new)
        await organisation.create_stores(tx, [NewStore(code=f"S{s.int}", name="店", store_id=s) for s in STORES])
        await members.default_levels(tx)
    return brand


async def _skus(tx: Tx, count: int = 1, *, currency: str = "CNY") -> list[SkuId]:
    """Skus with a list price of 100.00."""
    await catalogue.set_tax_class(tx, TaxClass("standard", Name("标准"), 130_000, inclusive=True))
    category = await catalogue.create_category(tx, CategoryDraft("wear", Name("服装")))
    drafts = [ProductDraft(f"P{n}", Name("衣"), category, "standard", [SkuDraft(f"S{n}")]) for n in range(count)]
    skus = list((await catalogue.load_products(tx, drafts)).skus.values())
    await pricing.set_base_prices(tx, [BasePrice(sku, 10_000, currency, 4_000) for sku in skus])
    return skus


async def _list(
    tx: Tx, code: str, scope: Scope, prices: Sequence[Entry], *, starts_at: datetime = NOON - timedelta(days=1)
) -> PriceList:
    made = await pricing.create_price_list(tx, PriceListDraft(code, Name(code), "CNY", starts_at, scope=scope))
    await pricing.set_entries(tx, made.price_list_id, prices)
    return await pricing.publish_price_list(tx, made.price_list_id)


async def test_a_sku_costs_its_list_price_until_a_list_says_otherwise(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        sku, other = await _skus(tx, 2)
        plain = (await pricing.quote(tx, HERE, [sku], at=NOON))[sku]
        assert (plain.unit_minor, plain.list_minor, plain.currency) == (10_000, 10_000, "CNY")
        assert (plain.rule, plain.price_list_id) == (Rule.LIST_PRICE, None)
        made = await _list(tx, "gold", Scope(level="gold"), [Entry(sku, 9_000)])
        tx.recorder = []
        quotes = await pricing.quote(tx, HERE, [sku, other, SkuId(new_id())], at=NOON)
        assert len(tx.recorder) == 1
        assert set(quotes) == {sku, other}
        assert (quotes[sku].unit_minor, quotes[sku].rule) == (9_000, Rule.LEVEL)
        assert quotes[sku].price_list_id == made.price_list_id
        assert quotes[other].rule is Rule.LIST_PRICE
        nobody = msgspec.structs.replace(HERE, level=None)
        assert (await pricing.quote(tx, nobody, [sku], at=NOON))[sku].unit_minor == 10_000
        before = made.starts_at - timedelta(seconds=1)
        assert (await pricing.quote(tx, HERE, [sku], at=before))[sku].unit_minor == 10_000


async def test_the_order_of_precedence_is_the_documented_one(db: Database, tenant: Tenant) -> None:
    scopes = [
        ("store", Scope(store_id=STORES[0])),
        ("operator", Scope(operator_id=OPERATORS[0])),
        ("deep unit", Scope(unit_id=UNITS[1])),
        ("high unit", Scope(unit_id=UNITS[0])),
        ("level", Scope(level="gold")),
        ("channel", Scope(sales_channel="mall")),
        ("brand", Scope()),
    ]
    async with db.writing(tenant) as tx:
        (sku,) = await _skus(tx)
        await _list(tx, "elsewhere", Scope(store_id=STORES[1]), [Entry(sku, 1)])
        made = [await _list(tx, code, scope, [Entry(sku, 9_000)]) for code, scope in scopes]
        for expected in made:
            best = (await pricing.quote(tx, HERE, [sku], at=NOON))[sku]
            candidates = await pricing.why(tx, HERE, sku, at=NOON)
            assert best.price_list_id == expected.price_list_id, expected.code
            assert candidates[0].code == expected.code
            assert [candidate.won for candidate in candidates].count(True) == 1
            assert all(candidate.reason_zh and candidate.reason_en for candidate in candidates)
            await pricing.end_price_list(tx, expected.price_list_id)
        assert (await pricing.quote(tx, HERE, [sku], at=NOON))[sku].rule is Rule.LIST_PRICE


_scopes = st.builds(
    Scope,
    sales_channel=st.sampled_from([None, "mall", "till"]),
    store_id=st.sampled_from([None, *STORES]),
    operator_id=st.sampled_from([None, *OPERATORS]),
    unit_id=st.sampled_from([None, *UNITS]),
    level=st.sampled_from([None, "gold", "black"]),
)
_lists = st.lists(
    st.tuples(
        _scopes,
        st.integers(-2, 1),  # starts, in days from noon
        st.sampled_from([None, 1, 2]),  # lasts
        st.integers(0, 1),  # rank
        st.sampled_from(["CNY", "CNY", "CNY", "USD"]),
        st.sampled_from(list(PriceListState)),
        st.integers(0, 20_000),
    ),
    max_size=8,
)
_contexts = st.builds(
    PriceContext,
    sales_channel=st.sampled_from(["mall", "till"]),
    store_id=st.sampled_from(STORES),
    unit_path=st.sampled_from([UNITS[:1], UNITS[:2], UNITS[:3], UNITS[1::-1], []]),
    operator_id=st.sampled_from(OPERATORS),
    level=st.sampled_from([None, "gold", "black"]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lists=_lists, context=_contexts)
async def test_the_quote_is_the_winner_of_why(
    db: Database,
    tenant: Tenant,
    lists: list[tuple[Scope, int, int | None, int, str, PriceListState, int]],
    context: PriceContext,
) -> None:
    with pytest.raises(_Undo):
        async with db.writing(tenant) as tx:
            (sku,) = await _skus(tx)
            for number, (scope, starts, lasts, rank, currency, state, minor) in enumerate(lists):
                starts_at = NOON + timedelta(days=starts)
                ends_at = None if lasts is None else starts_at + timedelta(days=lasts)
                draft = PriceListDraft(str(number), Name("x"), currency, starts_at, ends_at, scope, rank)
                made = await pricing.create_price_list(tx, draft)
                if currency == "CNY":
                    await pricing.set_entries(tx, made.price_list_id, [Entry(sku, minor)])
                if state is not PriceListState.DRAFT:
                    await pricing.publish_price_list(tx, made.price_list_id)
                if state is PriceListState.ENDED:
                    await pricing.end_price_list(tx, made.price_list_id)
            quoted = (await pricing.quote(tx, context, [sku], at=NOON))[sku]
            candidates = await pricing.why(tx, context, sku, at=NOON)
            best = [candidate for candidate in candidates if candidate.won]
            assert len(best) == 1
            assert best[0] is candidates[0]
            assert (quoted.unit_minor, quoted.price_list_id, quoted.rule, quoted.currency) == (
                best[0].unit_minor,
                best[0].price_list_id,
                best[0].rule,
                best[0].currency,
            )
            raise _Undo


class _Undo(Exception):  # noqa: N818  # rolls an example back, so that the next begins with nothing
    pass


async def test_an_order_priced_before_a_change_is_sent_back(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        assert await pricing.version(tx) == 0
        sku, *_ = await _skus(tx)
    async with db.writing(tenant) as tx:
        quoted = (await pricing.quote(tx, HERE, [sku], at=NOON))[sku]
        assert quoted.version == await pricing.version(tx)
        await pricing.confirm(tx, quoted.version)
        async with db.writing(tenant) as elsewhere:
            await pricing.set_base_prices(elsewhere, [BasePrice(sku, 12_000, "CNY")])
        with pytest.raises(pricing.PricesChanged):
            await pricing.confirm(tx, quoted.version)


async def test_a_draft_list_sends_no_cart_back_and_a_live_one_does(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        (sku,) = await _skus(tx)
        seen = await pricing.version(tx)
        draft = PriceListDraft("sale", Name("促销", "Sale"), "CNY", NOON)
        made = await pricing.create_price_list(tx, draft)
        await pricing.set_entries(tx, made.price_list_id, [Entry(sku, 5_000)])
        await pricing.confirm(tx, seen)
        await pricing.publish_price_list(tx, made.price_list_id)
        assert await pricing.version(tx) == seen + 1
        assert await pricing.set_entries(tx, made.price_list_id, [Entry(sku, 6_000)]) == 1
        assert await pricing.set_entries(tx, made.price_list_id, [Entry(sku, 6_000)]) == 0
        assert await pricing.version(tx) == seen + 2
        assert await pricing.remove_entries(tx, made.price_list_id, [sku]) == 1
        assert (await pricing.quote(tx, HERE, [sku], at=NOON))[sku].unit_minor == 10_000


async def test_price_changes_at_once_each_get_their_own_version(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        skus = await _skus(tx, 8)

    async def change(sku: SkuId) -> None:
        async with db.writing(tenant) as tx:
            await pricing.set_base_prices(
                tx, [BasePrice(sku, 1, "CNY"), *(BasePrice(x, 2, "CNY") for x in skus[:2] if x != sku)]
            )

    await asyncio.gather(*(change(sku) for sku in skus))
    async with db.reading(tenant) as tx:
        assert await pricing.version(tx) == 9
        assert await pricing.checks(tx) == []


async def test_base_prices_are_checked_before_any_is_set(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        (sku,) = await _skus(tx)
    wrong = {
        pricing.PriceWrong: [BasePrice(sku, -1, "CNY")],
        pricing.PriceCurrencyWrong: [BasePrice(sku, 1, "yuan")],
        pricing.PricedTwice: [BasePrice(sku, 1, "CNY"), BasePrice(sku, 2, "CNY")],
        catalogue.NoSuchSku: [BasePrice(sku, 1, "CNY"), BasePrice(SkuId(new_id()), 2, "CNY")],
    }
    for refusal, prices in wrong.items():
        async with db.writing(tenant) as tx:
            with pytest.raises(refusal):
                await pricing.set_base_prices(tx, prices)
            assert (await pricing.base_prices(tx, [sku]))[sku] == BasePrice(sku, 10_000, "CNY", 4_000)
            assert await pricing.version(tx) == 1
            assert tx.told == []


async def test_a_change_of_prices_tells_what_they_were(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        (sku,) = await _skus(tx)
        tx.told.clear()
        assert await pricing.set_base_prices(tx, [BasePrice(sku, 12_000, "CNY", 4_000)]) == 1
        assert await pricing.set_base_prices(tx, [BasePrice(sku, 12_000, "CNY", 4_000)]) == 0
        (told,) = (fact for fact, _ in tx.told)
        assert isinstance(told, pricing.BasePricesChanged)
        assert told.changes == [pricing.BaseChange(sku, "CNY", 12_000, 4_000, 10_000, 4_000)]
        made = await _list(tx, "sale", Scope(), [Entry(sku, 9_000)])
        await pricing.set_entries(tx, made.price_list_id, [Entry(sku, 8_000)])
        entries = [fact.changes[0] for fact, _ in tx.told if isinstance(fact, pricing.EntriesChanged)]
        assert entries == [pricing.EntryChange(sku, 9_000, None), pricing.EntryChange(sku, 8_000, 9_000)]
        assert {"pricing.set_base_prices", "pricing.set_entries"} <= {entry.action for entry in tx.noted}


async def test_an_entry_needs_a_list_price_in_the_lists_currency(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        (sku,) = await _skus(tx, currency="USD")
        made = await pricing.create_price_list(tx, PriceListDraft("sale", Name("促销"), "CNY", NOON))
        with pytest.raises(pricing.PriceCurrencyWrong):
            await pricing.set_entries(tx, made.price_list_id, [Entry(sku, 1)])
        with pytest.raises(pricing.NotPriced):
            await pricing.set_entries(tx, made.price_list_id, [Entry(SkuId(new_id()), 1)])
        with pytest.raises(pricing.NotPriced):
            await pricing.why(tx, HERE, SkuId(new_id()), at=NOON)
        assert (await pricing.entries(tx, made.price_list_id)).items == []


async def test_a_scope_names_what_the_brand_has(db: Database, tenant: Tenant) -> None:
    wrong = {
        organisation.NoSuchStore: Scope(store_id=StoreId(new_id())),
        organisation.NoSuchOperator: Scope(operator_id=OperatorId(new_id())),
        organisation.NoSuchUnit: Scope(unit_id=UnitId(new_id())),
        members.NoSuchLevel: Scope(level="diamond"),
        catalogue.CatalogueTextWrong: Scope(sales_channel=""),
    }
    async with db.writing(tenant) as tx:
        made = await pricing.create_price_list(tx, PriceListDraft("sale", Name("促销"), "CNY", NOON))
        for refusal, scope in wrong.items():
            with pytest.raises(refusal):
                await pricing.create_price_list(tx, PriceListDraft("x", Name("促销"), "CNY", NOON, scope=scope))
            with pytest.raises(refusal):
                await pricing.change_price_list(tx, made.price_list_id, PriceListChange(scope=scope))
        assert (await pricing.price_lists(tx)).items == [made]


async def test_an_ended_list_stays_as_it_was(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        (sku,) = await _skus(tx)
        made = await _list(tx, "sale", Scope(), [Entry(sku, 9_000)])
        ended = await pricing.end_price_list(tx, made.price_list_id)
        for attempt in (
            pricing.publish_price_list(tx, made.price_list_id),
            pricing.end_price_list(tx, made.price_list_id),
            pricing.set_entries(tx, made.price_list_id, [Entry(sku, 1)]),
            pricing.remove_entries(tx, made.price_list_id, [sku]),
            pricing.change_price_list(tx, made.price_list_id, PriceListChange(rank=3)),
        ):
            with pytest.raises(pricing.PriceListStateWrong):
                await attempt
        assert await pricing.price_list(tx, made.price_list_id) == ended
        assert (await pricing.entries(tx, made.price_list_id)).items == [Entry(sku, 9_000)]


async def test_price_lists_page_and_are_changed_over_the_version_seen(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        made = [
            await pricing.create_price_list(
                tx, PriceListDraft(f"L{n}", Name("表"), "CNY", NOON, scope=Scope(level="gold"))
            )
            for n in range(3)
        ]
        changed = await pricing.change_price_list(tx, made[0].price_list_id, PriceListChange(rank=5), seen=1)
        assert (changed.rank, changed.version, changed.code) == (5, 2, "L0")
        with pytest.raises(pricing.PriceListChangedMeanwhile):
            await pricing.change_price_list(tx, made[0].price_list_id, PriceListChange(rank=6), seen=1)
        with pytest.raises(pricing.PriceListPeriodWrong):
            await pricing.change_price_list(tx, made[0].price_list_id, PriceListChange(ends_at=NOON))
        with pytest.raises(pricing.PriceListCodeTaken):
            await pricing.create_price_list(tx, PriceListDraft("L1", Name("表"), "CNY", NOON))
        first = await pricing.price_lists(tx, PriceListFilters(level="gold"), PageRequest(limit=2))
        second = await pricing.price_lists(tx, PriceListFilters(level="gold"), PageRequest(after=first.next, limit=2))
        assert [found.code for found in [*first.items, *second.items]] == ["L2", "L1", "L0"]
        assert second.next is None
        assert (await pricing.price_lists(tx, PriceListFilters(state=PriceListState.LIVE))).items == []


async def test_another_brand_has_other_prices(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        (sku,) = await _skus(tx)
    async with db.reading(msgspec.structs.replace(tenant, brand=BrandId(tenant.brand + 500_000))) as tx:
        assert await pricing.quote(tx, HERE, [sku], at=NOON) == {}
        assert await pricing.version(tx) == 0
