"""Cases in quarantine, and the block list."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from midstage.kit.audit import Principal
from midstage.kit.database import Record, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.identity.plan import Doubt
from midstage.middle.identity.types import (
    Block,
    BlockId,
    Case,
    CaseId,
    CaseState,
    Identifier,
    IdentifierKind,
    PersonId,
    Why,
)

# The same again is counted. What was dismissed stays so; what was accepted and came apart since is open again.
OPEN_CASE = """
insert into identity_case (brand_id, case_id, person_id, other_id, why, kind, namespace, value, with_kind,
                           with_namespace, with_value, source, opened_at, last_seen_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
on conflict (brand_id, person_id, other_id, kind, namespace, value) do update
   set times = identity_case.times + 1, last_seen_at = greatest(identity_case.last_seen_at, excluded.last_seen_at),
       why = case when identity_case.state = 'accepted' then excluded.why else identity_case.why end,
       state = case when identity_case.state = 'accepted' then 'open' else identity_case.state end,
       closed_at = case when identity_case.state = 'accepted' then null else identity_case.closed_at end
returning case_id, state, old.state is null or old.state = 'accepted' as opened
"""

CASE_COLUMNS = """case_id, person_id, other_id, why, kind, namespace, value, with_kind, with_namespace, with_value,
       source, state, opened_at, last_seen_at, times, closed_at, closed_by_kind, closed_by_id, closed_reason"""

CASE = "select {columns} from identity_case where brand_id = $1 and case_id = $2".replace("{columns}", CASE_COLUMNS)

CASES = """
select {columns} from identity_case
 where brand_id = $1 and state = $2 and (opened_at, case_id) > ($3::timestamptz, $4::uuid)
 order by opened_at, case_id
 limit $5
""".replace("{columns}", CASE_COLUMNS)

CASES_OF = """
with touching as materialized (
  select mine.case_id from identity_case mine where mine.brand_id = $1 and mine.person_id = any ($2::uuid[])
  union
  select mine.case_id from identity_case mine where mine.brand_id = $1 and mine.other_id = any ($2::uuid[])
)
select {columns}
  from touching join identity_case on identity_case.brand_id = $1 and identity_case.case_id = touching.case_id
 order by opened_at, identity_case.case_id
""".replace("{columns}", "identity_case." + CASE_COLUMNS)

CLOSE_CASE = """
update identity_case set state = $3, closed_at = $4, closed_by_kind = $5, closed_by_id = $6, closed_reason = $7
 where brand_id = $1 and case_id = $2 and state = 'open'
"""

# Whoever is one by now needs no decision any more.
SETTLE_CASES = """
update identity_case set state = 'accepted', closed_at = $3, closed_by_kind = $4, closed_by_id = $5, closed_reason = $6
 where brand_id = $1 and state = 'open' and person_id = any ($2::uuid[]) and other_id = any ($2::uuid[])
"""

BLOCK = """
insert into identity_block (brand_id, kind, namespace, value, block_id, reason, by_kind, by_id, blocked_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (brand_id, kind, namespace, value) do update set kind = excluded.kind
returning block_id, reason, by_kind, by_id, blocked_at, kind, namespace, value, old.block_id is null as fresh
"""

HOLDER = """
select held.person_id from identifier held
 where held.brand_id = $1 and held.kind = $2 and held.namespace = $3 and held.value = $4
"""

LIFT = """
delete from identity_block where brand_id = $1 and block_id = $2
returning block_id, reason, by_kind, by_id, blocked_at, kind, namespace, value
"""

BLOCKS = """
select block_id, reason, by_kind, by_id, blocked_at, kind, namespace, value from identity_block
 where brand_id = $1 and block_id > $2
 order by block_id
 limit $3
"""

WHICH_BLOCKED = """
select given.place::int as place
  from unnest($2::text[], $3::text[], $4::text[]) with ordinality as given (kind, namespace, value, place)
  join identity_block block on block.brand_id = $1 and block.kind = given.kind
                           and block.namespace = given.namespace and block.value = given.value
"""


# The place before the oldest case.
FIRST = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


class Opened(msgspec.Struct, frozen=True):
    """A case that was found: its id, and whether it waits for somebody since this moment."""

    case_id: CaseId
    fresh: bool
    state: CaseState


async def open_case(tx: Tx, doubt: Doubt, source: str) -> Opened:
    one, known = doubt.identifier, doubt.with_identifier
    row = await tx.row(
        OPEN_CASE, tx.brand, new_id(), doubt.person_id, doubt.other_id, doubt.why.value, one.kind.value, one.namespace,
        one.value, known.kind.value, known.namespace, known.value, source, tx.now,
    )  # fmt: skip
    if row is None:
        raise AssertionError("the statement inserts or updates")
    return Opened(row["case_id"], row["opened"], CaseState(row["state"]))


async def case(tx: Tx, case_id: CaseId) -> Case | None:
    row = await tx.row(CASE, tx.brand, case_id)
    return None if row is None else _case(row)


async def cases(tx: Tx, state: CaseState, after: tuple[datetime, UUID], limit: int) -> list[Case]:
    return [_case(row) for row in await tx.rows(CASES, tx.brand, state.value, *after, limit)]


async def cases_of(tx: Tx, ids: Sequence[PersonId]) -> list[Case]:
    return [_case(row) for row in await tx.rows(CASES_OF, tx.brand, ids)]


async def close_case(tx: Tx, case_id: CaseId, state: CaseState, reason: str) -> bool:
    return await tx.run(CLOSE_CASE, tx.brand, case_id, state.value, tx.now, tx.by.kind, tx.by.id, reason) == 1


async def settle_cases(tx: Tx, ids: Sequence[PersonId], reason: str) -> int:
    return await tx.run(SETTLE_CASES, tx.brand, ids, tx.now, tx.by.kind, tx.by.id, reason)


async def block(tx: Tx, one: Identifier, reason: str) -> tuple[Block, bool]:
    """The block, and whether it is new."""
    row = await tx.row(
        BLOCK, tx.brand, one.kind.value, one.namespace, one.value, new_id(), reason, tx.by.kind, tx.by.id, tx.now
    )
    if row is None:
        raise AssertionError("the statement inserts or updates")
    return _block(row), row["fresh"]


async def holder(tx: Tx, one: Identifier) -> PersonId | None:
    """On whom an identifier hangs, blocked or not."""
    return await tx.value(HOLDER, tx.brand, one.kind.value, one.namespace, one.value)


async def lift(tx: Tx, block_id: BlockId) -> Block | None:
    row = await tx.row(LIFT, tx.brand, block_id)
    return None if row is None else _block(row)


async def blocks(tx: Tx, after: UUID, page: PageRequest) -> list[Block]:
    return [_block(row) for row in await tx.rows(BLOCKS, tx.brand, after, page.fetch)]


async def which_blocked(tx: Tx, given: Sequence[Identifier]) -> frozenset[Identifier]:
    if not given:
        return frozenset()
    kinds = [each.kind.value for each in given]
    names, values = [each.namespace for each in given], [each.value for each in given]
    rows = await tx.rows(WHICH_BLOCKED, tx.brand, kinds, names, values)
    places: list[int] = [row["place"] for row in rows]
    return frozenset(given[place - 1] for place in places)


def _block(row: Record) -> Block:
    return Block(
        block_id=row["block_id"],
        identifier=Identifier(IdentifierKind(row["kind"]), row["value"], row["namespace"]),
        reason=row["reason"],
        by=Principal(row["by_kind"], row["by_id"]),
        blocked_at=row["blocked_at"],
    )


def _case(row: Record) -> Case:
    return Case(
        case_id=row["case_id"],
        person_id=row["person_id"],
        other_id=row["other_id"],
        why=Why(row["why"]),
        identifier=Identifier(IdentifierKind(row["kind"]), row["value"], row["namespace"]),
        with_identifier=Identifier(IdentifierKind(row["with_kind"]), row["with_value"], row["with_namespace"]),
        source=row["source"],
        state=CaseState(row["state"]),
        opened_at=row["opened_at"],
        last_seen_at=row["last_seen_at"],
        times=row["times"],
        closed_at=row["closed_at"],
        closed_by=Principal(row["closed_by_kind"], row["closed_by_id"]) if row["closed_at"] else None,
        closed_reason=row["closed_reason"] if row["closed_at"] else None,
    )
