"""The facts of a brand by number, for who fetches them instead of being called."""

from collections.abc import Sequence

import msgspec

from midstage.kit.database import Tx
from midstage.kit.facts.types import kinds
from midstage.kit.refusals import Conflict, Text
from midstage.kit.webhooks import messages, store
from midstage.kit.webhooks.messages import FactMessage
from midstage.kit.webhooks.types import NoSuchFactType

# Facts of other types are passed over, so many in one go; a page may then be short although there is more.
SCAN = 2_000

FEED = """
select n.number, n.recorded_at, f.type, f.version, f.key, f.payload, f.business_date
  from (select number, fact_id, recorded_at from fact_number
         where brand_id = $1 and number > $2 order by number limit $3) n
  left join fact f on f.brand_id = $1 and f.id = n.fact_id and f.recorded_at = n.recorded_at
   and (cardinality($4::text[]) = 0 or f.type = any ($4))
 order by n.number
"""


class CursorTooOld(Conflict):
    """The next facts are past their retention; who goes on from the oldest has missed some."""

    status = 410
    text = Text(
        zh="游标过旧：之后的事实已超过保留期，最早可用的编号为 {oldest}",
        en="The facts after this cursor are gone; the oldest that is kept is number {oldest}.",
    )
    oldest: int


class Feed(msgspec.Struct, frozen=True):
    """Some facts in the order of their numbers, how far was looked, and whether there is more."""

    items: list[FactMessage]
    read_to: int
    more: bool


async def feed(tx: Tx, *, after: int | None, types: Sequence[str] = (), limit: int = 100) -> Feed:
    """The facts after a number; from the oldest that is kept, where none is given.

    Raises NoSuchFactType, or CursorTooOld where facts in between are kept no longer.
    """
    known = kinds()
    for name in types:
        if name not in known:
            raise NoSuchFactType(name[:80])
    head, oldest = await store.head(tx)
    first = oldest if oldest is not None else head + 1
    if after is not None and after + 1 < first:
        raise CursorTooOld(first)
    start = first - 1 if after is None else after
    rows = await tx.rows(FEED, tx.brand, start, SCAN if types else limit, list(types))
    items: list[FactMessage] = []
    read_to = start
    for row in rows:
        if row["type"] is not None:
            if len(items) == limit:
                break
            items.append(messages.change(tx.tenant, row))
        read_to = row["number"]
    return Feed(items, read_to, read_to < head)


async def newest(tx: Tx) -> int:
    """The number of the newest fact."""
    return (await store.head(tx))[0]
