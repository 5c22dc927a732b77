"""`midstage bench oversell`: many connections fight for few units, and every end an order can have is mixed in.

What counts is read from the rows when all is over: what the orders hold and took away, what the stock says is left,
and from the movements whether at any moment more was promised and gone than there had ever been.
"""

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec

from midstage.bench import ground
from midstage.bench.ground import Ground, Say, Size
from midstage.kit.audit import Principal
from midstage.kit.clock import utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.findings import Finding
from midstage.kit.money import Money
from midstage.kit.refusals import Refusal
from midstage.middle.inventory import api as inventory
from midstage.middle.ledger import api as ledger
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments

CONNECTIONS = 64
SKUS = 5
UNITS = 200
ORDERS_EACH = 40
LATER = timedelta(hours=1)  # beyond the hold of any order
# So few are looked at again that several connections are at the same order most of the time.
RECENT = 24
_CHECKS = (orders.checks, payments.checks, inventory.checks, ledger.checks)

Act = Callable[["_Fight", orders.PlacedOrder, random.Random], Awaitable[object]]

# Each sku: what orders hold and took away by their lines, against what its stock row says.
_HELD = """
select l.sku_id,
       coalesce(sum(l.quantity_milli) filter (where o.state in ('placed', 'paid')), 0)::bigint as promised,
       coalesce(sum(l.quantity_milli) filter (where o.state = 'completed'), 0)::bigint as gone
  from sales_order o join order_line l on l.brand_id = o.brand_id and l.order_id = o.order_id
 where o.brand_id = $1 group by l.sku_id
"""
_STOCK = """
select sku_id, sum(on_hand_milli)::bigint as on_hand, sum(reserved_milli)::bigint as reserved
  from stock where brand_id = $1 group by sku_id
"""
# The movements of a sku were written under the lock of its row, so their ids are its history.
_PEAK = """
select coalesce(max(used), 0)::bigint
  from (select sum(reserved_delta_milli - case when kind = 'opening' then 0 else on_hand_delta_milli end)
                 over (partition by sku_id order by movement_id) as used
          from stock_movement where brand_id = $1) as history
"""
_DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"


class Result(msgspec.Struct, frozen=True):
    """The figures of `midstage bench oversell`. Units are whole pieces; `findings` are the doctor's."""

    oversold_units: int
    lost_units: int
    deadlocks: int
    orders: int
    refused: int
    seconds: float
    most_units_at_once: int
    units: int
    ends: dict[str, int]
    findings: list[Finding]

    @property
    def well(self) -> bool:
        return not (self.oversold_units or self.lost_units or self.deadlocks or self.findings)


def run(*, say: Say, connections: int = CONNECTIONS, orders_each: int = ORDERS_EACH) -> Result:
    """Fight on a throw-away server."""
    with ground.throw_away_server() as server:
        return asyncio.run(measure(server.url, say=say, connections=connections, orders_each=orders_each))


async def measure(url: str, *, say: Say, connections: int, orders_each: int) -> Result:
    """Fight on this empty database."""
    database = await Database.open(url, pool_size=connections, statement_timeout_ms=60_000)
    try:
        size = Size(stores=1, skus=SKUS, members=connections, tokens=1, stocked=0)
        made = await ground.make(database, size, say=say)
        await database.attempt(made.tenant, lambda tx: _stock(tx, made))
        fight = _Fight(database, made)
        say(f"{connections} connections, {connections * orders_each} orders for {SKUS * UNITS} units")
        begun = time.perf_counter()
        await asyncio.gather(*(fight.shop(nth, orders_each) for nth in range(connections)))
        seconds = time.perf_counter() - begun
        return await _judge(database, fight, seconds)
    finally:
        await database.close()


class _Fight:
    def __init__(self, database: Database, made: Ground) -> None:
        self.database = database
        self.made = made
        self.recent: deque[orders.PlacedOrder] = deque(maxlen=RECENT)
        self.seen: Counter[str] = Counter()

    async def shop(self, nth: int, count: int) -> None:
        """One connection's work: place an order, then do something to two of the latest, whoever placed them."""
        chance = random.Random(nth)  # noqa: S311  # the same fight every time, as far as the scheduler allows
        member = self.made.members[nth]
        for _ in range(count):
            await self._place(member, chance)
            for _ in range(2):
                if self.recent:
                    act = chance.choices(list(_ACTS), weights=list(_ACTS.values()))[0]
                    await act(self, chance.choice(self.recent), chance)

    async def attempt(self, name: str, work: Callable[[Tx], Awaitable[object]], *, later: bool = False) -> bool:
        """Do it in a transaction of its own; whether it was not refused."""
        now = utc_now() + LATER if later else None
        try:
            await self.database.attempt(self.made.tenant, work, now=now, by=Principal("shopper", self.made.members[0]))
        except Refusal as refusal:
            self.seen[f"{name}: {refusal.code}"] += 1
            return False
        self.seen[name] += 1
        return True

    async def _place(self, member: members.MemberId, chance: random.Random) -> None:
        skus = chance.sample(self.made.skus, chance.randint(1, SKUS))
        placing = orders.Placing(
            kind=orders.Kind.MALL,
            front="bench",
            sales_channel="mall",
            lines=[orders.LineWish(sku, 1000 * chance.randint(1, 3)) for sku in skus],
            delivery=orders.Delivery(orders.Method.PICK_UP),
            store_id=self.made.stores[0].store_id,
            member_id=member,
        )
        placed: list[orders.PlacedOrder] = []

        async def work(tx: Tx) -> None:
            placed[:] = [await orders.place_order(tx, placing)]

        if await self.attempt("placed", work):
            self.recent.extend(placed)


async def _pay(fight: _Fight, placed: orders.PlacedOrder, chance: random.Random) -> None:
    """The provider says so, now and then twice at once; for an order that is gone it is the late payment."""
    if placed.payment_id is None:
        return
    notice = payments.Notice(
        kind=payments.NoticeKind.PAID,
        merchant_id=fight.made.merchant.merchant_id,
        payee=None,
        provider="sandbox",
        payment_id=placed.payment_id,
        transaction_no=f"T{placed.payment_id.hex}",
        amount=Money(placed.order.total_minor, placed.order.currency),
        at=utc_now(),
    )
    times = 2 if chance.random() < 0.3 else 1
    await asyncio.gather(
        *(fight.attempt("told paid", lambda tx: orders.notice_arrived(tx, notice)) for _ in range(times))
    )


async def _expire(fight: _Fight, placed: orders.PlacedOrder, _: random.Random) -> None:
    await fight.attempt("expiry", lambda tx: orders.expire_order(tx, placed.order.order_id), later=True)


async def _cancel(fight: _Fight, placed: orders.PlacedOrder, _: random.Random) -> None:
    await fight.attempt("cancel", lambda tx: orders.cancel_order(tx, placed.order.order_id))


async def _hand_over(fight: _Fight, placed: orders.PlacedOrder, _: random.Random) -> None:
    await fight.attempt("hand over", lambda tx: orders.hand_over(tx, placed.order.order_id))


async def _refund(fight: _Fight, placed: orders.PlacedOrder, _: random.Random) -> None:
    wish = [orders.RefundWish(1, 1000)]
    await fight.attempt("refund", lambda tx: orders.refund_order(tx, placed.order.order_id, wish))


# What is done to an order that somebody placed, and how often. Most units come back, so that the fight goes on.
_ACTS: dict[Act, int] = {_pay: 30, _expire: 30, _cancel: 28, _hand_over: 4, _refund: 8}


async def _stock(tx: Tx, made: Ground) -> None:
    here = inventory.location_of(made.stores[0].store_id)
    await inventory.open_stock(tx, [inventory.Opening(here, sku, UNITS * 1000) for sku in made.skus])


async def _judge(database: Database, fight: _Fight, seconds: float) -> Result:
    brand = fight.made.tenant.brand
    async with database.connection() as link:
        held = {row["sku_id"]: row for row in await link.fetch(_HELD, brand)}
        stock = {row["sku_id"]: row for row in await link.fetch(_STOCK, brand)}
        peak: int = await link.fetchval(_PEAK, brand)
        deadlocks: int = await link.fetchval(_DEADLOCKS)
    oversold = lost = 0
    for sku in fight.made.skus:
        promised, gone = (held[sku]["promised"], held[sku]["gone"]) if sku in held else (0, 0)
        free = stock[sku]["on_hand"] - stock[sku]["reserved"]
        oversold += max(0, promised + gone - UNITS * 1000)
        lost += abs(UNITS * 1000 - free - promised - gone)
    findings: list[Finding] = []
    async with database.reading(fight.made.tenant, snapshot=True) as tx:
        for checks in _CHECKS:
            findings += await checks(tx)
    return Result(
        oversold_units=-(-max(oversold, peak - UNITS * 1000, 0) // 1000),
        lost_units=-(-lost // 1000),
        deadlocks=deadlocks,
        orders=fight.seen["placed"],
        refused=sum(count for what, count in fight.seen.items() if what.startswith("placed: ")),
        seconds=round(seconds, 1),
        most_units_at_once=peak // 1000,
        units=UNITS,
        ends=dict(sorted(fight.seen.items())),
        findings=findings,
    )
