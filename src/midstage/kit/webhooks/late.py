"""Webhooks that a person should look at: disabled, failing for an hour, or with deliveries that were given up."""

from midstage.kit import stuck
from midstage.kit.database import Tx
from midstage.kit.refusals import Text
from midstage.kit.stuck import MOST_OF_A_KIND, Stuck

_DISABLED = stuck.declare(
    "webhooks.disabled",
    name=Text(zh="网络回调已停用", en="A webhook is disabled"),
    mend=Text(
        zh="请对方修复后重新启用，并重放错过的事实", en="Have it mended, make it active again; it goes on where it was."
    ),
)
_FAILING = stuck.declare(
    "webhooks.failing",
    name=Text(zh="网络回调持续失败", en="A webhook fails"),
    mend=Text(zh="查看投递记录中的回应", en="Read what it answered in its deliveries."),
)
_GIVEN_UP = stuck.declare(
    "webhooks.given_up",
    name=Text(zh="投递已放弃", en="Deliveries were given up"),
    mend=Text(zh="查看原因后重放", en="Read why, then send what failed again."),
)

LATE = """
select e.endpoint_id, 'webhooks.disabled' as kind, e.changed_at as since, e.failures as count from webhook_endpoint e
 where e.brand_id = $1 and e.state = 'disabled'
union all
select e.endpoint_id, 'webhooks.failing', e.failing_since, e.failures from webhook_endpoint e
 where e.brand_id = $1 and e.state = 'active' and e.failing_since < $2::timestamptz - interval '1 hour'
union all
select d.endpoint_id, 'webhooks.given_up', min(d.tried_at), count(*)::integer from webhook_delivery d
 where d.brand_id = $1 and d.state = 'given_up' group by d.endpoint_id
 order by 3 limit $3
"""
_KINDS = {one: one for one in (_DISABLED, _FAILING, _GIVEN_UP)}


async def late(tx: Tx) -> list[Stuck]:
    """The webhooks of the brand that need somebody, the longest first."""
    return [
        Stuck(_KINDS[row["kind"]], str(row["endpoint_id"]), row["since"], figures={"count": row["count"]})
        for row in await tx.rows(LATE, tx.brand, tx.now, MOST_OF_A_KIND)
    ]
