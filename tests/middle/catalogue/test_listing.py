"""Where products are sold, and why: listed, withheld, opted out, goods of one's own; the lists agree with the rule."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.catalogue import api as catalogue
from midstage.middle.catalogue import listing_rules
from midstage.middle.catalogue.api import (
    BundlePart,
    GoodsMode,
    GoodsPolicy,
    Listing,
    ListingDraft,
    ListingFilters,
    ListingId,
    ListingKind,
    ListingScope,
    Name,
    Owner,
    ProductDraft,
    ProductFilters,
    ProductId,
    Rule,
    Selling,
    SkuDraft,
    SkuId,
    State,
)
from midstage.middle.catalogue.listing_types import Goods
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from shop import Shop, open_shop
from shop.goods import choose_goods, well

CHANNELS = ["mall", "till"]


async def _sold(shop: Shop, sku_id: SkuId, store: organisation.Store, channel: str = "mall") -> catalogue.Reason | None:
    """Why it is not sold there; None where it is."""
    async with shop.database.reading(shop.tenant) as tx:
        offer = (await catalogue.offers(tx, [sku_id], at=Selling(store, channel)))[sku_id]
        why = await catalogue.why(tx, sku_id, Selling(store, channel))
        assert catalogue.against(why) == offer.refused
        assert [one.decided for one in why].count(True) == 1
        assert all(one.zh and one.en for one in why)
        sold = await catalogue.sold_in(tx, sku_id, shop.stores, sales_channel=channel)
        assert (store.store_id in sold) == (offer.refused is None)
    return offer.refused


async def _list(shop: Shop, *drafts: ListingDraft) -> list[Listing]:
    return await shop.do(lambda tx: catalogue.list_goods(tx, drafts))


async def test_a_live_product_is_sold_everywhere_until_somebody_says_otherwise(shop: Shop) -> None:
    here, there = shop.stores
    assert await _sold(shop, shop.skus[0], here) is None
    product = shop.products[0].product_id
    await _list(shop, ListingDraft(product, ListingKind.LISTED, ListingScope(store_id=here.store_id)))
    assert await _sold(shop, shop.skus[0], here) is None
    refused = await _sold(shop, shop.skus[0], there)
    assert refused is not None
    assert refused.rule is Rule.LISTED
    await _list(shop, ListingDraft(product, ListingKind.LISTED, ListingScope(sales_channel="till")))
    assert await _sold(shop, shop.skus[0], there, "till") is None
    assert await _sold(shop, shop.skus[0], there, "mall") is not None
    await _list(shop, ListingDraft(product, ListingKind.WITHHELD, ListingScope(unit_id=here.unit_id), "not in season"))
    withheld = await _sold(shop, shop.skus[0], here)
    assert withheld is not None
    assert (withheld.rule, withheld.by_id) == (Rule.WITHHELD, shop.member.member_id)
    assert "not in season" in withheld.en
    await well(shop)


async def test_a_store_opts_out_only_where_the_policy_lets_it(shop: Shop) -> None:
    here, there = shop.stores
    product = shop.products[0].product_id

    async def opt_out(tx: Tx) -> list[Listing]:
        return await catalogue.opt_out(tx, here.store_id, [product], reason="no room", sales_channel="mall")

    with pytest.raises(catalogue.OptOutNotAllowed):
        await shop.do(opt_out)
    await choose_goods(shop, opt_out=True)
    (row,) = await shop.do(opt_out)
    assert await shop.do(opt_out) == [], "said twice is said once"
    refused = await _sold(shop, shop.skus[0], here)
    assert refused is not None
    assert (refused.rule, refused.at, refused.by_id) == (Rule.OPTED_OUT, row.at, shop.member.member_id)
    assert row.at.date().isoformat() in refused.zh
    assert "no room" in refused.zh
    assert await _sold(shop, shop.skus[0], here, "till") is None
    assert await _sold(shop, shop.skus[0], there) is None
    with pytest.raises(orders.NotSoldHere) as told:
        await shop.place(1)
    assert told.value.rule == "opted_out"
    assert "no room" in told.value.say("zh")

    await choose_goods(shop, opt_out=False)  # the policy changes: the row stays and does not count
    assert await _sold(shop, shop.skus[0], here) is None
    async with shop.database.reading(shop.tenant) as tx:
        why = await catalogue.why(tx, shop.skus[0], Selling(here, "mall"))
    assert [(one.rule, one.allows) for one in why] == [
        (Rule.LIVE, True),
        (Rule.EVERYWHERE, True),
        (Rule.OPTED_OUT, None),
    ]
    await shop.place(1)
    await choose_goods(shop, opt_out=True)
    await shop.do(lambda tx: catalogue.unlist_goods(tx, [row.listing_id]))
    assert await _sold(shop, shop.skus[0], here) is None
    await well(shop)


async def test_goods_of_ones_own_are_sold_there_alone_unless_shared(shop: Shop) -> None:
    here, there = shop.stores
    draft = ProductDraft(
        "JAM", Name("自制果酱", "Jam"), shop.category, "standard", [SkuDraft("JAM-1")],
        state=State.LIVE, owner=Owner(store_id=here.store_id),
    )  # fmt: skip
    with pytest.raises(catalogue.OwnGoodsNotAllowed):
        await shop.do(lambda tx: catalogue.create_product(tx, draft))
    await choose_goods(shop, here.store_id, mode="central_plus_own")
    made = await shop.do(lambda tx: catalogue.create_product(tx, draft))
    (sku,) = made.skus
    assert made.owner == draft.owner
    assert await _sold(shop, sku.sku_id, here) is None
    elsewhere = await _sold(shop, sku.sku_id, there)
    assert elsewhere is not None
    assert elsewhere.rule is Rule.OWN_GOODS
    await _list(shop, ListingDraft(made.product_id, ListingKind.LISTED, ListingScope(store_id=there.store_id)))
    assert await _sold(shop, sku.sku_id, there) is None, "shared"
    assert await _sold(shop, sku.sku_id, here) is None, "and still sold by its owner"
    await choose_goods(shop, here.store_id, mode="central")
    central = await _sold(shop, sku.sku_id, here)
    assert central is not None
    assert central.rule is Rule.POLICY
    await well(shop)


async def test_an_operators_own_goods_are_sold_in_all_of_its_stores(shop: Shop) -> None:
    operator = shop.store.operator_id
    draft = ProductDraft(
        "TEA", Name("茶", "Tea"), shop.category, "standard", [SkuDraft("TEA-1")], owner=Owner(operator_id=operator)
    )
    with pytest.raises(catalogue.OwnGoodsNotAllowed):
        await shop.do(lambda tx: catalogue.create_product(tx, draft))
    await choose_goods(shop, shop.stores[1].store_id, mode="central_plus_own")
    made = await shop.do(lambda tx: catalogue.create_product(tx, draft))
    await shop.do(lambda tx: catalogue.publish_product(tx, made.product_id))
    refused = await _sold(shop, made.skus[0].sku_id, shop.store)
    assert refused is not None, "the policy of this store has no own goods"
    assert refused.rule is Rule.POLICY
    assert await _sold(shop, made.skus[0].sku_id, shop.stores[1]) is None
    async with shop.database.reading(shop.tenant) as tx:
        own = await catalogue.products(tx, ProductFilters(owner=Owner(operator_id=operator)))
    assert [one.code for one in own.items] == ["TEA"]


async def test_what_listing_refuses(shop: Shop) -> None:
    product = shop.products[0].product_id
    for draft, refusal in (
        (ListingDraft(ProductId(new_id()), ListingKind.LISTED), catalogue.NoSuchProduct),
        (ListingDraft(product, ListingKind.OPTED_OUT, reason="?"), catalogue.ListingScopeWrong),
        (
            ListingDraft(product, ListingKind.OPTED_OUT, ListingScope(store_id=shop.store.store_id)),
            catalogue.CatalogueTextWrong,
        ),
        (
            ListingDraft(product, ListingKind.LISTED, ListingScope(store_id=organisation.StoreId(new_id()))),
            organisation.NoSuchStore,
        ),
        (
            ListingDraft(product, ListingKind.LISTED, ListingScope(unit_id=organisation.UnitId(new_id()))),
            organisation.NoSuchUnit,
        ),
        (ListingDraft(product, ListingKind.LISTED, ListingScope(sales_channel="\n")), catalogue.CatalogueTextWrong),
    ):
        with pytest.raises(refusal):
            await _list(shop, draft)
    async with shop.database.reading(shop.tenant) as tx:
        assert (await catalogue.listings(tx)).items == []
        with pytest.raises(catalogue.NoSuchListing):
            await catalogue.listing(tx, ListingId(new_id()))
    assert await shop.do(lambda tx: catalogue.unlist_goods(tx, [ListingId(new_id())])) == []
    await well(shop)


async def test_rows_are_listed_by_product_store_and_kind_a_page_at_a_time(shop: Shop) -> None:
    scope = ListingScope(store_id=shop.store.store_id)
    await _list(
        shop,
        *(ListingDraft(one.product_id, ListingKind.LISTED, scope) for one in shop.products),
        ListingDraft(shop.products[0].product_id, ListingKind.WITHHELD),
    )
    async with shop.database.reading(shop.tenant) as tx:
        seen: list[ListingId] = []
        after: str | None = None
        while True:
            page = await catalogue.listings(tx, ListingFilters(kind=ListingKind.LISTED), PageRequest(after, 2))
            seen += [one.listing_id for one in page.items]
            after = page.next
            if after is None:
                break
        assert len(seen) == len(set(seen)) == len(shop.products)
        of_one = await catalogue.listings(tx, ListingFilters(product_id=shop.products[0].product_id))
        assert {one.kind for one in of_one.items} == {ListingKind.LISTED, ListingKind.WITHHELD}
        nothing = ListingFilters(stores=frozenset({shop.stores[1].store_id}))
        assert (await catalogue.listings(tx, nothing)).items == []
    await well(shop)


async def test_a_bundle_is_no_part_and_no_half_and_goes_live_with_its_parts(shop: Shop) -> None:
    first, second, *_ = shop.skus

    def draft(
        code: str, *parts: BundlePart, unit: catalogue.Unit = catalogue.Unit.PIECE, state: State = State.LIVE
    ) -> ProductDraft:
        sku = SkuDraft(f"{code}-1", parts=list(parts), unit=unit)
        return ProductDraft(code, Name("组合", "Bundle"), shop.category, "standard", [sku], state=state)

    async def make(*drafts: ProductDraft) -> catalogue.Loaded:
        return await shop.do(lambda tx: catalogue.load_products(tx, drafts))

    for wrong, refusal in (
        (draft("A", BundlePart(first, 1500)), catalogue.BundleWrong),
        (draft("A", BundlePart(first, 0)), catalogue.BundleWrong),
        (draft("A", BundlePart(first, 1000), BundlePart(first, 1000)), catalogue.BundleWrong),
        (draft("A", BundlePart(first, 1000), unit=catalogue.Unit.KILOGRAM), catalogue.BundleWrong),
        (draft("A", BundlePart(SkuId(new_id()), 1000)), catalogue.NoSuchSku),
    ):
        with pytest.raises(refusal):
            await make(wrong)
    bundle = (await make(draft("SET", BundlePart(first, 1000), BundlePart(second, 2000)))).skus["SET-1"]
    with pytest.raises(catalogue.BundleWrong):
        await make(draft("B", BundlePart(bundle, 1000)))
    with pytest.raises(catalogue.BundleWrong):
        await shop.do(lambda tx: catalogue.set_parts(tx, bundle, [BundlePart(bundle, 1000)]))
    with pytest.raises(catalogue.StateWrong):
        await shop.do(lambda tx: catalogue.set_parts(tx, first, [BundlePart(second, 1000)]))
    with pytest.raises(catalogue.StateWrong):
        await shop.do(lambda tx: catalogue.set_parts(tx, bundle, []))

    loose = (await make(draft("LOOSE", state=State.DRAFT))).skus["LOOSE-1"]
    whole = await make(draft("WHOLE", BundlePart(loose, 1000), state=State.DRAFT))
    with pytest.raises(catalogue.BundleWrong):  # it is a part already
        await shop.do(lambda tx: catalogue.set_parts(tx, loose, [BundlePart(first, 1000)]))
    with pytest.raises(catalogue.BundlePartNotLive) as refused:
        await shop.do(lambda tx: catalogue.publish_product(tx, whole.products["WHOLE"]))
    assert refused.value.part == "LOOSE-1"
    plain = await shop.do(lambda tx: catalogue.set_parts(tx, whole.skus["WHOLE-1"], []))
    assert plain.parts == []
    await shop.do(lambda tx: catalogue.publish_product(tx, whole.products["WHOLE"]))
    async with shop.database.reading(shop.tenant) as tx:
        found = await catalogue.product(tx, (await catalogue.product_ids(tx, ["SET"]))["SET"])
        assert found.skus[0].parts == [BundlePart(first, 1000), BundlePart(second, 2000)]
    await well(shop)


async def test_of_two_that_would_be_each_others_part_one_becomes_a_bundle(shop: Shop) -> None:
    drafts = [
        ProductDraft(code, Name("物", "Thing"), shop.category, "standard", [SkuDraft(code)])
        for code in ("LEFT", "RIGHT")
    ]
    loaded = await shop.do(lambda tx: catalogue.load_products(tx, drafts))
    left, right = loaded.skus["LEFT"], loaded.skus["RIGHT"]

    async def put(whole: SkuId, part: SkuId) -> bool:
        try:
            await shop.do(lambda tx: catalogue.set_parts(tx, whole, [BundlePart(part, 1000)]))
        except catalogue.BundleWrong:
            return False
        return True

    for _ in range(5):
        assert sorted(await asyncio.gather(put(left, right), put(right, left))) == [False, True]
        await well(shop)
        for sku in (left, right):
            await shop.do(lambda tx, sku=sku: catalogue.set_parts(tx, sku, []))


# The lists of the mall ask the same of the database that the pure rule decides.


class Where:
    """Two stores of two operators in two regions."""

    shop: Shop
    stores: Sequence[organisation.Store]
    units: Sequence[organisation.UnitId]
    operators: Sequence[organisation.OperatorId]


async def _where(db: Database) -> Where:
    found = Where()
    found.shop = await open_shop(db, products=1, stores=1)

    async def work(tx: Tx) -> None:
        franchisee = organisation.OperatorKind.FRANCHISEE
        units = [await organisation.create_unit(tx, organisation.NewUnit(code=f"U{n}", name="区")) for n in range(2)]
        operators = [
            await organisation.create_operator(tx, organisation.NewOperator(code=f"O{n}", name="商", kind=franchisee))
            for n in range(2)
        ]
        new = [
            organisation.NewStore(
                code=f"L{n}", name="店", unit_id=units[n].unit_id, operator_id=operators[n].operator_id
            )
            for n in range(2)
        ]
        made = await organisation.stores(tx, await organisation.create_stores(tx, new))
        found.stores = list(made.values())
        found.units = [one.unit_id for one in units]
        found.operators = [one.operator_id for one in operators]

    await found.shop.do(work)
    return found


class Row(msgspec.Struct, frozen=True):
    """A row of listing by the places of its parts."""

    kind: ListingKind
    store: int | None
    channel: str | None
    operator: int | None
    unit: int | None

    def draft(self, where: Where, product: ProductId) -> ListingDraft:
        if self.kind is ListingKind.OPTED_OUT:
            scope = ListingScope(self.channel, where.stores[self.store or 0].store_id)
        else:
            scope = ListingScope(
                self.channel,
                None if self.store is None else where.stores[self.store].store_id,
                None if self.operator is None else where.operators[self.operator],
                None if self.unit is None else where.units[self.unit],
            )
        return ListingDraft(product, self.kind, scope, "why")


_which = st.sampled_from([None, 0, 1])
_channel = st.sampled_from([None, *CHANNELS])
_kind = st.sampled_from(list(ListingKind))
_rows = st.lists(st.builds(Row, kind=_kind, store=_which, channel=_channel, operator=_which, unit=_which), max_size=5)
_policies = st.builds(GoodsPolicy, mode=st.sampled_from(list(GoodsMode)), opt_out=st.booleans())
_owners = st.sampled_from([None, None, ("store", 0), ("store", 1), ("operator", 0), ("operator", 1)])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(rows=_rows, policy=_policies, owner=_owners, live=st.booleans())
async def test_lists_show_what_the_rule_allows(
    db: Database, *, rows: list[Row], policy: GoodsPolicy, owner: tuple[str, int] | None, live: bool
) -> None:
    where = await _kept(db)
    shop = where.shop
    whose = _owner(where, owner)

    async def work(tx: Tx) -> ProductId:
        state = State.LIVE if live else State.DRAFT
        draft = ProductDraft(
            new_id().hex,
            Name("物", "Thing"),
            shop.category,
            "standard",
            [SkuDraft(new_id().hex)],
            state=state,
            owner=whose,
        )
        product = (await catalogue.load_products(tx, [draft])).products[draft.code]
        drafts = [row.draft(where, product) for row in rows]
        await catalogue.list_goods(tx, drafts)
        return product

    for store in where.stores:
        await choose_goods(shop, store.store_id, mode="central_plus_own", opt_out=True)
    product = await shop.do(work)
    for store in where.stores:
        await choose_goods(shop, store.store_id, mode=policy.mode.value, opt_out=policy.opt_out)
    async with shop.database.reading(shop.tenant) as tx:
        kept = (await catalogue.listings(tx, ListingFilters(product_id=product))).items
        goods = Goods(live, (), whose, kept, any(one.kind is ListingKind.LISTED for one in kept))
        sku = (await catalogue.product(tx, product)).skus[0].sku_id
        for store in where.stores:
            for channel in CHANNELS:
                here = Selling(store, channel)
                standing = organisation.Standing(policy, None)
                reasons = listing_rules.judge(goods, here, standing)
                sold = listing_rules.against(reasons) is None
                page = await catalogue.products(tx, ProductFilters(state=State.LIVE), PageRequest(None, 100), at=here)
                assert (product in {one.product_id for one in page.items}) == sold, reasons
                found = await catalogue.search(
                    tx, "thing", ProductFilters(state=State.LIVE), PageRequest(None, 100), at=here
                )
                assert (product in {one.product_id for one in found.items}) == sold
                offer = (await catalogue.offers(tx, [sku], at=here))[sku]
                assert (offer.live and offer.refused is None) == sold
                assert (store.store_id in await catalogue.sold_in(tx, sku, where.stores, sales_channel=channel)) == sold
    await shop.do(lambda tx: _forget(tx, product, live=live))


async def _forget(tx: Tx, product: ProductId, *, live: bool) -> None:
    if live:
        await catalogue.retire_product(tx, product)


_places: dict[int, Where] = {}


async def _kept(db: Database) -> Where:
    """One brand for all examples."""
    if id(db) not in _places:
        _places[id(db)] = await _where(db)
    return _places[id(db)]


def _owner(where: Where, owner: tuple[str, int] | None) -> Owner | None:
    if owner is None:
        return None
    kind, which = owner
    return (
        Owner(store_id=where.stores[which].store_id) if kind == "store" else Owner(operator_id=where.operators[which])
    )


def test_a_reason_that_decides_is_the_first_against_else_the_last_for() -> None:
    def said(*allows: bool | None) -> list[bool]:
        reasons = [catalogue.Reason(Rule.LIVE, one, "因", "why", by_id=UUID(int=1)) for one in allows]
        return [one.decided for one in catalogue.decide(reasons)]

    assert said(True, True, None) == [False, True, False]
    assert said(True, False, False) == [False, True, False]
    assert said(None) == [False]
    assert said() == []
