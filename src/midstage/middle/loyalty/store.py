"""All SQL of loyalty: member_standing, member_spent."""

from collections.abc import Sequence
from typing import Any

from midstage.kit.database import Tx
from midstage.middle.loyalty.rules import Purchase
from midstage.middle.loyalty.types import Standing
from midstage.middle.members import api as members

# least and greatest pass over nulls, so a refund moves neither date.
ADD = """
with spent as (
  insert into member_spent (brand_id, member_id, currency, paid_minor, refunded_minor)
  values ($1, $2, $3, $4, $5)
  on conflict (brand_id, member_id, currency) do update
     set paid_minor = member_spent.paid_minor + excluded.paid_minor,
         refunded_minor = member_spent.refunded_minor + excluded.refunded_minor
)
insert into member_standing (brand_id, member_id, orders, bought_milli, returned_milli, first_bought_at, last_bought_at)
values ($1, $2, $6, $7, $8, $9, $9)
on conflict (brand_id, member_id) do update
   set orders = member_standing.orders + excluded.orders,
       bought_milli = member_standing.bought_milli + excluded.bought_milli,
       returned_milli = member_standing.returned_milli + excluded.returned_milli,
       first_bought_at = least(member_standing.first_bought_at, excluded.first_bought_at),
       last_bought_at = greatest(member_standing.last_bought_at, excluded.last_bought_at)
"""

STANDING = """
select standing.member_id, standing.orders, standing.bought_milli - standing.returned_milli as units_milli,
       standing.first_bought_at, standing.last_bought_at, spent.currencies, spent.minors
  from member_standing standing
  left join lateral (
    select array_agg(one.currency order by one.currency) as currencies,
           array_agg(one.paid_minor - one.refunded_minor order by one.currency) as minors
      from member_spent one
     where one.brand_id = $1 and one.member_id = standing.member_id
  ) spent on true
 where standing.brand_id = $1 and ($2::uuid[] is null or standing.member_id = any ($2))
"""

FORGET = """
with spent as (delete from member_spent where member_spent.brand_id = $1)
delete from member_standing where member_standing.brand_id = $1
"""

OVER_REFUNDED = """
select spent.member_id::text as member_id, spent.currency, spent.paid_minor, spent.refunded_minor
  from member_spent spent
 where spent.brand_id = $1 and spent.refunded_minor > spent.paid_minor
 limit 20
"""

ODD = """
select standing.member_id::text as member_id, standing.orders, standing.bought_milli, standing.returned_milli
  from member_standing standing
 where standing.brand_id = $1
   and (standing.returned_milli > standing.bought_milli
        or (standing.orders = 0) <> (standing.first_bought_at is null)
        or standing.first_bought_at > standing.last_bought_at
        or not exists (select 1 from member_spent spent
                        where spent.brand_id = $1 and spent.member_id = standing.member_id))
 limit 20
"""


async def add(tx: Tx, more: Purchase) -> None:
    await tx.run(
        ADD, tx.brand, more.member_id, more.currency, more.paid_minor, more.refunded_minor,
        0 if more.bought_at is None else 1, more.bought_milli, more.returned_milli, more.bought_at,
    )  # fmt: skip


async def standing(tx: Tx, ids: Sequence[members.MemberId] | None) -> dict[members.MemberId, Standing]:
    """The standing of these members, or of all of the brand."""
    return {
        members.MemberId(row["member_id"]): Standing(
            row["orders"],
            row["units_milli"],
            dict(zip(row["currencies"] or [], row["minors"] or [], strict=True)),
            row["first_bought_at"],
            row["last_bought_at"],
        )
        for row in await tx.rows(STANDING, tx.brand, ids)
    }


async def forget(tx: Tx) -> None:
    await tx.run(FORGET, tx.brand)


async def wrong(tx: Tx, sql: str) -> list[dict[str, Any]]:
    """The rows of one of the doctor's questions."""
    return [dict(row) for row in await tx.rows(sql, tx.brand)]
