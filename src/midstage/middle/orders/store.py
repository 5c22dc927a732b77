"""All SQL of the order book, over its own tables only."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from midstage.kit.database import Record, Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.inventory import api as inventory
from midstage.middle.orders.types import (
    Crediting,
    Delivery,
    Kind,
    Line,
    Method,
    Order,
    OrderChanged,
    OrderFilters,
    OrderId,
    OwnerId,
    Part,
    PartState,
    State,
    Step,
)

_ORDER_COLUMNS = """
order_id, number, version, kind, state, sales_channel, front, store_id, operator_id, member_id, person_id, guide_id,
touchpoint_id, credited_store_id, credited_guide_id, credited_touchpoint_id, credited_referrer_id, currency,
units_milli, goods_minor, discount_minor, shipping_minor, total_minor, tax_minor, tax_added_minor, paid_minor, refunded_minor,
delivery, note, business_date, placed_at, expires_at, paid_at, closed_at
"""
_LINE_COLUMNS = """
line_no, part_no, sku_id, product_id, sku_code, title_zh, title_en, options, unit, quantity_milli, unit_minor,
list_minor, price_rule, goods_minor, discount_minor, total_minor, tax_class, tax_rate_millionths, tax_inclusive,
tax_minor, refunded_minor, returned_milli
"""

# The four inserts of an order go out as one statement with whatever else placing writes (tx.later).
INSERT_ORDER = """
insert into sales_order (
  brand_id, order_id, number, kind, state, sales_channel, front, store_id, operator_id, member_id, person_id,
  guide_id, touchpoint_id, currency, units_milli, goods_minor, discount_minor, shipping_minor, total_minor, tax_minor,
  tax_added_minor, delivery, note, business_date, placed_at, expires_at)
values ($1, $2, $3, $4, 'placed', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
        $23, $24, $25)
"""
INSERT_PARTS = """
insert into order_part (brand_id, order_id, part_no, location_id, method, state, moved_at)
select $1, $2, p.part_no, p.location_id, $3, 'waiting', $4
  from unnest($5::uuid[]) with ordinality as p (location_id, part_no)
"""
INSERT_LINES = """
insert into order_line (
  brand_id, order_id, line_no, part_no, sku_id, product_id, sku_code, title_zh, title_en, options, unit,
  quantity_milli, unit_minor, list_minor, price_rule, goods_minor, discount_minor, total_minor, tax_class,
  tax_rate_millionths, tax_inclusive, tax_minor)
select $1, $2, l.line_no, l.part_no, l.sku_id, l.product_id, l.sku_code, l.title_zh, l.title_en, l.options, l.unit,
       l.quantity_milli, l.unit_minor, l.list_minor, l.price_rule, l.goods_minor, l.discount_minor,
       l.goods_minor - l.discount_minor, l.tax_class, l.tax_rate_millionths, l.tax_inclusive, l.tax_minor
  from unnest($3::smallint[], $4::smallint[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[],
              $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[], $15::text[], $16::bigint[],
              $17::bigint[], $18::text[], $19::integer[], $20::boolean[], $21::bigint[])
    as l (line_no, part_no, sku_id, product_id, sku_code, title_zh, title_en, options, unit, quantity_milli,
          unit_minor, list_minor, price_rule, goods_minor, discount_minor, tax_class, tax_rate_millionths,
          tax_inclusive, tax_minor)
"""
INSERT_STEP = """
insert into order_step (brand_id, order_id, version, was, became, by_kind, by_id, reason, at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

_READ = f"select {_ORDER_COLUMNS} from sales_order where brand_id = $1 and order_id = $2"  # noqa: S608  # fragments of this file only
_READ_BY_NUMBER = f"select {_ORDER_COLUMNS} from sales_order where brand_id = $1 and number = $2"  # noqa: S608  # fragments of this file only
_LOCK = f"{_READ} for no key update"
_LINES = f"select {_LINE_COLUMNS} from order_line where brand_id = $1 and order_id = $2 order by line_no"  # noqa: S608  # fragments of this file only
_PARTS = """
select part_no, location_id, method, state from order_part where brand_id = $1 and order_id = $2 order by part_no
"""
_STEPS = """
select version, was, became, by_kind, by_id, reason, at from order_step
 where brand_id = $1 and order_id = $2 order by version
"""

# The version is the assumption that every move checks again.
MOVE = """
update sales_order
   set state = $4, version = version + 1,
       closed_at = case when $4 in ('completed', 'cancelled', 'expired') then $5::timestamptz end
 where brand_id = $1 and order_id = $2 and version = $3
"""
MOVE_PAID = """
update sales_order
   set state = 'paid', version = version + 1, paid_minor = $4, paid_at = $5, closed_at = null, expires_at = null,
       credited_store_id = $6, credited_guide_id = $7, credited_touchpoint_id = $8, credited_referrer_id = $9
 where brand_id = $1 and order_id = $2 and version = $3
"""
_MOVE_PARTS = """
update order_part set state = $4, moved_at = $5
 where brand_id = $1 and order_id = $2 and part_no = any($3) and state = 'waiting'
"""
_WAIT_AGAIN = """
update order_part set state = 'waiting', moved_at = $3 where brand_id = $1 and order_id = $2 and state = 'cancelled'
"""
_NOTE_PAID = "update sales_order set paid_minor = $3 where brand_id = $1 and order_id = $2"

# Lines and order together, each within what it may still give back; the caller compares the row count.
_WRITE_REFUND = """
with share as (
  select * from unnest($4::smallint[], $5::bigint[], $6::bigint[]) as s (line_no, milli, minor)
), line as (
  update order_line l set refunded_minor = l.refunded_minor + share.minor, returned_milli = l.returned_milli + share.milli
    from share where l.brand_id = $1 and l.order_id = $2 and l.line_no = share.line_no
     and l.returned_milli + share.milli <= l.quantity_milli
  returning 1
), head as (
  update sales_order set refunded_minor = refunded_minor + $7, version = version + 1
   where brand_id = $1 and order_id = $2 and version = $8 and refunded_minor + $7 <= paid_minor
  returning version, state
), step as (
  insert into order_step (brand_id, order_id, version, was, became, by_kind, by_id, reason, at)
  select $1, $2, version, state, state, $9, $10, $11, $12 from head
), refund as (
  insert into order_refund (brand_id, order_id, refund_id, amount_minor, lines, reason, by_kind, by_id, at)
  select $1, $2, $3, $7, $13, $11, $9, $10, $12 from head
)
select (select count(*) from line) as lines, (select count(*) from head) as heads
"""
_REFUND_SHARES = """
select lines, failed_minor from order_refund where brand_id = $1 and order_id = $2 and refund_id = $3
"""
_UNDO_REFUND = """
with share as (
  select * from unnest($4::smallint[], $5::bigint[], $6::bigint[]) as s (line_no, milli, minor)
), refund as (
  update order_refund set failed_minor = failed_minor + $7
   where brand_id = $1 and order_id = $2 and refund_id = $3 and failed_minor + $7 <= amount_minor
  returning 1
), line as (
  update order_line l set refunded_minor = l.refunded_minor - share.minor, returned_milli = l.returned_milli - share.milli
    from share, refund where l.brand_id = $1 and l.order_id = $2 and l.line_no = share.line_no
), head as (
  update sales_order set refunded_minor = refunded_minor - $7, version = version + 1
    from refund where brand_id = $1 and order_id = $2 and version = $8
  returning version, state
)
insert into order_step (brand_id, order_id, version, was, became, by_kind, by_id, reason, at)
select $1, $2, version, state, state, $9, $10, $11, $12 from head
"""

_DUE = """
select brand_id, order_id from sales_order where state = 'placed' and expires_at <= $1 and brand_id = $2
 order by expires_at limit $3
"""


def write_placed(tx: Tx, order: Order, lines: Sequence[Line], locations: Sequence[inventory.LocationId]) -> None:
    """Insert an order with its parts, lines and first step, with the flush."""
    brand, order_id = tx.brand, order.order_id
    tx.later(
        INSERT_ORDER, brand, order_id, order.number, order.kind, order.sales_channel, order.front, order.store_id,
        order.operator_id, order.member_id, order.person_id, order.guide_id, order.touchpoint_id, order.currency,
        order.units_milli, order.goods_minor, order.discount_minor, order.shipping_minor, order.total_minor,
        order.tax_minor, order.tax_added_minor, _json(order.delivery), order.note, order.business_date,
        order.placed_at, order.expires_at,
    )  # fmt: skip
    tx.later(INSERT_PARTS, brand, order_id, order.delivery.method, order.placed_at, list(locations))
    columns = zip(*(_line_values(line) for line in lines), strict=True)
    tx.later(INSERT_LINES, brand, order_id, *(list(column) for column in columns))
    _later_step(tx, order_id, 1, None, State.PLACED, "")


async def read(tx: Tx, order_id: OrderId) -> Order | None:
    row = await tx.row(_READ, tx.brand, order_id)
    return _order(row) if row else None


async def read_by_number(tx: Tx, number: str) -> Order | None:
    row = await tx.row(_READ_BY_NUMBER, tx.brand, number)
    return _order(row) if row else None


async def lock(tx: Tx, order_id: OrderId) -> Order | None:
    """The order, held until the transaction ends: the first lock of every move."""
    row = await tx.row(_LOCK, tx.brand, order_id)
    return _order(row) if row else None


async def lines(tx: Tx, order_id: OrderId) -> list[Line]:
    return [Line(**row) for row in await tx.rows(_LINES, tx.brand, order_id)]


async def parts(tx: Tx, order_id: OrderId) -> list[Part]:
    return [
        Part(row["part_no"], row["location_id"], Method(row["method"]), PartState(row["state"]))
        for row in await tx.rows(_PARTS, tx.brand, order_id)
    ]


async def steps(tx: Tx, order_id: OrderId) -> list[Step]:
    return [
        Step(
            row["version"],
            State(row["was"]) if row["was"] else None,
            State(row["became"]),
            row["by_kind"],
            row["by_id"],
            row["reason"],
            row["at"],
        )
        for row in await tx.rows(_STEPS, tx.brand, order_id)
    ]


def move(tx: Tx, order: Order, became: State, *, reason: str = "") -> None:
    """Take one step from the version that was seen, with the flush; it raises OrderChanged if somebody was quicker."""
    tx.later(MOVE, tx.brand, order.order_id, order.version, became, tx.now, expect=1, otherwise=OrderChanged())
    _later_step(tx, order.order_id, order.version + 1, order.state, became, reason)


def move_paid(tx: Tx, order: Order, crediting: Crediting, paid_minor: int) -> None:
    """Paid, with its crediting frozen, with the flush; it raises OrderChanged if somebody was quicker."""
    tx.later(
        MOVE_PAID, tx.brand, order.order_id, order.version, paid_minor, tx.now, crediting.store_id,
        crediting.guide_id, crediting.touchpoint_id, crediting.referrer_id, expect=1, otherwise=OrderChanged(),
    )  # fmt: skip
    _later_step(tx, order.order_id, order.version + 1, order.state, State.PAID, "")


def _later_step(tx: Tx, order_id: OrderId, version: int, was: State | None, became: State, reason: str) -> None:
    tx.later(INSERT_STEP, tx.brand, order_id, version, was, became, tx.by.kind, tx.by.id, reason, tx.now)


async def move_parts(tx: Tx, order_id: OrderId, part_nos: Sequence[int], state: PartState) -> int:
    """Move waiting parts; returns how many still waited."""
    return await tx.run(_MOVE_PARTS, tx.brand, order_id, list(part_nos), state, tx.now)


async def wait_again(tx: Tx, order_id: OrderId) -> None:
    """The parts of an expired order wait for their shopper after all."""
    await tx.run(_WAIT_AGAIN, tx.brand, order_id, tx.now)


async def note_paid(tx: Tx, order_id: OrderId, paid_minor: int) -> None:
    """Money came for an order that is closed: keep that it was paid, so that it can be given back."""
    await tx.run(_NOTE_PAID, tx.brand, order_id, paid_minor)


async def write_refund(
    tx: Tx, order: Order, refund_id: UUID, amount_minor: int, shares: Sequence[tuple[int, int, int]], *, reason: str
) -> bool:
    """Note what of which line goes back (line_no, milli, minor); False if the order moved or a line has too little."""
    row = await tx.row(
        _WRITE_REFUND, tx.brand, order.order_id, refund_id, [no for no, _, _ in shares],
        [milli for _, milli, _ in shares], [minor for _, _, minor in shares], amount_minor, order.version,
        tx.by.kind, tx.by.id, reason, tx.now, _json(shares),
    )  # fmt: skip
    return row is not None and row["lines"] == len(shares) and row["heads"] == 1


async def refund_shares(tx: Tx, order_id: OrderId, refund_id: UUID) -> tuple[list[tuple[int, int, int]], int]:
    """What went back of which line, and how much of the whole has failed since."""
    row = await tx.row(_REFUND_SHARES, tx.brand, order_id, refund_id)
    if row is None:
        return [], 0
    return msgspec.json.decode(row["lines"], type=list[tuple[int, int, int]]), row["failed_minor"]


async def undo_refund(
    tx: Tx, order: Order, refund_id: UUID, amount_minor: int, back: Sequence[tuple[int, int, int]], *, reason: str
) -> bool:
    """Put back what a failed refund had taken off the order and its lines; False if the order moved."""
    undone = await tx.run(
        _UNDO_REFUND, tx.brand, order.order_id, refund_id, [no for no, _, _ in back], [milli for _, milli, _ in back],
        [minor for _, _, minor in back], amount_minor, order.version, tx.by.kind, tx.by.id, reason, tx.now,
    )  # fmt: skip
    return undone == 1


async def due(tx: Tx, limit: int) -> list[OrderId]:
    """Orders nobody paid in time, the oldest first."""
    return [OrderId(row["order_id"]) for row in await tx.rows(_DUE, tx.now, tx.brand, limit)]


async def find(tx: Tx, filters: OrderFilters, page: PageRequest) -> Page[Order]:
    """A list of orders, newest first."""
    conditions, values = _conditions(tx, filters, page)
    sql = (
        f"select {_ORDER_COLUMNS} from sales_order where brand_id = $1"  # noqa: S608  # fragments of this file only
        + "".join(f" and {condition}" for condition in conditions)
        + f" order by placed_at desc, order_id desc limit ${len(values) + 1}"
    )
    rows = await tx.rows(sql, *values, page.fetch)
    return page.page([_order(row) for row in rows], lambda order: (order.placed_at, order.order_id))


def _conditions(tx: Tx, filters: OrderFilters, page: PageRequest) -> tuple[list[str], list[Any]]:
    """Only the conditions that are asked for: one statement with `$n is null or …` would be planned for none of them."""
    conditions: list[str] = []
    values: list[Any] = [tx.brand]

    def when(condition: str, *given: Any) -> None:
        if given[0] is not None:
            places = [f"${len(values) + 1 + k}" for k in range(len(given))]
            conditions.append(condition.format(*places))
            values.extend(given)

    one_store = filters.store_ids is not None and len(filters.store_ids) == 1
    if one_store:
        when("store_id = {}", *filters.store_ids or ())
    else:
        when("store_id = any({})", list(filters.store_ids) if filters.store_ids is not None else None)
    when("member_id = {}", filters.member_id)
    when("state = {}", filters.state)
    when("kind = {}", filters.kind)
    when("placed_at >= {}", filters.placed_from)
    when("placed_at < {}", filters.placed_to)
    when("(placed_at, order_id) < ({}, {})", *(page.place(tuple[datetime, UUID]) or (None, None)))
    return conditions, values


def _order(row: Record) -> Order:
    fields: dict[str, Any] = dict(row)
    fields["kind"] = Kind(fields["kind"])
    fields["state"] = State(fields["state"])
    fields["delivery"] = msgspec.json.decode(fields["delivery"], type=Delivery)
    return Order(**fields)


def _line_values(line: Line) -> tuple[Any, ...]:
    return (
        line.line_no, line.part_no, line.sku_id, line.product_id, line.sku_code, line.title_zh, line.title_en,
        line.options, line.unit, line.quantity_milli, line.unit_minor, line.list_minor, line.price_rule,
        line.goods_minor, line.discount_minor, line.tax_class, line.tax_rate_millionths, line.tax_inclusive,
        line.tax_minor,
    )  # fmt: skip


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


# The count is of the other skus, so changing a quantity in a full cart stays possible.
_PUT_CART = """
insert into cart_line (brand_id, owner_id, sku_id, quantity_milli, added_at)
select $1, $2, $3, $4, $5
 where (select count(*) from cart_line where brand_id = $1 and owner_id = $2 and sku_id <> $3) < $6
on conflict (brand_id, owner_id, sku_id) do update set quantity_milli = excluded.quantity_milli
"""
_REMOVE_CART = "delete from cart_line where brand_id = $1 and owner_id = $2 and sku_id = any($3)"
_CART = """
select sku_id, quantity_milli, added_at from cart_line where brand_id = $1 and owner_id = $2 order by added_at, sku_id
"""
_MERGE_CART = """
with gone as (
  delete from cart_line where brand_id = $1 and owner_id = $2 returning sku_id, quantity_milli, added_at
), room as (
  select $4 - count(*) as skus from cart_line where brand_id = $1 and owner_id = $3
), kept as (
  select g.*, row_number() over (order by (c.sku_id is null), g.added_at, g.sku_id) as nth,
         (c.sku_id is not null) as known
    from gone g left join cart_line c on c.brand_id = $1 and c.owner_id = $3 and c.sku_id = g.sku_id
)
insert into cart_line as l (brand_id, owner_id, sku_id, quantity_milli, added_at)
select $1, $3, k.sku_id, k.quantity_milli, k.added_at
  from kept k, room
 where k.known or k.nth - (select count(*) from kept where known) <= room.skus
on conflict (brand_id, owner_id, sku_id)
do update set quantity_milli = greatest(l.quantity_milli, excluded.quantity_milli)
"""
_FAVOUR = """
insert into favourite (brand_id, owner_id, product_id, added_at) values ($1, $2, $3, $4) on conflict do nothing
"""
_DISFAVOUR = "delete from favourite where brand_id = $1 and owner_id = $2 and product_id = $3"
_FAVOURITES = """
select product_id from favourite where brand_id = $1 and owner_id = $2 order by added_at desc, product_id limit 500
"""
_MERGE_FAVOURITES = """
with gone as (
  delete from favourite where brand_id = $1 and owner_id = $2 returning product_id, added_at
)
insert into favourite (brand_id, owner_id, product_id, added_at)
select $1, $3, product_id, added_at from gone on conflict do nothing
"""


async def put_cart(tx: Tx, owner: OwnerId, sku_id: UUID, quantity_milli: int, *, most: int) -> bool:
    """False if the cart is full."""
    return await tx.run(_PUT_CART, tx.brand, owner, sku_id, quantity_milli, tx.now, most) == 1


async def remove_cart(tx: Tx, owner: OwnerId, sku_ids: Sequence[UUID]) -> int:
    return await tx.run(_REMOVE_CART, tx.brand, owner, list(sku_ids))


def forget_cart(tx: Tx, owner: OwnerId, sku_ids: Sequence[UUID]) -> None:
    tx.later(_REMOVE_CART, tx.brand, owner, list(sku_ids))


async def cart(tx: Tx, owner: OwnerId) -> list[Record]:
    return await tx.rows(_CART, tx.brand, owner)


async def merge_carts(tx: Tx, guest: OwnerId, into: OwnerId, *, most: int) -> None:
    await tx.run(_MERGE_CART, tx.brand, guest, into, most)


async def merge_favourites(tx: Tx, guest: OwnerId, into: OwnerId) -> None:
    await tx.run(_MERGE_FAVOURITES, tx.brand, guest, into)


async def favour(tx: Tx, owner: OwnerId, product_id: UUID) -> None:
    await tx.run(_FAVOUR, tx.brand, owner, product_id, tx.now)


async def disfavour(tx: Tx, owner: OwnerId, product_id: UUID) -> None:
    await tx.run(_DISFAVOUR, tx.brand, owner, product_id)


async def favourites(tx: Tx, owner: OwnerId) -> list[UUID]:
    return [row["product_id"] for row in await tx.rows(_FAVOURITES, tx.brand, owner)]


# --- sales of the past, by COPY

_COPIED_HEAD = (
    "brand_id", "order_id", "number", "kind", "state", "sales_channel", "front", "store_id", "operator_id",
    "member_id", "person_id", "credited_store_id", "credited_guide_id", "credited_touchpoint_id",
    "credited_referrer_id", "currency", "units_milli", "goods_minor", "discount_minor", "shipping_minor", "total_minor", "tax_minor",
    "tax_added_minor", "paid_minor", "delivery", "note", "business_date", "placed_at", "paid_at", "closed_at",
)  # fmt: skip
_COPIED_LINE = (
    "brand_id", "order_id", "line_no", "part_no", "sku_id", "product_id", "sku_code", "title_zh", "title_en",
    "options", "unit", "quantity_milli", "unit_minor", "list_minor", "price_rule", "goods_minor", "discount_minor",
    "tax_class", "tax_rate_millionths", "tax_inclusive", "tax_minor", "total_minor", "discounts",
)  # fmt: skip
_COPIED_STEP = ("brand_id", "order_id", "version", "became", "by_kind", "by_id", "reason", "at")


async def copy_orders(tx: Tx, heads: Iterable[dict[str, Any]]) -> None:
    """Load orders; each row has the columns of _COPIED_HEAD but the brand."""
    names = _COPIED_HEAD[1:]
    await tx.copy("sales_order", _COPIED_HEAD, ((tx.brand, *(head[name] for name in names)) for head in heads))


async def copy_lines(tx: Tx, of_orders: Iterable[tuple[OrderId, Line]]) -> None:
    brand = tx.brand
    await tx.copy(
        "order_line",
        _COPIED_LINE,
        (
            (brand, order_id, *_line_values(line), line.total_minor, _json(line.discounts) if line.discounts else "[]")
            for order_id, line in of_orders
        ),
    )


async def copy_steps(tx: Tx, of_orders: Iterable[tuple[OrderId, datetime]]) -> None:
    await tx.copy(
        "order_step",
        _COPIED_STEP,
        ((tx.brand, order_id, 1, "completed", tx.by.kind, tx.by.id, "imported", at) for order_id, at in of_orders),
    )
