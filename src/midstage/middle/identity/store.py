"""All SQL of identity: person, identifier, person_alias, person_number."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.identity.rules import SLOTS
from midstage.middle.identity.types import (
    Attached,
    Identifier,
    IdentifierKind,
    IdentifierTaken,
    Person,
    PersonId,
)

# The identifiers come in the order of trust. Those that are known say who it is; where none does, the first new one
# is inserted for a new person. The key decides between two that do so at once: the later one waits, inserts nothing,
# and its whole attempt says `raced`, as its snapshot cannot see who the winner is. No person is born then, so that
# no number is lost. The counter comes last: a slot that nobody holds, or, with all of them held, one's own slot.
#
# A device is shared (a kiosk, a family's tablet), so it never says who somebody is against a better id: it does not
# decide where the person it leads to already has another phone, union id or card than the one given.
ATTACH = """
with given as materialized (
  select g.place, g.kind, g.namespace, g.value
    from unnest($2::text[], $3::text[], $4::text[]) with ordinality as g (kind, namespace, value, place)
), known as materialized (
  select given.place, given.kind, coalesce(alias.root_id, held.person_id) as person_id
    from given
    join identifier held on held.brand_id = $1 and held.kind = given.kind
                        and held.namespace = given.namespace and held.value = given.value
    left join person_alias alias on alias.brand_id = $1 and alias.person_id = held.person_id
), decider as materialized (
  select known.person_id
    from known
   where known.kind <> 'device'
      or not exists (
           select 1
             from given
             join identifier other on other.brand_id = $1 and other.kind = given.kind
                                  and other.namespace = given.namespace and other.value <> given.value
            where given.kind <> 'device'
              and (other.person_id = known.person_id
                   or other.person_id in (select alias.person_id from person_alias alias
                                           where alias.brand_id = $1 and alias.root_id = known.person_id)))
   order by known.place
   limit 1
), lead as (
  insert into identifier (brand_id, kind, namespace, value, person_id, source, attached_at)
  select $1, given.kind, given.namespace, given.value, $5, $6, $7
    from given
   where not exists (select 1 from decider)
     and given.place not in (select known.place from known)
   order by given.place
   limit 1
  on conflict (brand_id, kind, namespace, value) do update set kind = excluded.kind
  returning kind, namespace, value, person_id, old.person_id is null as ours
), chosen as materialized (
  select decider.person_id, false as fresh from decider
  union all
  select lead.person_id, true from lead where lead.ours
), rest as (
  insert into identifier (brand_id, kind, namespace, value, person_id, source, attached_at)
  select $1, given.kind, given.namespace, given.value, chosen.person_id, $6, $7
    from given cross join chosen
   where given.place not in (select known.place from known)
     and not exists (select 1 from lead where lead.kind = given.kind and lead.namespace = given.namespace
                                          and lead.value = given.value)
   order by given.place
  on conflict (brand_id, kind, namespace, value) do update set kind = excluded.kind
  returning kind, namespace, value, person_id, old.person_id is null as ours
), newly as materialized (
  select kind, namespace, value, ours from lead
  union all
  select kind, namespace, value, ours from rest
), raced as materialized (
  select 1 as one from newly where not ours limit 1
), birth as materialized (
  select chosen.person_id from chosen where chosen.fresh and not exists (select 1 from raced)
), free as materialized (
  select slot.slot from person_number slot
   where slot.brand_id = $1 and exists (select 1 from birth)
   order by slot.dealt, slot.slot
   for no key update skip locked
   limit 1
), waited as materialized (
  select slot.slot from person_number slot
   where slot.brand_id = $1 and exists (select 1 from birth) and not exists (select 1 from free)
     and slot.slot = pg_backend_pid() % 32
   for no key update
), taken as (
  update person_number slot set dealt = slot.dealt + 1
    from (select free.slot from free union all select waited.slot from waited) mine
   where slot.brand_id = $1 and slot.slot = mine.slot
  returning slot.slot, slot.dealt
), born as (
  insert into person (brand_id, person_id, person_no, source, born_at)
  select $1, birth.person_id, (taken.dealt - 1) * 32 + taken.slot + 1, $6, $7
    from birth cross join taken
  returning person_no
)
select given.place::int as place, known.person_id as known_as, coalesce(newly.ours, false) as ours,
       chosen.person_id, chosen.fresh, exists (select 1 from raced) as raced,
       coalesce((select born.person_no from born),
                (select person.person_no from person
                  where person.brand_id = $1 and person.person_id = chosen.person_id)) as person_no
  from given
  left join known on known.place = given.place
  left join newly on newly.kind = given.kind and newly.namespace = given.namespace and newly.value = given.value
  left join chosen on true
 order by given.place
"""

UNDO_ATTACH = """
delete from identifier held
 using unnest($2::text[], $3::text[], $4::text[]) as given (kind, namespace, value)
 where held.brand_id = $1 and held.kind = given.kind and held.namespace = given.namespace
   and held.value = given.value and held.person_id = $5
"""

OPEN_NUMBERS = """
insert into person_number (brand_id, slot) select $1, slot from generate_series(0, 31) as slot
on conflict (brand_id, slot) do nothing
"""

RESOLVE = """
select coalesce(alias.root_id, held.person_id)
  from identifier held
  left join person_alias alias on alias.brand_id = $1 and alias.person_id = held.person_id
 where held.brand_id = $1 and held.kind = $2 and held.namespace = $3 and held.value = $4
"""

RESOLVE_MANY = """
select given.place::int as place, coalesce(alias.root_id, held.person_id) as person_id
  from unnest($2::text[], $3::text[], $4::text[]) with ordinality as given (kind, namespace, value, place)
  join identifier held on held.brand_id = $1 and held.kind = given.kind
                      and held.namespace = given.namespace and held.value = given.value
  left join person_alias alias on alias.brand_id = $1 and alias.person_id = held.person_id
 order by given.place
"""

PERSONS = """
select asked.person_id as asked, root.person_id, root.person_no, root.source, root.born_at,
       coalesce((select array_agg(merged.person_id order by merged.person_id) from person_alias merged
                  where merged.brand_id = $1 and merged.root_id = root.person_id), '{}') as merged
  from unnest($2::uuid[]) as asked (person_id)
  left join person_alias alias on alias.brand_id = $1 and alias.person_id = asked.person_id
  join person root on root.brand_id = $1 and root.person_id = coalesce(alias.root_id, asked.person_id)
"""

IDENTIFIERS_OF = """
with ids as (
  select $2::uuid as person_id
  union
  select coalesce(alias.root_id, alias.person_id) from person_alias alias
   where alias.brand_id = $1 and alias.person_id = $2
), whole as (
  select ids.person_id from ids
  union
  select merged.person_id from ids
    join person_alias merged on merged.brand_id = $1 and merged.root_id = ids.person_id
)
select held.kind, held.namespace, held.value, held.person_id, held.source, held.attached_at
  from whole
  join identifier held on held.brand_id = $1 and held.person_id = whole.person_id
 order by held.attached_at, held.kind, held.namespace, held.value
"""

IDENTIFIERS_OF_MANY = """
select held.kind, held.namespace, held.value, held.person_id, held.source, held.attached_at
  from identifier held
 where held.brand_id = $1 and held.person_id = any ($2::uuid[])
 order by held.attached_at, held.kind, held.namespace, held.value
"""

DETACH = """
delete from identifier held
 where held.brand_id = $1 and held.kind = $2 and held.namespace = $3 and held.value = $4
   and held.person_id = any ($5::uuid[])
"""

LOCK_NUMBERS = """
select slot.dealt from person_number slot where slot.brand_id = $1 order by slot.slot for no key update
"""

WRITE_NUMBERS = """
update person_number slot set dealt = after.dealt
  from unnest($2::int[]) with ordinality as after (dealt, place)
 where slot.brand_id = $1 and slot.slot = after.place - 1
"""

ORPHANS = """
select held.kind, held.person_id::text as person_id from identifier held
 where held.brand_id = $1
   and not exists (select 1 from person where person.brand_id = $1 and person.person_id = held.person_id)
 limit 20
"""

LONG_ALIASES = """
select alias.person_id::text as person_id, alias.root_id::text as root_id from person_alias alias
 where alias.brand_id = $1
   and exists (select 1 from person_alias further where further.brand_id = $1 and further.person_id = alias.root_id)
 limit 20
"""

UNDEALT = """
select person.person_id::text as person_id, person.person_no from person
  left join person_number slot on slot.brand_id = $1 and slot.slot = (person.person_no - 1) % 32
 where person.brand_id = $1 and (person.person_no - 1) / 32 >= coalesce(slot.dealt, 0)
 limit 20
"""

LOST = """
select slot.slot, slot.dealt, count(person.person_no) as given from person_number slot
  left join person on person.brand_id = $1 and (person.person_no - 1) % 32 = slot.slot
 where slot.brand_id = $1
 group by slot.slot, slot.dealt
having count(person.person_no) <> slot.dealt
 limit 20
"""


class Outcome(msgspec.Struct, frozen=True):
    """What one attempt to attach did to one given identifier (`place` from 1), and whom it chose."""

    place: int
    known_as: PersonId | None
    ours: bool
    person_id: PersonId | None
    fresh: bool | None
    raced: bool
    person_no: int | None


async def attach(tx: Tx, given: Sequence[Identifier], new_person: PersonId, source: str) -> list[Outcome]:
    rows = await tx.rows(ATTACH, tx.brand, *_columns(given), new_person, source, tx.now)
    return [msgspec.convert(dict(row), Outcome) for row in rows]


async def undo_attach(tx: Tx, given: Sequence[Identifier], person: PersonId) -> int:
    return await tx.run(UNDO_ATTACH, tx.brand, *_columns(given), person)


async def open_numbers(tx: Tx) -> None:
    await tx.run(OPEN_NUMBERS, tx.brand)


async def resolve(tx: Tx, identifier: Identifier) -> PersonId | None:
    return await tx.value(RESOLVE, tx.brand, identifier.kind.value, identifier.namespace, identifier.value)


async def resolve_many(tx: Tx, given: Sequence[Identifier]) -> dict[Identifier, PersonId]:
    rows = await tx.rows(RESOLVE_MANY, tx.brand, *_columns(given))
    return {given[row["place"] - 1]: PersonId(row["person_id"]) for row in rows}


async def persons(tx: Tx, ids: Sequence[PersonId]) -> dict[PersonId, Person]:
    rows = await tx.rows(PERSONS, tx.brand, ids)
    return {
        row["asked"]: Person(row["person_id"], row["person_no"], row["source"], row["born_at"], list(row["merged"]))
        for row in rows
    }


async def identifiers_of(tx: Tx, person: PersonId) -> list[Attached]:
    return [_attached(row) for row in await tx.rows(IDENTIFIERS_OF, tx.brand, person)]


async def identifiers_of_many(tx: Tx, ids: Sequence[PersonId]) -> list[Attached]:
    return [_attached(row) for row in await tx.rows(IDENTIFIERS_OF_MANY, tx.brand, ids)]


async def detach(tx: Tx, identifier: Identifier, ids: Sequence[PersonId]) -> int:
    return await tx.run(DETACH, tx.brand, identifier.kind.value, identifier.namespace, identifier.value, ids)


async def lock_numbers(tx: Tx) -> list[int]:
    """What each slot has dealt, held until the commit: for imports, which want many numbers at once."""
    await open_numbers(tx)
    return [row["dealt"] for row in await tx.rows(LOCK_NUMBERS, tx.brand)]


async def write_numbers(tx: Tx, dealt: Sequence[int]) -> None:
    if await tx.run(WRITE_NUMBERS, tx.brand, dealt) != SLOTS:
        raise AssertionError("the slots were locked and cannot have gone")


async def copy_persons(tx: Tx, rows: Sequence[tuple[PersonId, int, str, datetime]]) -> None:
    columns = ("brand_id", "person_id", "person_no", "source", "born_at")
    await tx.copy("person", columns, [(tx.brand, *row) for row in rows])


async def copy_identifiers(tx: Tx, rows: Sequence[tuple[Identifier, PersonId, str, datetime]]) -> None:
    """Raises IdentifierTaken where another connection attached one since it was looked up."""
    columns = ("brand_id", "kind", "namespace", "value", "person_id", "source", "attached_at")
    records = [(tx.brand, each.kind.value, each.namespace, each.value, *rest) for each, *rest in rows]
    try:
        await tx.copy("identifier", columns, records)
    except asyncpg.UniqueViolationError:
        raise IdentifierTaken(row=-1, kind="identifier") from None


async def orphans(tx: Tx) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.rows(ORPHANS, tx.brand)]


async def long_aliases(tx: Tx) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.rows(LONG_ALIASES, tx.brand)]


async def undealt(tx: Tx) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.rows(UNDEALT, tx.brand)]


async def lost(tx: Tx) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.rows(LOST, tx.brand)]


def _columns(given: Sequence[Identifier]) -> tuple[list[str], list[str], list[str]]:
    return [each.kind.value for each in given], [each.namespace for each in given], [each.value for each in given]


def _attached(row: Record) -> Attached:
    identifier = Identifier(IdentifierKind(row["kind"]), row["value"], row["namespace"])
    return Attached(identifier, PersonId(row["person_id"]), row["source"], row["attached_at"])
