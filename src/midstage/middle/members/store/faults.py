"""What the doctor asks; each statement returns the wrong rows alone."""

from typing import Any

from midstage.kit.database import Tx

UNBOUND = """
select member.member_id::text as member_id from member
 where member.brand_id = $1
   and (member.store_id, member.guide_id, member.touchpoint_id) is distinct from (
         select row (bound.store_id, bound.guide_id, bound.touchpoint_id) from member_binding bound
          where bound.brand_id = $1 and bound.member_id = member.member_id
            and bound.until_at is null)
 limit 20
"""

UNLEVELLED = """
select member.member_id::text as member_id, member.level from member
 where member.brand_id = $1
   and not exists (select 1 from member_level level where level.brand_id = $1 and level.code = member.level)
 limit 20
"""

UNTOLD_CONSENTS = """
select consent.member_id::text as member_id, consent.purpose, consent.channel, consent.given from consent
 where consent.brand_id = $1
   and consent.given is distinct from (
         select past.given from consent_history past
          where past.brand_id = $1 and past.member_id = consent.member_id and past.purpose = consent.purpose
            and past.channel = consent.channel
          order by past.history_id desc limit 1)
 limit 20
"""


# The constraints keep the chain; that it begins somewhere, and only once, is asked for here.
BROKEN_HISTORY = """
select bound.member_id::text as member_id, count(*) as beginnings from member_binding bound
 where bound.brand_id = $1
   and not exists (select 1 from member_binding before
                    where before.brand_id = $1 and before.member_id = bound.member_id
                      and before.until_at = bound.since)
 group by bound.member_id
having count(*) > 1
 limit 20
"""

# An activated card has its points in the ledger by its own id; here it has a member.
ASLEEP_OF_NOBODY = """
select dormant.dormant_id::text as dormant_id from dormant_member dormant
 where dormant.brand_id = $1 and dormant.member_id is not null
   and not exists (select 1 from member where member.brand_id = $1 and member.member_id = dormant.member_id)
 limit 20
"""


async def wrong(tx: Tx, sql: str) -> list[dict[str, Any]]:
    """The rows of one of the doctor's questions."""
    return [dict(row) for row in await tx.rows(sql, tx.brand)]
