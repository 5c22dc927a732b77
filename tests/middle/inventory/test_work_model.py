"""Any sequence of transfers, counts, deliveries, sales and promises keeps every equation of the doctor."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from middle.inventory.ground import SUPPLY_MINOR, Ground, open_ground, supply
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.kit.refusals import Refusal
from midstage.middle.inventory import api as inventory

T = TypeVar("T")
place = st.integers(0, 1)
sku = st.integers(0, 2)
milli = st.integers(1, 24).map(lambda n: n * 500)
which = st.integers(0, 5)
outcome = st.sampled_from(list(inventory.Missing))
steps = st.one_of(
    st.tuples(st.just("ask"), place, st.dictionaries(sku, milli, min_size=1)),
    st.tuples(st.just("send"), which, st.none() | st.dictionaries(sku, milli, min_size=1)),
    st.tuples(st.just("receive"), which, st.none() | st.dictionaries(sku, milli, min_size=1), st.booleans()),
    st.tuples(st.just("resolve"), which, sku, outcome, milli),
    st.tuples(st.just("count"), place, sku, st.integers(0, 24).map(lambda n: n * 500)),
    st.tuples(st.just("finish"), which),
    st.tuples(st.just("sell"), place, sku, milli),
    st.tuples(st.just("deliver"), place, sku, milli, st.integers(0, 3_000)),
    st.tuples(st.just("take_in"), which, milli, st.booleans()),
    st.tuples(st.just("promise"), place, sku, milli),
    st.tuples(st.just("keep_promise"), which, st.booleans()),
    st.tuples(st.just("adjust"), place, sku, st.integers(-8, 8).filter(bool).map(lambda n: n * 500)),
    st.tuples(st.just("value")),
)


class Machine:
    """Does each step to the books and to a model of what lies where and what is on its way."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.places = [ground.a, ground.b]
        self.on_hand = [[10_000] * 3 for _ in self.places]
        self.transit: dict[int, int] = dict.fromkeys(range(3), 0)
        self.transfers: list[inventory.TransferId] = []
        self.counts: list[tuple[inventory.CountId, int, int]] = []
        self.deliveries: list[tuple[inventory.DeliveryId, int, int]] = []
        self.promises: list[tuple[Any, int, int, int]] = []

    async def run(self, script: list[tuple[Any, ...]]) -> None:
        for name, *args in script:
            await getattr(self, name)(*args)
        await self.value()
        await self.compare()

    async def compare(self) -> None:
        ground = self.ground
        await ground.sound()
        for at, place in enumerate(self.places):
            found = await ground.read(lambda tx, place=place: inventory.stock(tx, place, ground.skus))
            assert [found[one].on_hand_milli for one in ground.skus] == self.on_hand[at]
            assert all(row.reserved_milli <= row.on_hand_milli + row.short_milli for row in found.values())
        for number in range(3):
            worth = await ground.worth(number)
            assert sum(row[2] for row in worth.values()) == self.transit[number]
            whole = [worth[place][0] for place in self.places]
            assert whole == [self.on_hand[at][number] for at in range(2)]
            assert all(row[1] >= 0 for row in worth.values())

    async def _try(self, work: Callable[[Tx], Awaitable[T]]) -> T | None:
        try:
            return await self.ground.do(work)
        except Refusal:
            return None

    async def _transfer(self, which: int) -> tuple[inventory.Transfer, dict[int, inventory.TransferLine]] | None:
        if not self.transfers:
            return None
        number = self.transfers[which % len(self.transfers)]
        found = await self.ground.read(lambda tx: inventory.transfer(tx, number))
        page = await self.ground.read(lambda tx: inventory.transfer_lines(tx, number, PageRequest()))
        return found, {self.ground.skus.index(line.sku_id): line for line in page.items}

    async def ask(self, giver: int, lines: dict[int, int]) -> None:
        wanted = {self.ground.skus[number]: n for number, n in lines.items()}

        async def work(tx: Tx) -> inventory.Transfer:
            made = await inventory.ask_transfer(tx, self.places[giver], self.places[1 - giver], wanted)
            return await inventory.approve_transfer(tx, made.transfer_id, version=1)

        self.transfers.append((await self.ground.do(work)).transfer_id)

    async def send(self, which: int, lines: dict[int, int] | None) -> None:
        found = await self._transfer(which)
        if found is None:
            return
        at, before = found
        wanted = None if lines is None else {self.ground.skus[number]: n for number, n in lines.items()}
        done = await self._try(
            lambda tx: inventory.send_transfer(tx, at.transfer_id, version=at.version, milli=wanted, supply=supply)
        )
        if done is not None:
            left = {number: line.approved_milli - line.sent_milli for number, line in before.items()}
            for number, n in (left if lines is None else lines).items():
                self.on_hand[self.places.index(at.from_id)][number] -= n
                self.transit[number] += n

    async def receive(self, which: int, lines: dict[int, int] | None, final: bool) -> None:  # noqa: FBT001  # drawn
        found = await self._transfer(which)
        if found is None:
            return
        at, before = found
        wanted = None if lines is None else {self.ground.skus[number]: n for number, n in lines.items()}
        done = await self._try(
            lambda tx: inventory.receive_transfer(
                tx, at.transfer_id, version=at.version, milli=wanted, final=final, supply=supply
            )
        )
        if done is not None:
            transit = {number: line.transit_milli for number, line in before.items()}
            for number, n in (transit if lines is None else lines).items():
                self.on_hand[self.places.index(at.to_id)][number] += n
                self.transit[number] -= min(n, transit[number])

    async def resolve(self, which: int, number: int, became: inventory.Missing, n: int) -> None:
        found = await self._transfer(which)
        if found is None:
            return
        at, _ = found
        lines = [inventory.Resolved(self.ground.skus[number], became, n)]
        done = await self._try(
            lambda tx: inventory.resolve_transfer(
                tx, at.transfer_id, lines, version=at.version, note="looked", supply=supply
            )
        )
        if done is not None:
            self.transit[number] -= n
            end = {inventory.Missing.FOUND: at.to_id, inventory.Missing.SENT_BACK: at.from_id}.get(became)
            if end is not None:
                self.on_hand[self.places.index(end)][number] += n

    async def count(self, at: int, number: int, n: int) -> None:
        sku, kind = self.ground.skus[number], inventory.CountKind.SKUS
        made = await self._try(lambda tx: inventory.open_count(tx, self.places[at], kind, skus=[sku]))
        if made is not None:
            difference = n - self.on_hand[at][number]
            await self.ground.do(lambda tx: inventory.enter_count(tx, made.count_id, [inventory.Tally(sku, n)]))
            self.counts.append((made.count_id, at * 3 + number, difference))

    async def finish(self, which: int) -> None:
        if not self.counts:
            return
        number, at, difference = self.counts.pop(which % len(self.counts))

        async def work(tx: Tx) -> None:
            await inventory.finish_count(tx, number, version=1, supply=supply)

        await self.ground.do(work)
        await self.ground.do(lambda tx: inventory.approve_count(tx, number, version=2, supply=supply))
        self.on_hand[at // 3][at % 3] += difference

    async def sell(self, at: int, number: int, n: int) -> None:
        await self.ground.sell(self.places[at], n, number)
        self.on_hand[at][number] -= n

    async def deliver(self, at: int, number: int, n: int, price: int) -> None:
        lines = [inventory.DeliveryLine(self.ground.skus[number], n, price)]
        made = await self.ground.do(
            lambda tx: inventory.expect_delivery(tx, self.places[at], lines, supplier="s", currency="CNY")
        )
        self.deliveries.append((made.delivery_id, at, number))

    async def take_in(self, which: int, n: int, final: bool) -> None:  # noqa: FBT001  # drawn
        if not self.deliveries:
            return
        number, at, sku = self.deliveries[which % len(self.deliveries)]
        found = await self.ground.read(lambda tx: inventory.delivery(tx, number))
        came = [inventory.Arrival(self.ground.skus[sku], n)]
        done = await self._try(
            lambda tx: inventory.receive_delivery(tx, number, came, version=found.version, final=final)
        )
        if done is not None:
            self.on_hand[at][sku] += n

    async def promise(self, at: int, number: int, n: int) -> None:
        order = new_id()
        want = [inventory.Want(self.places[at], self.ground.skus[number], n)]

        async def work(tx: Tx) -> bool:
            await inventory.reserve(tx, order, want)
            return True

        if await self._try(work):
            self.promises.append((order, at, number, n))

    async def keep_promise(self, which: int, kept: bool) -> None:  # noqa: FBT001  # drawn
        if not self.promises:
            return
        order, at, number, n = self.promises.pop(which % len(self.promises))
        end = inventory.Outcome.HANDED_OVER if kept else inventory.Outcome.CANCELLED
        await self.ground.do(lambda tx: inventory.end_reservation(tx, order, end))
        self.on_hand[at][number] -= n if kept else 0

    async def adjust(self, at: int, number: int, n: int) -> None:
        delta = {self.ground.skus[number]: n}
        await self.ground.do(
            lambda tx: inventory.adjust(tx, self.places[at], delta, reference=new_id(), reason="x", supply=supply)
        )
        self.on_hand[at][number] += n

    async def value(self) -> None:
        await self.ground.value()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=st.lists(steps, min_size=6, max_size=22))
async def test_every_equation_holds_whatever_happens(db: Database, script: list[tuple[Any, ...]]) -> None:
    await Machine(await open_ground(db)).run(script)


async def test_a_long_story_by_hand(db: Database) -> None:
    ground = await open_ground(db)
    script: list[tuple[Any, ...]] = [
        ("ask", 0, {0: 4_000, 1: 2_000}),
        ("send", 0, None),
        ("count", 0, 0, 5_000),
        ("sell", 0, 0, 1_000),
        ("receive", 0, {0: 3_000}, True),
        ("finish", 0),
        ("resolve", 0, 0, inventory.Missing.SENT_BACK, 1_000),
        ("resolve", 0, 1, inventory.Missing.LOST, 2_000),
        ("deliver", 1, 2, 6_000, 1_200),
        ("take_in", 0, 4_000, True),
        ("sell", 1, 2, 20_000),
        ("adjust", 1, 2, 6_000),
    ]
    machine = Machine(ground)
    await machine.run(script)
    assert machine.on_hand == [[5_000, 8_000, 10_000], [13_000, 10_000, 0]]
    lost = await ground.worth(1)
    assert lost[ground.a][1] + lost[ground.b][1] == 18 * SUPPLY_MINOR, "two of twenty were lost on the way"
