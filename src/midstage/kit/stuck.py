"""What is late or stuck: something that waits longer than it should, for a person to look at.

Unlike a finding of the doctor it is no contradiction: the books are right, and business is waiting.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.refusals import Text

# Of one kind a person looks at the oldest; more of them are mended by what mends these.
MOST_OF_A_KIND = 50

BEHIND = """
select s.subscriber, h.number - coalesce(c.number, 0) as behind, f.recorded_at as since
  from unnest($2::text[]) as s (subscriber)
  join fact_head h on h.brand_id = $1
  left join fact_cursor c on c.brand_id = $1 and c.subscriber = s.subscriber
  join fact_number n on n.brand_id = $1 and n.number = coalesce(c.number, 0) + 1
  join fact f on f.brand_id = $1 and f.id = n.fact_id and f.recorded_at = n.recorded_at
 where f.recorded_at < $3::timestamptz - interval '1 minute'
"""
ASIDE = """
select a.subscriber, a.number, a.type, a.since from fact_aside a
 where a.brand_id = $1 and a.state = 'set_aside' order by a.since limit $2
"""
GIVEN_UP = """
select job.id, job.entrypoint, job.updated as since from pgqueuer job
 where job.status = 'failed' and (job.headers ->> 'brand')::integer = $1 order by job.updated limit $2
"""
TIMERS = """
select t.kind, t.key, t.due_at as since from timer t
 where t.brand_id = $1 and t.try_at = 'infinity' order by t.due_at limit $2
"""


class Stuck(msgspec.Struct, frozen=True):
    """One thing that waits: what sort, which one, where, since when; `figures` fill the sentence of its kind."""

    kind: str
    """Which of the kinds that its module declares, like `payments.in_doubt`."""
    subject_id: str
    since: datetime
    store_id: UUID | None = None
    """Whose it is; None: the brand's as a whole."""
    figures: dict[str, Any] = {}


class Kind(msgspec.Struct, frozen=True):
    """A way in which things get stuck, and what to do about it."""

    kind: str
    name: Text
    mend: Text


_kinds: dict[str, Kind] = {}


def declare(kind: str, *, name: Text, mend: Text) -> str:
    """Make a kind known; a module does so once for each, where it is imported. Returns the kind."""
    if kind in _kinds:
        raise ValueError(f"{kind} is declared twice")
    _kinds[kind] = Kind(kind, name, mend)
    return kind


def kinds() -> dict[str, Kind]:
    """Every kind there is."""
    return dict(_kinds)


_BEHIND = declare(
    "facts.behind",
    name=Text(zh="订阅者落后", en="A listener is behind"),
    mend=Text(zh="检查 worker 是否在运行，或增加 worker", en="See whether the worker runs; start one more."),
)
_ASIDE = declare(
    "facts.set_aside",
    name=Text(zh="被搁置的事实", en="A fact is set aside"),
    mend=Text(zh="查看错误，修复后重试", en="Read its error, mend the cause, retry it."),
)
_GIVEN_UP = declare(
    "jobs.given_up",
    name=Text(zh="失败的任务", en="A job was given up"),
    mend=Text(zh="查看错误后重试或丢弃", en="Read its error; retry or discard it."),
)
_TIMERS = declare(
    "timers.stuck",
    name=Text(zh="停滞的定时器", en="A timer is stuck"),
    mend=Text(zh="查看错误后重试", en="Read its error; retry it."),
)


async def late(tx: Tx, subscribers: Sequence[str]) -> list[Stuck]:
    """What of the kit is stuck in this brand: listeners behind by a minute, facts set aside, jobs, timers."""
    behind = await tx.rows(BEHIND, tx.brand, list(subscribers), tx.now)
    aside = await tx.rows(ASIDE, tx.brand, MOST_OF_A_KIND)
    jobs = await tx.rows(GIVEN_UP, tx.brand, MOST_OF_A_KIND)
    timers = await tx.rows(TIMERS, tx.brand, MOST_OF_A_KIND)
    return [
        *(Stuck(_BEHIND, row["subscriber"], row["since"], figures={"behind": row["behind"]}) for row in behind),
        *(
            Stuck(
                _ASIDE, str(row["number"]), row["since"], None, {"subscriber": row["subscriber"], "type": row["type"]}
            )
            for row in aside
        ),
        *(Stuck(_GIVEN_UP, str(row["id"]), row["since"], figures={"job": row["entrypoint"]}) for row in jobs),
        *(Stuck(_TIMERS, str(row["key"]), row["since"], figures={"timer": row["kind"]}) for row in timers),
    ]
