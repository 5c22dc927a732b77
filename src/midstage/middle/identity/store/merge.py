"""Merges as they are seen, made by hand, and undone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from midstage.kit.audit import Principal
from midstage.kit.database import Record, Tx
from midstage.kit.paging import PageRequest
from midstage.middle.identity.plan import Root
from midstage.middle.identity.rules import Step
from midstage.middle.identity.store.look import SURE
from midstage.middle.identity.types import Cause, Identifier, IdentifierKind, Link, LinkId, PersonId, Undone

# All that is one with the asked: the root of each, its persons with their numbers, and the links that stand between them.
SHAPE = """
with asked as materialized (
  select a.person_id, coalesce(alias.root_id, a.person_id) as root_id
    from unnest($2::uuid[]) as a (person_id)
    left join person_alias alias on alias.brand_id = $1 and alias.person_id = a.person_id
), root as materialized (
  select distinct asked.root_id from asked
), whole as materialized (
  select root.root_id, root.root_id as person_id from root
  union all
  select root.root_id, alias.person_id
    from root join person_alias alias on alias.brand_id = $1 and alias.root_id = root.root_id
)
select json_build_object(
  'roots', (select coalesce(json_agg(json_build_array(asked.person_id, asked.root_id)), '[]')
              from asked join person on person.brand_id = $1 and person.person_id = asked.root_id),
  'persons', (select coalesce(json_agg(json_build_array(person.person_id, person.person_no, person.version,
                       whole.root_id)), '[]')
                from whole join person on person.brand_id = $1 and person.person_id = whole.person_id),
  'links', (select coalesce(json_agg(json_build_array(link.link_id, link.one_id, link.other_id)), '[]')
              from whole join identity_link link on link.brand_id = $1 and link.one_id = whole.person_id
                                                and link.undone_at is null))::text
"""

LINK_COLUMNS = """link.link_id, link.step, link.one_id, link.other_id, link.cause, link.one_kind, link.one_namespace,
       link.one_value, link.other_kind, link.other_namespace, link.other_value, link.case_id, link.source, link.reason,
       link.by_kind, link.by_id, link.made_at, link.undone_at, link.undone_reason, link.undone_by_kind,
       link.undone_by_id"""

LINK = "select {columns} from identity_link link where link.brand_id = $1 and link.link_id = $2".replace(
    "{columns}", LINK_COLUMNS
)

LINKS = """
select {columns} from identity_link link
 where link.brand_id = $1 and link.step < $2
 order by link.step desc
 limit $3
""".replace("{columns}", LINK_COLUMNS)

LINKS_OF = """
with touching as materialized (
  select link.link_id from identity_link link where link.brand_id = $1 and link.one_id = any ($4::uuid[])
  union
  select link.link_id from identity_link link where link.brand_id = $1 and link.other_id = any ($4::uuid[])
)
select {columns}
  from touching join identity_link link on link.brand_id = $1 and link.link_id = touching.link_id
 where link.step < $2
 order by link.step desc
 limit $3
""".replace("{columns}", LINK_COLUMNS)

RESTING_ON = """
select link.link_id, link.step from identity_link link
 where link.brand_id = $1 and link.one_kind = $2 and link.one_namespace = $3 and link.one_value = $4
   and link.undone_at is null
union
select link.link_id, link.step from identity_link link
 where link.brand_id = $1 and link.other_kind = $2 and link.other_namespace = $3 and link.other_value = $4
   and link.undone_at is null
order by step
"""

STEPS = """
select link.link_id, link.step, link.one_id, link.other_id, link.undone_step from identity_link link
 where link.brand_id = $1
 order by link.step
"""

# $4 the link, $5 who becomes a root again, $6 who belongs to that root then.
UNDO = """
{sure}, undone as (
  update identity_link link set undone_step = nextval('identity_step'), undone_at = $7, undone_reason = $8,
                                undone_by_kind = $9, undone_by_id = $10
    from sure
   where link.brand_id = $1 and link.link_id = $4 and link.undone_at is null
  returning link.link_id
), parted as (
  delete from person_alias alias using sure where alias.brand_id = $1 and alias.person_id = $5
  returning alias.person_id
), turned as (
  update person_alias alias set root_id = $5 from sure
   where alias.brand_id = $1 and alias.person_id = any ($6::uuid[])
  returning alias.person_id
)
select exists (select 1 from sure) as sure,
       (select count(*) from moved)::int as moved, (select count(*) from undone)::int as undone,
       (select count(*) from parted)::int as parted, (select count(*) from turned)::int as turned
""".replace("{sure}", SURE.strip())
_HOLD = "for no key update of person"
UNDO_UNWAITING = UNDO.replace(_HOLD, f"{_HOLD} skip locked")


class Body(msgspec.Struct, frozen=True, array_like=True):
    """A person with its number, its version, and the root that it belongs to."""

    person_id: PersonId
    person_no: int
    version: int
    root_id: PersonId


class Shape(msgspec.Struct, frozen=True):
    """Who is one with whom, and by which links."""

    roots: list[tuple[PersonId, PersonId]]
    persons: list[Body]
    links: list[tuple[LinkId, PersonId, PersonId]]

    def root_of(self, person_id: PersonId) -> PersonId | None:
        return dict(self.roots).get(person_id)

    def whole(self, root_id: PersonId) -> list[PersonId]:
        return [each.person_id for each in self.persons if each.root_id == root_id]

    def root(self, person_id: PersonId) -> Root:
        """A person as one that is locked: its number, version, and how many it is."""
        found = next(each for each in self.persons if each.person_id == person_id)
        return Root(found.person_id, found.person_no, found.version, len(self.whole(person_id)))


_shape = msgspec.json.Decoder(Shape)


async def shape(tx: Tx, ids: Sequence[PersonId]) -> Shape:
    return _shape.decode(await tx.value(SHAPE, tx.brand, list(dict.fromkeys(ids))))


async def undo(
    tx: Tx, link_id: LinkId, roots: Sequence[Root], parted: PersonId, others: Sequence[PersonId], reason: str,
    *, waiting: bool,
) -> bool:  # fmt: skip
    """Whether it was undone."""
    row = await tx.row(
        UNDO if waiting else UNDO_UNWAITING, tx.brand, [each.root_id for each in roots],
        [each.version for each in roots], link_id, parted, others, tx.now, reason, tx.by.kind, tx.by.id,
    )  # fmt: skip
    if row is None:
        raise AssertionError("a select without a table gives one row")
    if row["sure"] and (row["undone"], row["parted"], row["turned"]) != (1, 1, len(others)):
        raise AssertionError("the root was held, so its links and aliases are those that were seen")
    return row["sure"]


async def link(tx: Tx, link_id: LinkId) -> Link | None:
    row = await tx.row(LINK, tx.brand, link_id)
    return None if row is None else _link(row)


async def links(tx: Tx, ids: Sequence[PersonId] | None, after: int | None, page: PageRequest) -> list[tuple[int, Link]]:
    """Merges with their steps, the latest first; of some persons, or of the brand."""
    before = 2**63 - 1 if after is None else after
    args: tuple[Any, ...] = (tx.brand, before, page.fetch)
    rows = await tx.rows(LINKS, *args) if ids is None else await tx.rows(LINKS_OF, *args, ids)
    return [(row["step"], _link(row)) for row in rows]


async def resting_on(tx: Tx, one: Identifier) -> list[LinkId]:
    return [row["link_id"] for row in await tx.rows(RESTING_ON, tx.brand, one.kind.value, one.namespace, one.value)]


async def steps(tx: Tx) -> list[Step]:
    """The whole link log, for a replay."""
    found: list[Step] = []
    for row in await tx.rows(STEPS, tx.brand):
        found.append(Step(row["step"], row["link_id"], row["one_id"], row["other_id"], made=True))
        if row["undone_step"] is not None:
            found.append(Step(row["undone_step"], row["link_id"], row["one_id"], row["other_id"], made=False))
    return found


def call_off() -> None:
    """Call the transaction off as the database does where it is in the way of another one: the edge does it again."""
    raise asyncpg.SerializationError("others are changing the same persons")


def identifier_of(kind: str | None, namespace: str | None, value: str | None) -> Identifier | None:
    return None if kind is None or value is None else Identifier(IdentifierKind(kind), value, namespace or "")


def _link(row: Record) -> Link:
    undone_at: datetime | None = row["undone_at"]
    by: UUID = row["by_id"]
    return Link(
        link_id=row["link_id"],
        one_id=row["one_id"],
        other_id=row["other_id"],
        cause=Cause(row["cause"]),
        one_identifier=identifier_of(row["one_kind"], row["one_namespace"], row["one_value"]),
        other_identifier=identifier_of(row["other_kind"], row["other_namespace"], row["other_value"]),
        case_id=row["case_id"],
        source=row["source"],
        reason=row["reason"],
        by=Principal(row["by_kind"], by),
        made_at=row["made_at"],
        undone=None
        if undone_at is None
        else Undone(undone_at, Principal(row["undone_by_kind"], row["undone_by_id"]), row["undone_reason"]),
    )
