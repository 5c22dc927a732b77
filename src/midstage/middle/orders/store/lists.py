"""SQL of the lists of orders."""

from datetime import datetime
from typing import Any
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.orders.store.rows import ORDER_COLUMNS, to_order
from midstage.middle.orders.types import Order, OrderFilters, OrderId, State

_DUE = """
select brand_id, order_id from sales_order where state = 'placed' and expires_at <= $1 and brand_id = $2
 order by expires_at limit $3
"""

# So many pairs of a store and a state are read each from its own place in the index; of more, the newest are walked.
_PAIRS = 50

# In these statements `and true` stands where the further conditions of a list go: only those that are asked for, as one
# statement with `$n is null or …` would be planned for none of them. Values come through sub-selects: if PostgreSQL saw
# them, it would take the plan of the moment for cheaper than the kept one, and plan anew each time (0.45 against 0.19 ms).
NEWEST = f"""
select {ORDER_COLUMNS} from sales_order
 where brand_id = $1 and true
 order by placed_at desc, order_id desc limit $2
"""  # noqa: S608  # fragments of this module only
OF_ONE_PAIR = f"""
select {ORDER_COLUMNS} from sales_order
 where brand_id = $1 and store_id = (select ($3::uuid[])[1]) and state = (select ($4::text[])[1]) and true
 order by placed_at desc, order_id desc limit $2
"""  # noqa: S608  # fragments of this module only
# The keys come out of the index alone; whole rows are read of those that are shown.
OF_PAIRS = f"""
with key as (
  select one.order_id
    from unnest((select $3::uuid[])) as s (store), unnest((select $4::text[])) as t (name),
         lateral (select order_id, placed_at from sales_order
                   where brand_id = $1 and store_id = s.store and state = t.name and true
                   order by placed_at desc, order_id desc limit $2) as one
   order by one.placed_at desc, one.order_id desc limit $2
)
select {ORDER_COLUMNS} from sales_order
 where brand_id = $1 and order_id = any (array(select order_id from key))
 order by placed_at desc, order_id desc
"""  # noqa: S608  # fragments of this module only


async def due(tx: Tx, limit: int) -> list[OrderId]:
    """Orders nobody paid in time, the oldest first."""
    return [OrderId(row["order_id"]) for row in await tx.rows(_DUE, tx.now, tx.brand, limit)]


async def find(tx: Tx, filters: OrderFilters, page: PageRequest) -> Page[Order]:
    """A list of orders, newest first.

    Of few stores, one page of each pair of a store and a state is read, and of these the newest shown: however large
    the book and however rare the pair. To walk the newest until enough fit would read ever more of other stores.
    """
    values: list[Any] = [tx.brand, page.fetch]
    states = [filters.state] if filters.state else list(State)
    few = filters.store_ids is not None and len(filters.store_ids) * len(states) <= _PAIRS
    if filters.store_ids is not None and few and filters.member_id is None and filters.member_ids is None:
        values += [list(filters.store_ids), [state.value for state in states]]
        sql = OF_ONE_PAIR if len(filters.store_ids) == len(states) == 1 else OF_PAIRS
        conditions = _conditions(filters, page, values)
    else:
        sql = NEWEST
        conditions = _conditions(filters, page, values) + _walked(filters, values)
    rows = await tx.rows(sql.replace("and true", "".join(f"and {one} " for one in conditions), 1), *values)
    return page.page([to_order(row) for row in rows], lambda order: (order.placed_at, order.order_id))


def _walked(filters: OrderFilters, values: list[Any]) -> list[str]:
    conditions: list[str] = []
    if filters.store_ids is not None:
        values.append(list(filters.store_ids))  # seen as they are: how many and which decides the plan
        conditions.append(f"store_id = any(${len(values)})")
    if filters.state is not None:
        # Spelled out, one statement a state: each has its own plan, and the few that wait their own small index.
        conditions.append(f"state = '{State(filters.state).value}'")
    return conditions


def _conditions(filters: OrderFilters, page: PageRequest, values: list[Any]) -> list[str]:
    conditions: list[str] = []
    member_ids = sorted(filters.member_ids or ())
    if len(member_ids) > 1:
        values.append(member_ids)  # seen as they are: how many decides the plan
        conditions.append(f"member_id = any(${len(values)}::uuid[])")
    member_id = member_ids[0] if len(member_ids) == 1 else filters.member_id
    if member_id is not None:
        conditions.append(f"member_id = {_given(values, 'uuid', member_id)}")
    if filters.kind is not None:
        conditions.append(f"kind = {_given(values, 'text', filters.kind)}")
    if filters.placed_from is not None:
        conditions.append(f"placed_at >= {_given(values, 'timestamptz', filters.placed_from)}")
    place = page.place(tuple[datetime, UUID])
    if place is not None and (filters.placed_to is None or place[0] < filters.placed_to):
        # Alone: beside a second upper limit the index would begin at that one, and pass over every page before.
        conditions.append(
            f"(placed_at, order_id) < ({_given(values, 'timestamptz', place[0])}, {_given(values, 'uuid', place[1])})"
        )
    elif filters.placed_to is not None:
        conditions.append(f"placed_at < {_given(values, 'timestamptz', filters.placed_to)}")
    return conditions


def _given(values: list[Any], kind: str, value: Any) -> str:
    """Take a value, and say how it stands in the statement."""
    values.append(value)
    return f"(select ${len(values)}::{kind})"
