"""Sales at a till: the goods leave, the money stays, and the books say so."""

import asyncio

import pytest
import pytest_asyncio

from midstage import doctor
from midstage.kit.database import Tx
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from shop import PRICE_MINOR, Shop
from shop.till import FLOAT_MINOR, KILO_MINOR, PLU, TillShop, ean13, open_till_shop

CASH, CARD = payments.TenderWish("cash"), "card_terminal"


@pytest_asyncio.fixture(loop_scope="session")
async def counter(shop: Shop) -> TillShop:
    return await open_till_shop(shop)


async def examine(counter: TillShop) -> list[str]:
    """What the doctor finds in this brand's orders, payments, ledger and stock."""
    found: list[str] = []
    for module in ("orders", "payments", "ledger", "inventory"):
        async with counter.shop.database.reading(counter.shop.tenant, snapshot=True) as tx:
            found += [str(finding) for finding in await doctor.CHECKS[module](tx)]
    return found


async def test_a_sale_is_completed_and_paid_in_one_go(counter: TillShop) -> None:
    before = await counter.stock(counter.shop.skus[0])
    sold = await counter.sell(2, 1, tenders=[payments.TenderWish("cash", given_minor=50_000)])
    assert sold.order.state is orders.State.COMPLETED
    assert sold.order.total_minor == sold.order.paid_minor == 2 * PRICE_MINOR + PRICE_MINOR + 100
    assert sold.change_minor == 50_000 - sold.order.total_minor
    assert await counter.stock(counter.shop.skus[0]) == before - 2000
    detail = await counter.shop.detail(sold.order.order_id)
    assert [part.state for part in detail.parts] == [orders.PartState.HANDED_OVER]
    assert [step.became for step in detail.steps] == [orders.State.COMPLETED]
    assert await examine(counter) == []


async def test_split_tenders_add_up_to_the_cent(counter: TillShop) -> None:
    card = payments.TenderWish(CARD, 10_000, reference="slip 7")
    sold = await counter.sell(1, 1, tenders=[card, payments.TenderWish("voucher", 5_000), CASH])
    assert [one.amount_minor for one in sold.tenders] == [10_000, 5_000, 2 * PRICE_MINOR + 100 - 15_000]
    figures = await counter.figures()
    assert figures.agrees
    assert figures.drawer_minor == FLOAT_MINOR + 2 * PRICE_MINOR + 100 - 15_000
    assert {one.method: one.taken_minor for one in figures.methods}[CARD] == 10_000
    assert await examine(counter) == []


@pytest.mark.parametrize(
    ("tenders", "refusal"),
    [
        ([payments.TenderWish("cash", 100)], payments.TendersDoNotAddUp),
        ([payments.TenderWish("cash", 10**9)], payments.TendersDoNotAddUp),
        ([], payments.TendersDoNotAddUp),
        ([CASH, CASH], payments.TendersDoNotAddUp),
        ([payments.TenderWish("seashells")], payments.TenderNotTaken),
        ([payments.TenderWish("cash", given_minor=1)], payments.TooLittleGiven),
        ([payments.TenderWish(CARD, given_minor=10**9)], payments.TooLittleGiven),
    ],
)
async def test_what_does_not_pay_the_total_is_refused_and_nothing_leaves(
    counter: TillShop, tenders: list[payments.TenderWish], refusal: type[Exception]
) -> None:
    before = await counter.stock(counter.shop.skus[0])
    with pytest.raises(refusal):
        await counter.sell(1, tenders=tenders)
    assert await counter.stock(counter.shop.skus[0]) == before
    assert (await counter.figures()).drawer_minor == FLOAT_MINOR


async def test_without_a_shift_nothing_is_sold(shop: Shop) -> None:
    counter = await open_till_shop(shop, open_shift=False)
    with pytest.raises(payments.NoShiftOpen):
        await counter.sell(1)


async def test_goods_in_hand_are_sold_below_zero_with_a_discrepancy(counter: TillShop) -> None:
    sold = await counter.sell(105)
    assert await counter.stock(counter.shop.skus[0]) == -5000
    assert [below.sku_id for below in sold.below] == [counter.shop.skus[0]]
    assert await examine(counter) == []


async def test_goods_that_are_promised_are_sold_all_the_same_and_somebody_must_look(counter: TillShop) -> None:
    await counter.shop.place(100)
    sold = await counter.sell(1)
    assert [below.on_hand_milli for below in sold.below] == [99_000]
    async with counter.shop.database.reading(counter.shop.tenant) as tx:
        assert (await inventory.available(tx, counter.shop.location, [counter.shop.skus[0]]))[counter.shop.skus[0]] == 0
    assert await examine(counter) == []


async def test_a_label_with_a_weight_sells_that_weight(counter: TillShop) -> None:
    line = orders.TillLine(barcode=ean13(f"21{PLU}01250"))
    sold = await counter.sell_lines([line, orders.TillLine(barcode=ean13(f"21{PLU}00333"))])
    assert [one.quantity_milli for one in sold.lines] == [1250, 333]
    assert [one.total_minor for one in sold.lines] == [KILO_MINOR * 1250 // 1000, 1325]
    assert await counter.stock(counter.apples) == 20_000 - 1583


async def test_a_label_with_a_price_costs_that_price(counter: TillShop) -> None:
    sold = await counter.sell_lines([orders.TillLine(barcode=ean13(f"22{PLU}01990"))])
    assert sold.order.total_minor == 1990
    assert sold.lines[0].quantity_milli == 500


async def test_a_misread_label_is_scanned_again(counter: TillShop) -> None:
    right = ean13(f"21{PLU}01250")
    wrong = right[:-1] + str((int(right[-1]) + 1) % 10)
    with pytest.raises(orders.LabelDamaged):
        await counter.sell_lines([orders.TillLine(barcode=wrong)])


async def test_an_unknown_barcode_names_its_line(counter: TillShop) -> None:
    lines = [orders.TillLine(barcode=counter.barcodes[0]), orders.TillLine(barcode=ean13("690123400000"))]
    with pytest.raises(orders.BarcodeUnknown) as refused:
        await counter.sell_lines(lines)
    assert refused.value.line_no == 2


async def test_goods_that_are_no_longer_for_sale_are_refused(counter: TillShop) -> None:
    async def retire(tx: Tx) -> None:
        await catalogue.retire_sku(tx, counter.shop.skus[0])

    await counter.do(retire)
    with pytest.raises(catalogue.NotForSale):
        await counter.sell(1)


async def test_what_the_till_showed_is_what_is_charged(counter: TillShop) -> None:
    with pytest.raises(orders.TotalMoved):
        await counter.sell(1, expected_total_minor=PRICE_MINOR - 1)
    assert (await counter.sell(1, expected_total_minor=PRICE_MINOR)).order.total_minor == PRICE_MINOR


async def test_a_sale_is_the_members_and_the_guides(counter: TillShop) -> None:
    async def place(tx: Tx) -> organisation.Guide:
        new = organisation.NewGuide(code="G1", name="小美", store_id=counter.shop.store.store_id)
        return await organisation.place_guide(tx, new)

    guide = await counter.do(place)
    sold = await counter.sell(1, member_id=counter.shop.member.member_id, guide_id=guide.guide_id)
    assert (sold.order.member_id, sold.order.credited_guide_id) == (counter.shop.member.member_id, guide.guide_id)
    assert sold.order.person_id == counter.shop.member.person_id
    assert sold.order.credited_touchpoint_id == counter.till.till_id


async def test_many_tills_sell_the_same_goods_at_once_and_nothing_is_lost(counter: TillShop) -> None:
    async def one(n: int) -> orders.Sold:
        return await counter.sell(*([1] * 6 if n % 2 else [0, 2, 0, 1, 0, 1]))

    sold = await asyncio.gather(*(one(n) for n in range(16)))
    assert len({one.order.number for one in sold}) == 16
    assert await counter.stock(counter.shop.skus[1]) == 100_000 - 8 * 1000 - 8 * 2000
    figures = await counter.figures()
    assert figures.drawer_minor == FLOAT_MINOR + sum(one.order.total_minor for one in sold)
    assert figures.agrees
    assert await examine(counter) == []
