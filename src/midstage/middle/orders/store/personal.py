"""What the order book keeps of a person: addresses, notes, reasons; carts and favourites."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from midstage.kit.database import Tx

ORDERS = """
select o.order_id, o.number, o.kind, o.state, o.sales_channel, o.store_id, o.currency, o.total_minor, o.paid_minor,
       o.refunded_minor, o.delivery, o.note, o.placed_at, o.paid_at
  from sales_order o
 where o.brand_id = $1 and o.member_id = any ($2::uuid[]) order by o.placed_at, o.order_id
"""

LINES = """
select l.order_id, l.line_no, l.sku_code, l.title_zh, l.title_en, l.options, l.quantity_milli, l.total_minor,
       l.refunded_minor
  from order_line l join sales_order o on o.brand_id = $1 and o.order_id = l.order_id
 where l.brand_id = $1 and o.member_id = any ($2::uuid[]) order by l.order_id, l.line_no
"""

CARTS = """
select c.sku_id, c.quantity_milli, c.added_at from cart_line c
 where c.brand_id = $1 and c.owner_id = any ($2::uuid[]) order by c.added_at, c.sku_id
"""

FAVOURITES = """
select f.product_id, f.added_at from favourite f
 where f.brand_id = $1 and f.owner_id = any ($2::uuid[]) order by f.added_at, f.product_id
"""

IDS = "select o.order_id from sales_order o where o.brand_id = $1 and o.member_id = any ($2::uuid[])"

OPEN = """
select count(*) from sales_order o
 where o.brand_id = $1 and o.member_id = any ($2::uuid[]) and o.state in ('placed', 'paid')
"""

# The method stays: it says how the goods left.
ERASE_ORDERS = """
update sales_order o
   set delivery = jsonb_build_object('method', o.delivery -> 'method', 'address', null), note = ''
 where o.brand_id = $1 and o.member_id = any ($2::uuid[])
   and (o.note <> '' or o.delivery <> jsonb_build_object('method', o.delivery -> 'method', 'address', null))
"""
ERASE_STEPS = """
update order_step s set reason = ''
  from sales_order o
 where s.brand_id = $1 and o.brand_id = $1 and o.order_id = s.order_id and o.member_id = any ($2::uuid[])
   and s.reason <> ''
"""
ERASE_REFUNDS = """
update order_refund r set reason = ''
  from sales_order o
 where r.brand_id = $1 and o.brand_id = $1 and o.order_id = r.order_id and o.member_id = any ($2::uuid[])
   and r.reason <> ''
"""
ERASE_CARTS = "delete from cart_line c where c.brand_id = $1 and c.owner_id = any ($2::uuid[])"
ERASE_FAVOURITES = "delete from favourite f where f.brand_id = $1 and f.owner_id = any ($2::uuid[])"

# A sale that a till could not book is kept whole; of whom it names, the exact words are taken out.
ERASE_REFUSED = """
update refused_sale s set content = replace(s.content::text, $2, '"erased"')::jsonb
 where s.brand_id = $1 and position($2 in s.content::text) > 0
"""
# What a cashier called a sale that she put aside for this member.
ERASE_HELD = """
update held_sale h set name = 'erased'
 where h.brand_id = $1 and h.name <> 'erased'
   and exists (select 1 from unnest($2::text[]) as member (id) where position(member.id in h.cart::text) > 0)
"""


async def orders_of(tx: Tx, members: Sequence[UUID]) -> list[dict[str, Any]]:
    lines: dict[UUID, list[dict[str, Any]]] = {}
    for row in await tx.rows(LINES, tx.brand, members):
        line = dict(row)
        lines.setdefault(line.pop("order_id"), []).append(line)
    return [
        {**dict(row), "delivery": msgspec.json.decode(row["delivery"]), "lines": lines.get(row["order_id"], [])}
        for row in await tx.rows(ORDERS, tx.brand, members)
    ]


async def carts_of(tx: Tx, members: Sequence[UUID]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Carts and favourites."""
    cart = await tx.rows(CARTS, tx.brand, members)
    favourites = await tx.rows(FAVOURITES, tx.brand, members)
    return [dict(row) for row in cart], [dict(row) for row in favourites]


async def order_ids_of(tx: Tx, members: Sequence[UUID]) -> list[UUID]:
    return [row["order_id"] for row in await tx.rows(IDS, tx.brand, members)]


async def open_orders_of(tx: Tx, members: Sequence[UUID]) -> int:
    return await tx.value(OPEN, tx.brand, members)


async def erase_members(tx: Tx, members: Sequence[UUID], known_by: Sequence[str]) -> dict[str, int]:
    """Which table lost something of them, and in how many rows; `known_by` are the exact words that name them."""
    refused = 0
    for word in known_by:
        refused += await tx.run(ERASE_REFUSED, tx.brand, msgspec.json.encode(word).decode())
    return {
        "sales_order": await tx.run(ERASE_ORDERS, tx.brand, members),
        "order_step": await tx.run(ERASE_STEPS, tx.brand, members),
        "order_refund": await tx.run(ERASE_REFUNDS, tx.brand, members),
        "cart_line": await tx.run(ERASE_CARTS, tx.brand, members),
        "favourite": await tx.run(ERASE_FAVOURITES, tx.brand, members),
        "refused_sale": refused,
        "held_sale": await tx.run(ERASE_HELD, tx.brand, [str(each) for each in members]),
    }
