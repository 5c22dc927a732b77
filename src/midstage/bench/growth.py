"""`midstage bench growth`: what an order and a page of the console's order list cost when the book has grown.

Two databases of one throw-away server stand on the same ground; one book is small, the other large. The books are
filled on the server by SQL, past the doors: a million orders through them would measure the doors. Each order has two
lines, a part, its first step, a payment with its tender, two ledger transfers' worth of rows, two reservations and
their movements. Facts are left out: they are appended, read by number, and forgotten by the month.

Cost is the time on a CPU of the one server process that does the call, its median over calls that take turns.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from midstage.bench import ground
from midstage.bench.ground import Ground, Say, Size
from midstage.kit.audit import Principal
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx, connect
from midstage.kit.money import Money
from midstage.kit.paging import PageRequest, cursor
from midstage.kit.postgres import EmbeddedPostgres
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments

ORDERS = 1_000_000
SMALL = 10_000
DEPTH_SHARE = 10  # the deep page begins after a tenth of the book: 100,000 rows of a million
WARM_UP = 60  # calls before the first that counts: plans are made, caches are filled
ORDER_CALLS = 400
LIST_CALLS = 200
LINES = 5
SINCE = timedelta(days=300)
SIZE = Size(stores=50, skus=1_000, members=20_000, tokens=1, stocked=1_000)
_CHUNK = 50_000

# One chunk of the past: a flagship has two fifths of the sales, three states in a hundred are not a sale, the last
# three hundred orders are still under way. Everything follows from n, so both books are of one kind.
_CHUNK_OF_ORDERS = """
create temporary table past as
select n, uuidv7(at - now()) as order_id, uuidv7(at - now()) as payment_id, at,
       ($3::uuid[])[case when n % 5 < 2 then 1 else 2 + (n / 5) % (cardinality($3::uuid[]) - 1) end] as store_id,
       ($4::uuid[])[1 + (n::bigint * 7919) % cardinality($4::uuid[])] as member_id,
       ($5::uuid[])[1 + (n::bigint * 104729) % cardinality($5::uuid[])] as sku_a,
       ($5::uuid[])[1 + (n::bigint * 104729 + 1) % cardinality($5::uuid[])] as sku_b,
       case when n > $6 - 100 then 'placed' when n > $6 - 300 then 'paid' when n % 50 = 7 then 'cancelled'
            when n % 100 = 8 then 'expired' else 'completed' end as state,
       (array['mall', 'till', 'scan_and_go', 'guide'])[1 + n % 4] as kind
  from generate_series($1::integer, $2::integer) as n,
       lateral (select $7::timestamptz - (($6 - n)::double precision / $6) * interval '365 days') as past (at)
"""
_FILL: Mapping[str, str] = {
    "orders": """
insert into sales_order (brand_id, order_id, number, version, kind, state, sales_channel, front, store_id, operator_id,
                         member_id, currency, units_milli, goods_minor, discount_minor, shipping_minor, total_minor,
                         tax_minor, paid_minor, delivery, business_date, placed_at, expires_at, paid_at)
select $1, order_id, 'G' || lpad(to_hex((n::bigint * 2654435761) % 4294967296), 8, '0'), 3, kind, state, 'mall', 'bench',
       store_id, $2, member_id, 'CNY', 2000, 3000, 0, 0, 3000, 345,
       case when state in ('paid', 'completed') then 3000 else 0 end, '{"method": "pick_up"}', at::date, at,
       case when state = 'placed' then at + interval '30 minutes' end, at
  from past order by n
""",
    "lines": """
insert into order_line (brand_id, order_id, line_no, part_no, sku_id, product_id, sku_code, title_zh, title_en, options,
                        unit, quantity_milli, unit_minor, list_minor, price_rule, goods_minor, discount_minor,
                        total_minor, tax_class, tax_rate_millionths, tax_inclusive, tax_minor)
select $1, order_id, line.no, 1, line.sku, line.sku, 'P00001-1', '商品', 'Product', '', 'piece', 1000, 1500, 1500, 'list',
       1500, 0, 1500, 'standard', 130000, true, 172
  from past, lateral (values (1, sku_a), (2, sku_b)) as line (no, sku) order by n, line.no
""",
    "parts": """
insert into order_part (brand_id, order_id, part_no, location_id, method, state, moved_at)
select $1, order_id, 1, store_id, 'pick_up', case state when 'completed' then 'handed_over' else 'waiting' end, at
  from past order by n
""",
    "steps": """
insert into order_step (brand_id, order_id, version, became, by_kind, by_id, at)
select $1, order_id, 1, 'placed', 'shopper', member_id, at from past order by n
""",
    "payments": """
insert into payment (brand_id, payment_id, order_id, currency, due_minor, paid_minor, state, opened_at, due_at, paid_at)
select $1, payment_id, order_id, 'CNY', 3000, 3000, 'paid', at, at + interval '30 minutes', at from past order by n
""",
    "tenders": """
insert into tender (brand_id, payment_id, tender_id, kind, method, merchant_id, transaction_no, amount_minor, currency,
                    happened_at, booked_at)
select $1, payment_id, payment_id, 'payment', 'sandbox', $2, 'T' || payment_id, 3000, 'CNY', at, at from past order by n
""",
    "transfers": """
insert into ledger_transfer (brand_id, transfer_id, key, content, reason, reference, booked_at)
select $1, gen_random_uuid(), 'past/' || payment_id, '', 'payment', order_id, at from past order by n
""",
    "entries": """
insert into ledger_entry (brand_id, account_id, transfer_id, asset, amount)
select $1, side.account, payment_id, 'CNY', side.amount
  from past, lateral (values ($2::uuid, -3000), ($3::uuid, 3000)) as side (account, amount) order by n
""",
    "reservations": """
insert into stock_reservation (brand_id, order_id, location_id, sku_id, milli, state, shared, reserved_at, ended_at)
select $1, order_id, store_id, line.sku, 1000, 'handed_over', false, at, at
  from past, lateral (values (sku_a), (sku_b)) as line (sku) order by n
""",
    "movements": """
insert into stock_movement (brand_id, location_id, sku_id, kind, on_hand_delta_milli, reserved_delta_milli,
                            incoming_delta_milli, reference, moved_at)
select $1, store_id, line.sku, 'handed_over', -1000, -1000, 0, order_id, at
  from past, lateral (values (sku_a), (sku_b)) as line (sku) order by n
""",
}
_AT_DEPTH = """
select placed_at, order_id from sales_order
 where brand_id = $1 and store_id = $2 and state = $3 and placed_at >= $4
 order by placed_at desc, order_id desc offset $5 limit 1
"""


class Cost(msgspec.Struct, frozen=True):
    """A call on the small and on the large book: milliseconds of CPU in the server, and of the clock."""

    small_cpu_ms: float
    large_cpu_ms: float
    small_ms: float
    large_ms: float

    @property
    def ratio(self) -> float:
        return round(self.large_cpu_ms / self.small_cpu_ms, 3)


class Result(msgspec.Struct, frozen=True):
    """The figures of `midstage bench growth`.

    `list_cost_ratio` is the worse of two pages of the list by store, state and dates, each over the small book's first.
    """

    order_cost_ratio: float
    list_cost_ratio: float
    orders: int
    small_orders: int
    order: Cost
    list_first_page: Cost
    list_deep_page: Cost
    other_lists: dict[str, Cost]
    fill_s: float


class Book(msgspec.Struct, frozen=True):
    """One of the two databases."""

    database: Database
    size: int
    deep: str
    """The cursor after a tenth of the book."""


def run(*, say: Say, count: int = ORDERS) -> Result:
    """Measure on a throw-away server."""
    with ground.throw_away_server() as server:
        return asyncio.run(_measure(server, count, say))


async def _measure(server: EmbeddedPostgres, count: int, say: Say) -> Result:
    first = await Database.open(server.url, pool_size=2, statement_timeout_ms=600_000)
    made = await ground.make(first, SIZE, say=say)
    await first.close()
    begun = time.perf_counter()
    sizes = {"book_small": SMALL, "book_large": count}
    for name, size in sizes.items():
        await _fill(server, name, made, size, say)
    fill_s = time.perf_counter() - begun
    small, large = [await _open(server.url_of(name), made, size) for name, size in sizes.items()]
    try:
        say("orders")
        order = await _compare(small, large, _sell(made), ORDER_CALLS)
        say("lists")
        flagship = _flagship(made)
        first_page = await _compare(small, large, _page(made.tenant, flagship), LIST_CALLS)
        deep_page = await _compare(small, large, _page(made.tenant, flagship, deep=True), LIST_CALLS)
        others = {
            name: await _compare(small, large, _page(made.tenant, filters), LIST_CALLS)
            for name, filters in _other_filters(made).items()
        }
    finally:
        await small.database.close()
        await large.database.close()
    worst = max(first_page.large_cpu_ms, deep_page.large_cpu_ms) / first_page.small_cpu_ms
    return Result(order.ratio, round(worst, 3), count, SMALL, order, first_page, deep_page, others, round(fill_s, 1))


async def _fill(server: EmbeddedPostgres, name: str, made: Ground, size: int, say: Say) -> None:
    """Copy the ground and write so many past orders on it."""
    plain = await connect(server.url_of("postgres"))
    await plain.execute(f"create database {name} template midstage")
    await plain.close()
    link = await connect(server.url_of(name))
    brand, store_ids = made.tenant.brand, [store.store_id for store in made.stores]
    more: dict[str, Sequence[object]] = {
        "orders": [made.stores[0].operator_id],
        "tenders": [made.merchant.merchant_id],
        "entries": [UUID(int=1), UUID(int=2)],
    }
    await link.execute("set synchronous_commit = off")
    for begin in range(1, size + 1, _CHUNK):
        say(f"{name}: {begin - 1:,} of {size:,} orders")
        end = min(size, begin + _CHUNK - 1)
        async with link.transaction():
            await link.execute(
                _CHUNK_OF_ORDERS, begin, end, store_ids, made.members, made.skus, size, utc_now() - timedelta(minutes=5)
            )
            for what, sql in _FILL.items():
                await link.execute(sql, brand, *more.get(what, []))
            await link.execute("drop table past")
    say(f"{name}: vacuum")
    await link.execute("vacuum analyze")
    await link.execute("checkpoint")
    await link.close()


async def _open(url: str, made: Ground, size: int) -> Book:
    database = await Database.open(url, pool_size=1, statement_timeout_ms=600_000)
    async with database.connection() as link:
        row = await link.fetchrow(
            _AT_DEPTH, made.tenant.brand, made.stores[0].store_id, "completed", utc_now() - SINCE, size // DEPTH_SHARE
        )
    if row is None:
        raise ValueError(f"a book of {size} orders has no page so deep")
    return Book(database, size, cursor((row["placed_at"], row["order_id"])))


Call = Callable[[Book], Awaitable[int]]
"""Does something with a book, and returns the process of the server that did it."""


def _flagship(made: Ground) -> orders.OrderFilters:
    """The console's list: one store, one state, ten months."""
    return orders.OrderFilters(
        store_ids=frozenset({made.stores[0].store_id}),
        state=orders.State.COMPLETED,
        placed_from=utc_now() - SINCE,
        placed_to=utc_now() + timedelta(days=1),
    )


def _other_filters(made: Ground) -> dict[str, orders.OrderFilters]:
    """Other ways in which people look at the list."""
    stores = frozenset(organisation.StoreId(store.store_id) for store in made.stores[1:11])
    one = frozenset({made.stores[7].store_id})
    return {
        "everything": orders.OrderFilters(),
        "one store": orders.OrderFilters(store_ids=one),
        "one store, cancelled": orders.OrderFilters(store_ids=one, state=orders.State.CANCELLED),
        "one store, paid": orders.OrderFilters(store_ids=one, state=orders.State.PAID),
        "ten stores": orders.OrderFilters(store_ids=stores),
        "ten stores, completed": orders.OrderFilters(store_ids=stores, state=orders.State.COMPLETED),
        "ten stores, paid": orders.OrderFilters(store_ids=stores, state=orders.State.PAID),
        "all placed": orders.OrderFilters(state=orders.State.PLACED),
        "all expired": orders.OrderFilters(state=orders.State.EXPIRED),
        "of a kind": orders.OrderFilters(kind=orders.Kind.GUIDE),
        "of a member": orders.OrderFilters(member_id=made.members[3]),
    }


def _page(tenant: Tenant, filters: orders.OrderFilters, *, deep: bool = False) -> Call:
    async def call(book: Book) -> int:
        async with book.database.reading(tenant) as tx:
            await orders.find_orders(tx, filters, PageRequest(book.deep if deep else None))
            return await tx.value("select pg_backend_pid()")

    return call


def _sell(made: Ground) -> Call:
    """An order of five lines, placed and paid through the doors."""
    chance = random.Random(11)  # noqa: S311  # the same orders every time

    async def call(book: Book) -> int:
        member = chance.choice(made.members)
        placing = orders.Placing(
            kind=orders.Kind.MALL,
            front="bench",
            sales_channel="mall",
            lines=[orders.LineWish(sku, 1000) for sku in chance.sample(made.skus, LINES)],
            delivery=orders.Delivery(orders.Method.PICK_UP),
            store_id=chance.choice(made.stores).store_id,
            member_id=member,
        )
        by = Principal("shopper", member)
        placed = await book.database.attempt(made.tenant, lambda tx: orders.place_order(tx, placing), by=by)
        notice = _notice(made, placed)

        async def pay(tx: Tx) -> int:
            await orders.notice_arrived(tx, notice)
            return await tx.value("select pg_backend_pid()")

        return await book.database.attempt(made.tenant, pay, by=by)

    return call


def _notice(made: Ground, placed: orders.PlacedOrder) -> payments.Notice:
    if placed.payment_id is None:
        raise ValueError("the ground's prices are above nothing")
    return payments.Notice(
        kind=payments.NoticeKind.PAID,
        merchant_id=made.merchant.merchant_id,
        payee=None,
        provider="sandbox",
        payment_id=placed.payment_id,
        transaction_no=f"B{placed.payment_id}",
        amount=Money(placed.order.total_minor, placed.order.currency),
        at=utc_now(),
    )


async def _compare(small: Book, large: Book, call: Call, calls: int) -> Cost:
    """The same call on both books in turn, so that a machine that slows down slows both."""
    cpu: dict[int, list[float]] = {small.size: [], large.size: []}
    clock: dict[int, list[float]] = {small.size: [], large.size: []}
    pids = {book.size: await call(book) for book in (small, large)}
    for turn in range(WARM_UP + calls):
        for book in (small, large) if turn % 2 else (large, small):
            before, begun = _cpu_ms(pids[book.size]), time.perf_counter()
            await call(book)
            took = (time.perf_counter() - begun) * 1000
            if turn >= WARM_UP:
                cpu[book.size].append(_cpu_ms(pids[book.size]) - before)
                clock[book.size].append(took)
    figures = [statistics.median(values[book.size]) for values in (cpu, clock) for book in (small, large)]
    return Cost(*(round(figure, 4) for figure in figures))


def _cpu_ms(pid: int) -> float:
    """How long a process has been on a CPU, to the nanosecond: the kernel's own count."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e6
