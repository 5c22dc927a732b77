"""SQL of one order: written, read, moved."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.middle.inventory import api as inventory
from midstage.middle.orders.store.rows import LINE_COLUMNS, ORDER_COLUMNS, as_json, line_values, to_line, to_order
from midstage.middle.orders.types import (
    Crediting,
    Line,
    Method,
    Order,
    OrderChanged,
    OrderId,
    Part,
    PartState,
    State,
    Step,
)

# The four inserts of an order go out as one statement with whatever else placing writes (tx.later).
INSERT_ORDER = """
insert into sales_order (
  brand_id, order_id, number, kind, state, sales_channel, front, store_id, operator_id, member_id, person_id,
  guide_id, touchpoint_id, currency, units_milli, goods_minor, discount_minor, shipping_minor, total_minor, tax_minor,
  tax_added_minor, delivery, note, business_date, placed_at, expires_at, collecting)
values ($1, $2, $3, $4, 'placed', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
        $23, $24, $25, $26)
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
  tax_rate_millionths, tax_inclusive, tax_minor, parts)
select $1, $2, l.line_no, l.part_no, l.sku_id, l.product_id, l.sku_code, l.title_zh, l.title_en, l.options, l.unit,
       l.quantity_milli, l.unit_minor, l.list_minor, l.price_rule, l.goods_minor, l.discount_minor,
       l.goods_minor - l.discount_minor, l.tax_class, l.tax_rate_millionths, l.tax_inclusive, l.tax_minor,
       l.parts::jsonb
  from unnest($3::smallint[], $4::smallint[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[],
              $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[], $15::text[], $16::bigint[],
              $17::bigint[], $18::text[], $19::integer[], $20::boolean[], $21::bigint[],
              $22::text[])
    as l (line_no, part_no, sku_id, product_id, sku_code, title_zh, title_en, options, unit, quantity_milli,
          unit_minor, list_minor, price_rule, goods_minor, discount_minor, tax_class, tax_rate_millionths,
          tax_inclusive, tax_minor, parts)
"""
INSERT_STEP = """
insert into order_step (brand_id, order_id, version, was, became, by_kind, by_id, reason, at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_READ = f"select {ORDER_COLUMNS} from sales_order where brand_id = $1 and order_id = $2"  # noqa: S608  # fragments of this file only
_READ_BY_NUMBER = f"select {ORDER_COLUMNS} from sales_order where brand_id = $1 and number = $2"  # noqa: S608  # fragments of this file only
_LOCK = f"{_READ} for no key update"
_LINES = f"select {LINE_COLUMNS} from order_line where brand_id = $1 and order_id = $2 order by line_no"  # noqa: S608  # fragments of this file only
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


def write_placed(tx: Tx, order: Order, lines: Sequence[Line], locations: Sequence[inventory.LocationId]) -> None:
    """Insert an order with its parts, lines and first step, with the flush."""
    brand, order_id = tx.brand, order.order_id
    tx.later(
        INSERT_ORDER, brand, order_id, order.number, order.kind, order.sales_channel, order.front, order.store_id,
        order.operator_id, order.member_id, order.person_id, order.guide_id, order.touchpoint_id, order.currency,
        order.units_milli, order.goods_minor, order.discount_minor, order.shipping_minor, order.total_minor,
        order.tax_minor, order.tax_added_minor, as_json(order.delivery), order.note, order.business_date,
        order.placed_at, order.expires_at, as_json(order.collecting) if order.collecting else None,
    )  # fmt: skip
    tx.later(INSERT_PARTS, brand, order_id, order.delivery.method, order.placed_at, list(locations))
    columns = zip(*(line_values(line) for line in lines), strict=True)
    tx.later(INSERT_LINES, brand, order_id, *(list(column) for column in columns))
    _later_step(tx, order_id, 1, None, State.PLACED, "")


async def read(tx: Tx, order_id: OrderId) -> Order | None:
    row = await tx.row(_READ, tx.brand, order_id)
    return to_order(row) if row else None


async def read_by_number(tx: Tx, number: str) -> Order | None:
    row = await tx.row(_READ_BY_NUMBER, tx.brand, number)
    return to_order(row) if row else None


async def lock(tx: Tx, order_id: OrderId) -> Order | None:
    """The order, held until the transaction ends: the first lock of every move."""
    row = await tx.row(_LOCK, tx.brand, order_id)
    return to_order(row) if row else None


async def lines(tx: Tx, order_id: OrderId) -> list[Line]:
    return [to_line(row) for row in await tx.rows(_LINES, tx.brand, order_id)]


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
