"""What is sold is a touch: it wins a member by the brand's rule, once, and only where it was a sale of now."""

from datetime import timedelta

from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.kit.facts import Delivered, Fact
from midstage.kit.ids import new_id
from midstage.middle.loyalty import api as loyalty
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from shop import Shop


async def hear(shop: Shop, fact: Fact) -> members.Member:
    async def work(tx: Tx) -> members.Member:
        await loyalty.note_touch(tx, Delivered(tx.brand, 1, 1, fact, tx.now.date(), tx.now))
        return await members.member(tx, shop.member.member_id)

    return await shop.do(work)


async def told(shop: Shop) -> orders.OrderPaid:
    """The fact of an order of hers in the second store, where a guide served her."""

    async def serve(tx: Tx) -> organisation.GuideId:
        guide = organisation.NewGuide(code=new_id().hex[-8:], name="王", store_id=shop.stores[1].store_id)
        return (await organisation.place_guide(tx, guide)).guide_id

    guide_id = await shop.do(serve)
    placed = await shop.place(1, store_id=shop.stores[1].store_id, guide_id=guide_id)
    await shop.pay(placed)
    return orders.OrderPaid(
        order_id=placed.order.order_id,
        kind="mall",
        sales_channel="mall",
        store_id=shop.stores[1].store_id,
        guide_id=guide_id,
        touchpoint_id=shop.virtual.touchpoint_id,
        referrer_id=None,
        member_id=shop.member.member_id,
        currency="CNY",
        paid_minor=100,
        units_milli=1000,
        placed_at=utc_now(),
    )


async def choose(shop: Shop, winner: str) -> None:
    async def work(tx: Tx) -> None:
        home = await organisation.brand(tx)
        holder = organisation.Holder(organisation.Level.BRAND, home.root_unit_id)
        await organisation.choose(tx, "binding", holder, {"winner": winner})

    await shop.do(work)


async def test_a_sale_wins_where_the_last_purchase_does_and_counts_once(shop: Shop) -> None:
    await choose(shop, "last_purchase")
    paid = await told(shop)
    found = await hear(shop, paid)
    assert (found.store_id, found.guide_id) == (paid.store_id, paid.guide_id)
    again = await hear(shop, paid)
    assert again.version == found.version


async def test_by_itself_the_first_store_keeps_its_member(shop: Shop) -> None:
    found = await hear(shop, await told(shop))
    assert found.store_id == shop.store.store_id


async def test_a_sale_of_the_past_only_says_when_she_bought(shop: Shop) -> None:
    await choose(shop, "last_purchase")
    paid = await told(shop)
    past = orders.OrderImported(
        order_id=new_id(),
        kind="imported",
        sales_channel="till",
        store_id=paid.store_id,
        guide_id=paid.guide_id,
        touchpoint_id=paid.touchpoint_id,
        referrer_id=None,
        member_id=paid.member_id,
        currency="CNY",
        paid_minor=100,
        units_milli=1000,
        placed_at=utc_now() - timedelta(days=400),
    )
    found = await hear(shop, past)
    assert found.store_id == shop.store.store_id


async def test_a_sale_without_a_member_touches_nobody(shop: Shop) -> None:
    paid = await told(shop)
    found = await hear(shop, orders.OrderExpired(order_id=paid.order_id))
    assert found.version == shop.member.version
