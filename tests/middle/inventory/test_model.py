"""Any sequence of promises, ends, arrivals, counts and sales does to stock what it does to a model of it."""

import itertools
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import BrandId, new_id
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation

_brands = itertools.count(30_000_000)
HERE = inventory.LocationId(uuid4())
OWNER, STRANGER = (organisation.OperatorId(uuid4()) for _ in range(2))
SKUS = [inventory.SkuId(uuid4()) for _ in range(3)]

sku = st.integers(0, 2)
milli = st.integers(1, 8).map(lambda n: n * 500)
steps = st.one_of(
    st.tuples(st.just("reserve"), st.lists(st.tuples(sku, milli), min_size=1, max_size=4), st.booleans()),
    st.tuples(st.just("end"), st.integers(0, 6), st.sampled_from(list(inventory.Outcome)), st.booleans()),
    st.tuples(st.just("receive"), sku, milli, st.booleans()),
    st.tuples(st.just("expect"), sku, milli),
    st.tuples(st.just("call_off"), sku, milli),
    st.tuples(st.just("adjust"), sku, milli, st.booleans()),
    st.tuples(st.just("count"), sku, st.integers(0, 9).map(lambda n: n * 500)),
    st.tuples(st.just("sell"), sku, milli),
    st.tuples(st.just("safety"), sku, st.integers(0, 3).map(lambda n: n * 500)),
    st.tuples(st.just("share"), st.sampled_from([0, 30, 50, 100])),
)


class Machine:
    """Does each step to both."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.tenant = Tenant(BrandId(next(_brands)), "model", zone="UTC", day_starts_minute=0)
        self.on_hand = [4000] * 3
        self.incoming = [0] * 3
        self.kept = [0] * 3
        self.percent = 100
        self.orders: list[tuple[UUID, dict[int, int], bool]] = []  # what is open of each, and whether under a share

    def reserved(self, sku: int) -> int:
        return sum(held.get(sku, 0) for _, held, _ in self.orders)

    def free(self, sku: int, *, own: bool) -> int:
        free = self.on_hand[sku] - self.reserved(sku) - self.kept[sku]
        if not own and self.percent < 100:
            taken = sum(held.get(sku, 0) for _, held, shared in self.orders if shared)
            free = min(free, self.on_hand[sku] * self.percent // 100 - taken)
        return max(free, 0)

    async def run(self, script: list[tuple[Any, ...]]) -> None:
        async with self.db.writing(self.tenant) as tx:
            await inventory.place_locations(tx, [inventory.Location(HERE, organisation.StoreKind.FRANCHISE, OWNER)])
            await inventory.open_stock(tx, [inventory.Opening(HERE, one, 4000) for one in SKUS])
        for name, *args in script:
            async with self.db.writing(self.tenant) as tx:
                await getattr(self, name)(tx, *args)
        async with self.db.reading(self.tenant) as tx:
            await self.compare(tx)

    async def compare(self, tx: Tx) -> None:
        found = await inventory.stock(tx, HERE, SKUS)
        for number, one in enumerate(SKUS):
            row = found[one]
            assert (row.on_hand_milli, row.reserved_milli) == (self.on_hand[number], self.reserved(number))
            assert (row.incoming_milli, row.safety_milli) == (self.incoming[number], self.kept[number])
            assert row.reserved_milli <= row.on_hand_milli + row.short_milli
        for seller, own in ((inventory.Seller("mall", OWNER), True), (inventory.Seller("mall", STRANGER), False)):
            free = await inventory.available(tx, HERE, SKUS, seller=seller)
            assert free == {one: self.free(number, own=own) for number, one in enumerate(SKUS)}
        assert await inventory.checks(tx) == []

    async def reserve(self, tx: Tx, lines: list[tuple[int, int]], own: bool) -> None:  # noqa: FBT001  # drawn in order
        order = new_id()
        wanted: dict[int, int] = {}
        for number, amount in lines:
            wanted[number] = wanted.get(number, 0) + amount
        fits = all(amount <= self.free(number, own=own) for number, amount in wanted.items())
        wants = [inventory.Want(HERE, SKUS[number], amount) for number, amount in lines]
        try:
            await inventory.reserve(tx, order, wants, seller=inventory.Seller("mall", OWNER if own else STRANGER))
        except inventory.StockShort as refusal:
            self.check_short(refusal, fits=fits)
        else:
            assert fits
            self.orders.append((order, wanted, not own and self.percent < 100))

    def check_short(self, refusal: inventory.StockShort, *, fits: bool) -> None:
        assert not fits
        assert refusal.free_milli < refusal.wanted_milli

    async def end(self, tx: Tx, which: int, outcome: inventory.Outcome, partly: bool) -> None:  # noqa: FBT001  # drawn in order
        if which >= len(self.orders):
            return
        order, held, _ = self.orders[which]
        numbers = sorted(held)[:1] if partly else sorted(held)
        only = [(HERE, SKUS[number]) for number in numbers] if partly else None
        ended = await inventory.end_reservation(tx, order, outcome, only=only)
        assert sorted(want.milli for want in ended) == sorted(held[number] for number in numbers)
        for number in numbers:
            amount = held.pop(number)
            if outcome == inventory.Outcome.HANDED_OVER:
                self.on_hand[number] -= amount

    async def receive(self, tx: Tx, sku: int, amount: int, expected: bool) -> None:  # noqa: FBT001  # drawn in order
        await inventory.receive(tx, HERE, {SKUS[sku]: amount}, reference=new_id(), from_incoming=expected)
        self.on_hand[sku] += amount
        if expected:
            self.incoming[sku] = max(0, self.incoming[sku] - amount)

    async def expect(self, tx: Tx, sku: int, amount: int) -> None:
        await inventory.expect(tx, HERE, {SKUS[sku]: amount}, reference=new_id())
        self.incoming[sku] += amount

    async def call_off(self, tx: Tx, sku: int, amount: int) -> None:
        await inventory.call_off_expected(tx, HERE, {SKUS[sku]: amount}, reference=new_id(), reason="late")
        self.incoming[sku] = max(0, self.incoming[sku] - amount)

    async def adjust(self, tx: Tx, sku: int, amount: int, up: bool) -> None:  # noqa: FBT001  # drawn in order
        delta = amount if up else -amount
        await inventory.adjust(tx, HERE, {SKUS[sku]: delta}, reference=new_id(), reason="broken")
        self.on_hand[sku] += delta

    async def count(self, tx: Tx, sku: int, counted: int) -> None:
        await inventory.count(tx, HERE, {SKUS[sku]: counted}, reference=new_id(), reason="count")
        self.on_hand[sku] = counted

    async def sell(self, tx: Tx, sku: int, amount: int) -> None:
        moved = await inventory.sell_through(tx, HERE, {SKUS[sku]: amount}, reference=new_id())
        self.on_hand[sku] -= amount
        if self.on_hand[sku] < 0:
            assert moved[0].discrepancy_id is not None
        if self.on_hand[sku] >= self.reserved(sku):
            assert moved[0].discrepancy_id is None

    async def safety(self, tx: Tx, sku: int, amount: int) -> None:
        await inventory.set_safety(tx, HERE, {SKUS[sku]: amount})
        self.kept[sku] = amount

    async def share(self, tx: Tx, percent: int) -> None:
        await inventory.set_share(tx, percent, operator_id=OWNER)
        self.percent = percent


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=st.lists(steps, min_size=5, max_size=25))
async def test_stock_does_what_its_model_does(db: Database, script: list[tuple[Any, ...]]) -> None:
    await Machine(db).run(script)
